// What of `crypto.*` in wit/ the host answers: passwords and the keys that plugins sign with. The rest is answered in the cell (engine/guest/crypto.ts).

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { CapabilityFunctions, CheckedCall } from "../../core/ports/capability.ts";
import type { Capability, HashingQueue, SigningKeys } from "../../seams.ts";
import { type CryptoOptions, cryptoOptions } from "./options.ts";
import { Passwords } from "./passwords.ts";
import { isKeyName } from "./permissions.ts";

/** Signing reads a message twice on the host's own thread: this takes less than a millisecond. */
const MAX_SIGNED_BYTES = 65_536;

export const crypto: Capability<CryptoOptions> = {
  name: "crypto",
  options: cryptoOptions,
  async open({ hashing, keys }, options) {
    return { functions: cryptoFunctions({ hashing, keys, options }), async [Symbol.asyncDispose]() {} };
  },
};

export interface CryptoPorts {
  readonly hashing: HashingQueue;
  readonly keys: SigningKeys;
  readonly options: CryptoOptions;
}

export function cryptoFunctions({ hashing, keys, options }: CryptoPorts): CapabilityFunctions {
  const passwords = new Passwords(hashing, options);
  return {
    "crypto.password-hash": { answer: (call, password) => passwords.hash(call, password) },
    "crypto.password-verify": { answer: (call, password, phc) => passwords.verify(call, password, phc) },
    "crypto.sign": {
      needs: "keys.sign",
      async answer(call, name, algorithm, message) {
        requireKey(call, name);
        if (message.length > MAX_SIGNED_BYTES)
          throw new HostError(
            "quota-exceeded",
            `the message has ${message.length} bytes; the limit is ${MAX_SIGNED_BYTES}; sign its digest`,
          );
        return keys.current(call.plugin, name, algorithm).sign(message);
      },
    },
    "crypto.public-key": {
      needs: "keys.sign",
      async answer(call, name, algorithm) {
        requireKey(call, name);
        return keys.current(call.plugin, name, algorithm).jwk;
      },
    },
    "crypto.public-keys": {
      needs: "keys.sign",
      async answer(call, name) {
        requireKey(call, name);
        return keys.list(call.plugin, name);
      },
    },
  };
}

/** Throws HostError `invalid-message` or `permission-denied`. */
function requireKey(call: CheckedCall, name: string): void {
  if (!isKeyName(name))
    throw new HostError(
      "invalid-message",
      `"${printable(name)}" is no name of a key; write 1 to 63 lower-case letters, digits and hyphens, a letter first`,
    );
  call.require("keys.sign", name);
}
