// The private keys of a publisher: a file for each, encrypted with a password, or one key in the environment, for machines that build. None is ever written down
// as it is.

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scryptSync,
} from "node:crypto";
import { mkdir, open, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { readPlainFile } from "../bounds/files.ts";
import { type Algorithm, describeKey, KEYID, MAX_KEY_LENGTH, type PublicKey, parsePublicKey } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { describeIssues } from "../manifest/issues.ts";
import { parseJson } from "../manifest/structured-file.ts";
import type { PrivateKey } from "./signatures.ts";

export const SIGNING_KEY_VARIABLE = "BULKHEAD_SIGNING_KEY";
export const KEY_PASSWORD_VARIABLE = "BULKHEAD_KEY_PASSWORD";
const SUFFIX = ".key.json";
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MAX_FILE_BYTES = 64 * 1_024;
const MIN_PASSWORD_LENGTH = 8;
const NONCE_BYTES = 12;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
// 128 MiB and a third of a second for each guess.
const SCRYPT = { log2N: 17, r: 8, p: 1 } as const;
const MAX_LOG2N = 20;

interface KeyFile extends PublicKey {
  readonly type: "bulkhead-signing-key";
  readonly version: 1;
  readonly name: string;
  readonly encrypted: {
    readonly kdf: "scrypt";
    readonly log2N: number;
    readonly r: number;
    readonly p: number;
    readonly salt: string;
    readonly cipher: "aes-256-gcm";
    readonly nonce: string;
    readonly data: string;
  };
}

const base64 = z.string().max(4_096);
const fileSchema: z.ZodType<KeyFile> = z.strictObject({
  type: z.literal("bulkhead-signing-key"),
  version: z.literal(1),
  name: z.string().max(64),
  keyid: z.string().regex(KEYID),
  publicKey: z.string().max(MAX_KEY_LENGTH),
  algorithm: z.enum(["ed25519", "p256"]),
  encrypted: z.strictObject({
    kdf: z.literal("scrypt"),
    log2N: z.int().min(10).max(MAX_LOG2N),
    r: z.int().min(1).max(16),
    p: z.int().min(1).max(4),
    salt: base64,
    cipher: z.literal("aes-256-gcm"),
    nonce: base64,
    data: base64,
  }),
});

export interface NamedKey extends PublicKey {
  readonly name: string;
  readonly file: string;
}

/** Where keys lie when nobody says: `$XDG_CONFIG_HOME/bulkhead/keys`. */
export const keyFolder = (): string => join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "bulkhead", "keys");

/** Makes a key and writes it. Rejects with HostError `invalid-message` for a name or a password that will not do, `conflict` when there is one of that name. */
export async function newKey(
  name: string,
  { folder, algorithm, password }: { readonly folder: string; readonly algorithm: Algorithm; readonly password: string },
): Promise<NamedKey> {
  requireName(name);
  if (password.length < MIN_PASSWORD_LENGTH)
    throw new HostError("invalid-message", `the password has ${password.length} characters; write ${MIN_PASSWORD_LENGTH} at least`);
  const { privateKey } = algorithm === "p256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
  const { key: _key, ...known } = describePrivate(privateKey).public;
  const file = fileOf(folder, name);
  const content: KeyFile = {
    type: "bulkhead-signing-key",
    version: 1,
    name,
    ...known,
    encrypted: encrypt(privateKey.export({ format: "der", type: "pkcs8" }), password, known.keyid),
  };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeOnce(file, `${JSON.stringify(content, null, 2)}\n`);
  return { name, file, ...known };
}

/** Those of a folder, by name; nothing where there is none. */
export async function listKeys(folder: string): Promise<readonly NamedKey[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw new HostError("invalid-message", `${escapeControls(folder)} cannot be read; check who may`, { cause });
  });
  const keys = names.filter((name) => name.endsWith(SUFFIX)).map((name) => readKey(folder, name.slice(0, -SUFFIX.length)));
  return (await Promise.all(keys)).map(({ named }) => named).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The public half of one. Rejects with HostError `invalid-message` when there is none of that name. */
export const publicKeyOf = async (folder: string, name: string): Promise<NamedKey> => (await readKey(folder, name)).named;

/** Opens one; `password` is asked for only once it is known to be needed. Rejects with HostError `invalid-message` for a wrong one. */
export async function openKey(folder: string, name: string, password: (keyid: string) => Promise<string>): Promise<PrivateKey> {
  const { content } = await readKey(folder, name);
  const der = decrypt(content, await password(content.keyid));
  const opened = describePrivate(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  if (opened.public.keyid === content.keyid) return opened;
  throw new HostError("invalid-message", `the file of the key ${name} holds another key than it says; bring it back from a backup`);
}

/** The key in the environment, as PEM or as its base64; undefined when there is none. Throws HostError `invalid-message` for what is no key. */
export function keyOfEnvironment(): PrivateKey | undefined {
  const text = process.env[SIGNING_KEY_VARIABLE];
  if (text === undefined || text === "") return undefined;
  const base64Text = text.replace(/-----(?:BEGIN|END) PRIVATE KEY-----|\s/g, "");
  try {
    return describePrivate(createPrivateKey({ key: Buffer.from(base64Text, "base64"), format: "der", type: "pkcs8" }));
  } catch (cause) {
    throw new HostError("invalid-message", `${SIGNING_KEY_VARIABLE} is no private key of Ed25519 or P-256; write one as PEM (PKCS #8)`, {
      cause,
    });
  }
}

function describePrivate(key: KeyObject): PrivateKey {
  const described = describeKey(createPublicKey(key));
  if (described === undefined) throw new HostError("invalid-message", "the key is neither of Ed25519 nor of P-256");
  return { public: described, key };
}

async function readKey(folder: string, name: string): Promise<{ readonly content: KeyFile; readonly named: NamedKey }> {
  requireName(name);
  const file = fileOf(folder, name);
  const remedy = `there is no key ${name}; "bulkhead key list" shows them, "bulkhead key new ${name}" makes it`;
  const text = (await readPlainFile(file, { code: "invalid-message", maxBytes: MAX_FILE_BYTES, remedy })).toString("utf8");
  const input = parseJson(text, file, "invalid-message");
  const parsed = fileSchema.safeParse(input);
  if (!parsed.success)
    throw new HostError("invalid-message", `${file} is no key`, { detail: describeIssues(parsed.error, { input, schema: fileSchema }) });
  const { keyid, publicKey, algorithm } = parsePublicKey(parsed.data.publicKey);
  if (keyid !== parsed.data.keyid) throw new HostError("invalid-message", `${file} contradicts itself: its keyid is not that of its key`);
  return { content: parsed.data, named: { name, file, keyid, publicKey, algorithm } };
}

const fileOf = (folder: string, name: string): string => join(folder, `${name}${SUFFIX}`);

function requireName(name: string): void {
  if (!NAME.test(name))
    throw new HostError(
      "invalid-message",
      `"${printable(name)}" is no name of a key; write lower-case letters, digits, . _ -, such as acme`,
    );
}

async function writeOnce(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "EEXIST")
      throw new HostError("conflict", `${escapeControls(file)} is there already; name the key otherwise`, { cause });
    throw new HostError("invalid-message", `${escapeControls(file)} cannot be written; check who may`, { cause });
  });
  await using closing = handle;
  await closing.writeFile(text);
  await closing.sync();
}

function encrypt(der: Buffer, password: string, keyid: string): KeyFile["encrypted"] {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", derived(password, salt, SCRYPT), nonce).setAAD(Buffer.from(keyid));
  const data = Buffer.concat([cipher.update(der), cipher.final(), cipher.getAuthTag()]);
  const text = (bytes: Buffer): string => bytes.toString("base64");
  return { kdf: "scrypt", ...SCRYPT, salt: text(salt), cipher: "aes-256-gcm", nonce: text(nonce), data: text(data) };
}

function decrypt({ name, keyid, encrypted }: KeyFile, password: string): Buffer {
  const [salt, nonce, data] = [encrypted.salt, encrypted.nonce, encrypted.data].map((part) => Buffer.from(part, "base64"));
  try {
    const key = derived(password, salt ?? Buffer.alloc(0), encrypted);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce ?? Buffer.alloc(0), { authTagLength: 16 });
    const sealed = data ?? Buffer.alloc(0);
    decipher.setAAD(Buffer.from(keyid)).setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch (cause) {
    throw new HostError("invalid-message", `the password does not open the key ${name}`, { cause });
  }
}

function derived(password: string, salt: Buffer, { log2N, r, p }: Pick<KeyFile["encrypted"], "log2N" | "r" | "p">): Buffer {
  const cost = 2 ** log2N;
  return scryptSync(password.normalize("NFC"), salt, KEY_BYTES, { cost, blockSize: r, parallelization: p, maxmem: 256 * cost * r });
}
