// What of `crypto.*` in wit/ the host answers: passwords and the keys that plugins sign with. The rest is answered in the cell (engine/guest/crypto.ts).

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { CapabilityFunctions, CheckedCall } from "../../core/ports/capability.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Capability, SigningKeys } from "../../seams.ts";
import { HashingLine } from "./hashing-line.ts";
import { type CryptoOptions, cryptoOptions } from "./options.ts";
import { Passwords } from "./passwords.ts";
import { isKeyName } from "./permissions.ts";

/** Signing reads a message twice on the host's own thread: this takes less than a millisecond. */
const MAX_SIGNED_BYTES = 65_536;

export const crypto: Capability<CryptoOptions> = {
  name: "crypto",
  options: cryptoOptions,
  async open({ clock, keys }, options) {
    return cryptoFunctions({ clock, keys, options });
  },
};

export interface CryptoPorts {
  readonly clock: Clock;
  readonly keys: SigningKeys;
  readonly options: CryptoOptions;
}

export function cryptoFunctions({ clock, keys, options }: CryptoPorts): { readonly functions: CapabilityFunctions } & AsyncDisposable {
  const line = new HashingLine(clock);
  const passwords = new Passwords(line, options);
  const functions: CapabilityFunctions = {
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
  return {
    functions,
    async [Symbol.asyncDispose]() {
      line[Symbol.dispose]();
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
