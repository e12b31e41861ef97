// Hashes of passwords as text: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, as everybody's argon2 writes them (the PHC string format). Pure.

import { HostError } from "../../core/errors.ts";
import type { Argon2Parameters } from "./options.ts";

export interface PasswordHash {
  readonly parameters: Argon2Parameters;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

const MAX_TEXT_LENGTH = 256;
const PHC =
  /^\$argon2id\$v=19\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/;
const [MIN_SALT_BYTES, MIN_HASH_BYTES, MAX_BYTES] = [8, 12, 64];
/** Of each lane, by argon2's own rule. */
const MIN_LANE_KIB = 8;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

export function formatHash({ parameters: { memoryKiB, passes, lanes }, salt, hash }: PasswordHash): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`;
}

/** Throws HostError `invalid-message` for what is no such text, or would cost more to try than `most`; the message never has the text itself. */
export function parseHash(text: string, most: Argon2Parameters): PasswordHash {
  const found = text.length <= MAX_TEXT_LENGTH ? PHC.exec(text) : null;
  if (found === null) throw malformed();
  const [, m, t, p, saltText = "", hashText = ""] = found;
  const parameters = { memoryKiB: Number(m), passes: Number(t), lanes: Number(p) };
  const [salt, hash] = [Buffer.from(saltText, "base64"), Buffer.from(hashText, "base64")];
  const fits = (bytes: Buffer, least: number): boolean => bytes.length >= least && bytes.length <= MAX_BYTES;
  if (!fits(salt, MIN_SALT_BYTES) || !fits(hash, MIN_HASH_BYTES) || parameters.memoryKiB < MIN_LANE_KIB * parameters.lanes)
    throw malformed();
  requireAffordable(parameters, most);
  return { parameters, salt, hash };
}

function requireAffordable({ memoryKiB, passes, lanes }: Argon2Parameters, most: Argon2Parameters): void {
  if (memoryKiB <= most.memoryKiB && passes <= most.passes && lanes <= most.lanes) return;
  const asked = `m=${memoryKiB},t=${passes},p=${lanes}`;
  const limit = `m=${most.memoryKiB},t=${most.passes},p=${most.lanes}`;
  throw new HostError(
    "invalid-message",
    `phc asks for ${asked}; the limit is ${limit} (capabilities.crypto: maxMemoryMiB, maxPasses, maxLanes)`,
  );
}

const malformed = (): HostError =>
  new HostError(
    "invalid-message",
    "phc is no hash of argon2id; it looks like $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>, with a salt of 8 to 64 bytes and a hash of 12 to 64",
  );
