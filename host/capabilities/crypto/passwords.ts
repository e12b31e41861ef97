// Passwords, hashed with Node's argon2id in libuv's pool: 19 MiB and a fifth of a turn's CPU time would be too much for a guest.

import * as nodeCrypto from "node:crypto";
import { HostError } from "../../core/errors.ts";
import type { CheckedCall } from "../../core/ports/capability.ts";
import type { HashingQueue } from "../../seams.ts";
import type { Argon2Parameters, CryptoOptions } from "./options.ts";
import { formatHash, parseHash } from "./phc.ts";

const MAX_PASSWORD_BYTES = 1_024;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

type Hashing = Pick<CheckedCall, "plugin" | "deadline" | "spend">;

export class Passwords {
  readonly #line: HashingQueue;
  readonly #options: CryptoOptions;

  constructor(line: HashingQueue, options: CryptoOptions) {
    this.#line = line;
    this.#options = options;
  }

  /** Rejects with HostError like `crypto.password-hash` in wit/. */
  async hash(call: Hashing, password: string): Promise<string> {
    const message = bytesOf(password);
    const salt = nodeCrypto.randomBytes(SALT_BYTES);
    const { own } = this.#options;
    const hash = await this.#line.run(call.plugin, call, () => argon2id(message, salt, HASH_BYTES, own));
    return formatHash({ parameters: own, salt, hash });
  }

  /** Rejects with HostError like `crypto.password-verify` in wit/; what is refused costs nothing. */
  async verify(call: Hashing, password: string, phc: string): Promise<boolean> {
    const message = bytesOf(password);
    const { salt, hash, parameters } = parseHash(phc, this.#options.most);
    const made = await this.#line.run(call.plugin, call, () => argon2id(message, salt, hash.length, parameters));
    return nodeCrypto.timingSafeEqual(made, hash);
  }
}

function bytesOf(password: string): Uint8Array {
  const bytes = Buffer.from(password, "utf8");
  if (bytes.length >= 1 && bytes.length <= MAX_PASSWORD_BYTES) return bytes;
  throw new HostError("invalid-message", `the password has ${bytes.length} bytes of UTF-8; write 1 to ${MAX_PASSWORD_BYTES}`);
}

function argon2id(message: Uint8Array, nonce: Uint8Array, tagLength: number, parameters: Argon2Parameters): Promise<Uint8Array> {
  // Before Node 24.7 there is none, and an import by its name would end the host.
  if (!("argon2" in nodeCrypto))
    return Promise.reject(new HostError("permission-denied", "this host hashes no passwords: its Node is older than 24.7"));
  const { memoryKiB: memory, passes, lanes: parallelism } = parameters;
  return new Promise((resolve, reject) => {
    nodeCrypto.argon2("argon2id", { message, nonce, tagLength, memory, passes, parallelism }, (error, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
}
