// The key that opens a host's secrets, closed with a passphrase. What it costs to try one is the format's, so that no file can ask for more or for less.

import * as nodeCrypto from "node:crypto";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { z } from "zod";
import { KEY_BYTES } from "../admin/seal.ts";
import { HostError } from "../core/errors.ts";

/** What OWASP has for argon2id, several times over: it is done once, by an operator. */
const COST = { memory: 131_072, passes: 3, parallelism: 1 } as const;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;
const PURPOSE = Buffer.from("bulkhead backup key");
const MIN_PASSPHRASE = 12;
const MAX_PASSPHRASE = 1_024;

export const MAX_SEALED_BYTES = 1_024;

const base64 = (bytes: number): z.ZodType<Buffer, string> =>
  z.base64().transform((text, context) => {
    const decoded = Buffer.from(text, "base64");
    if (decoded.length !== bytes) context.addIssue({ code: "custom", message: `must be ${bytes} bytes` });
    return decoded;
  });
const sealedSchema = z.strictObject({
  format: z.literal(FORMAT),
  kdf: z.literal("argon2id"),
  salt: base64(SALT_BYTES),
  nonce: base64(NONCE_BYTES),
  sealed: base64(KEY_BYTES + TAG_BYTES),
});

/** Throws HostError `invalid-message` for a passphrase that is too short to be one, or too long. */
export function requirePassphrase(passphrase: string): void {
  if (passphrase.length < MIN_PASSPHRASE || Buffer.byteLength(passphrase) > MAX_PASSPHRASE)
    throw new HostError(
      "invalid-message",
      `the passphrase has ${passphrase.length} characters; write at least ${MIN_PASSPHRASE}, and at most ${MAX_PASSPHRASE} bytes`,
    );
}

/** Rejects with HostError `invalid-message`. */
export async function closeKey(key: Buffer, passphrase: string): Promise<string> {
  requirePassphrase(passphrase);
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const cipher = createCipheriv("aes-256-gcm", await derived(passphrase, salt), nonce).setAAD(PURPOSE);
  const sealed = Buffer.concat([cipher.update(key), cipher.final(), cipher.getAuthTag()]);
  const text = { salt: salt.toString("base64"), nonce: nonce.toString("base64"), sealed: sealed.toString("base64") };
  return JSON.stringify({ format: FORMAT, kdf: "argon2id", ...text });
}

/** Rejects with HostError `invalid-message` for another passphrase, and for what is no sealed key. */
export async function openKey(text: string, passphrase: string): Promise<Buffer> {
  const { salt, nonce, sealed } = parsed(text);
  const key = await derived(passphrase, salt);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(PURPOSE).setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new HostError("invalid-message", "the passphrase is not the one that the backup was made with", { cause });
  }
}

function parsed(text: string): z.infer<typeof sealedSchema> {
  try {
    return sealedSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new HostError("invalid-message", "the sealed key in the backup is malformed", { cause });
  }
}

function derived(passphrase: string, nonce: Buffer): Promise<Buffer> {
  // Before Node 24.7 there is none, and an import by its name would end the host.
  if (!("argon2" in nodeCrypto))
    return Promise.reject(new HostError("invalid-message", "the secrets of a backup need Node 24.7 or later; leave out --with-secrets"));
  const asked = { message: Buffer.from(passphrase.normalize("NFC")), nonce, tagLength: KEY_BYTES, ...COST };
  return new Promise((resolve, reject) => {
    nodeCrypto.argon2("argon2id", asked, (error, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
}
