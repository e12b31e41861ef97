// Signed notes of C2SP: a text with lines below it that say who has signed. Keys of Ed25519, in the form that other tools of such logs read.

import { isUtf8 } from "node:buffer";
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";

/** Who signs a log. */
export interface NoteKey {
  readonly name: string;
  readonly id: Buffer;
  readonly key: KeyObject;
}

export interface NoteSigner {
  readonly name: string;
  /** Of Ed25519. */
  readonly key: KeyObject;
}

export const MAX_NOTE_BYTES: number = 16 * 1_024;
const MAX_SIGNATURES = 16;
const ED25519 = 1;
const ID_BYTES = 4;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const NAME = /^[^\s+\p{Cc}]{1,200}$/u;
const MARK = "— ";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Of a `vkey`, such as `example.org/log+1234abcd+AbC…`. Throws HostError `invalid-message`. */
export function parseNoteKey(text: string): NoteKey {
  const [, name = "", id = "", encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const bytes = BASE64.test(encoded) ? Buffer.from(encoded, "base64") : Buffer.alloc(0);
  const raw = bytes.subarray(1);
  const isWhole = NAME.test(name) && bytes[0] === ED25519 && raw.length === KEY_BYTES && keyId(name, raw).toString("hex") === id;
  if (!isWhole)
    throw new HostError(
      "invalid-message",
      `"${printable(text.slice(0, 300))}" is no key of a log; it looks like example.org/log+1234abcd+…`,
    );
  return {
    name,
    id: keyId(name, raw),
    key: createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" }),
  };
}

/** What others name the key by, and check its notes with. Throws HostError `invalid-message` for another kind of key. */
export function noteKeyText({ name, key }: NoteSigner): string {
  const raw = rawPublicKey(name, key);
  return `${name}+${keyId(name, raw).toString("hex")}+${Buffer.concat([Buffer.of(ED25519), raw]).toString("base64")}`;
}

/** `text` ends with a line's end. Throws HostError `invalid-message` for another kind of key. */
export function signNote(text: string, signer: NoteSigner): string {
  const id = keyId(signer.name, rawPublicKey(signer.name, signer.key));
  const signature = sign(null, Buffer.from(text), signer.key);
  return `${text}\n${MARK}${signer.name} ${Buffer.concat([id, signature]).toString("base64")}\n`;
}

/** The text that the key has signed; undefined for what is no note, or is not signed by it. */
export function openNote(bytes: Uint8Array, { name, id, key }: NoteKey): string | undefined {
  if (bytes.length > MAX_NOTE_BYTES || !isUtf8(bytes)) return undefined;
  const note = Buffer.from(bytes).toString("utf8");
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split("\n");
  if (end < 0 || hasControls(note) || lines.pop() !== "" || lines.length === 0 || lines.length > MAX_SIGNATURES) return undefined;
  const signatures = lines.map((line) => parseSignature(line));
  if (signatures.includes(undefined)) return undefined;
  const ours = signatures.find((one) => one?.name === name && one.bytes.subarray(0, ID_BYTES).equals(id));
  const signature = ours?.bytes.subarray(ID_BYTES);
  return signature?.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), key, signature) ? text : undefined;
}

const hasControls = (note: string): boolean => /[^\P{Cc}\n]/u.test(note);

function parseSignature(line: string): { readonly name: string; readonly bytes: Buffer } | undefined {
  const [name = "", encoded = "", ...others] = line.startsWith(MARK) ? line.slice(MARK.length).split(" ") : [];
  if (!NAME.test(name) || others.length > 0 || encoded === "" || !BASE64.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.length > ID_BYTES ? { name, bytes } : undefined;
}

function rawPublicKey(name: string, key: KeyObject): Buffer {
  const isRight = key.asymmetricKeyType === "ed25519" && NAME.test(name);
  if (!isRight)
    throw new HostError("invalid-message", `${printable(name)} cannot sign a log; it takes a name without spaces and a key of Ed25519`);
  const { x = "" } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  return Buffer.from(x, "base64url");
}

const keyId = (name: string, raw: Uint8Array): Buffer =>
  createHash("sha256").update(`${name}\n`).update(Uint8Array.of(ED25519)).update(raw).digest().subarray(0, ID_BYTES);
