// Random bytes from the host, and the seed of Math.random.

import { bytesFrom } from "./answers";
import * as abi from "./imports";
import { textBlock } from "./memory";
import { Result } from "./result";

/**
 * Bytes from the host's cryptographic generator, 0 to 65,536 of them.
 *
 * Fails with invalid-message (length).
 */
export function bytes(length: u32): Result<Uint8Array> {
  return bytesFrom(abi.random_bytes(textBlock(length.toString())));
}

/** Math.random asks for it once (`--use seed=…` in asconfig.json); without it a plugin would import a function that no host gives. */
export function seed(): f64 {
  const drawn = bytes(8).value;
  let bits: u64 = 0;
  for (let i = 0; i < 8; i++) bits = (bits << 8) | drawn[i];
  return reinterpret<f64>(bits);
}
