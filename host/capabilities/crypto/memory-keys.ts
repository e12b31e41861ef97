// Keys that last as long as the process: of the test kit.

import type { SigningKey, SigningKeys } from "../../seams.ts";
import { makeKey, requireAlgorithm } from "./signing-key.ts";

export function memoryKeys(): SigningKeys {
  const keys = new Map<string, SigningKey>();
  return {
    current(plugin, name, algorithm) {
      const id = `${plugin}/${name}`;
      const key = keys.get(id) ?? makeKey(algorithm ?? "ed25519");
      keys.set(id, key);
      return requireAlgorithm(key, name, algorithm);
    },
    list: (plugin, name) => [...keys].filter(([id]) => id === `${plugin}/${name}`).map(([, { jwk }]) => jwk),
  };
}
