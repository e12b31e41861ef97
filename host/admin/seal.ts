// Encryption at rest: AES-256-GCM with a key that lies in a file beside the database or comes from the environment, so that a copy of the database alone is of
// no use. What a value belongs to is authenticated with it: who changes that in the database breaks it.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../core/errors.ts";

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_VARIABLE = "BULKHEAD_SECRET_KEY";
export const KEY_FILE = "secret.key";

/** What is sealed, in the words of a message, and what to do when it does not open. */
export interface Sealed {
  /** Such as `the secret TOKEN`. */
  readonly what: string;
  readonly remedy: string;
  /** What it belongs to. */
  readonly context: readonly string[];
  readonly bytes: Buffer;
}

export class Seal {
  readonly #keyFile: string;
  #key: Buffer | undefined;

  constructor(dataDir: string) {
    this.#keyFile = join(dataDir, KEY_FILE);
  }

  /** Makes the key when there is none. Throws HostError when the one that there is cannot be used. */
  close(value: Buffer, context: readonly string[]): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#requireKey(), nonce).setAAD(asBytes(context));
    return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws HostError `storage-failed`: the key is another one or lost, or what was sealed was changed. */
  open({ what, remedy, context, bytes }: Sealed): Buffer {
    const key = this.key();
    if (key === undefined)
      throw new HostError("storage-failed", `${what} cannot be opened: ${KEY_FILE} is lost; bring it back from a backup, or ${remedy}`);
    try {
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(asBytes(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw new HostError("storage-failed", `${what} cannot be opened with the key in ${KEY_FILE}; ${remedy}`);
    }
  }

  #requireKey(): Buffer {
    this.#key ??= this.key() ?? this.#makeKey();
    return this.#key;
  }

  /** The key that is there; undefined where none was made yet, or it is lost. */
  key(): Buffer | undefined {
    this.#key ??= this.#keyOfEnvironment() ?? this.#keyOfFile();
    return this.#key;
  }

  #keyOfEnvironment(): Buffer | undefined {
    const text = process.env[KEY_VARIABLE];
    if (text === undefined) return undefined;
    const key = Buffer.from(text, "base64");
    if (key.length === KEY_BYTES) return key;
    throw new HostError("invalid-message", `${KEY_VARIABLE} must be ${KEY_BYTES} bytes in base64; "openssl rand -base64 32" makes one`);
  }

  #keyOfFile(): Buffer | undefined {
    if (!existsSync(this.#keyFile)) return undefined;
    const key = readFileSync(this.#keyFile);
    if (key.length === KEY_BYTES) return key;
    throw new HostError("storage-failed", `${KEY_FILE} is no key of ${KEY_BYTES} bytes; bring it back from a backup`);
  }

  #makeKey(): Buffer {
    const key = randomBytes(KEY_BYTES);
    const unfinished = `${this.#keyFile}.unfinished`;
    const descriptor = openSync(unfinished, "w", 0o600);
    writeSync(descriptor, key);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(unfinished, this.#keyFile);
    return key;
  }
}

const asBytes = (context: readonly string[]): Buffer => Buffer.from(JSON.stringify(context));
