// What seeds Math.random.

import { bytes } from "./host/random";

/** Math.random asks for it once (`--use seed=…` in asconfig.json); without it a plugin would import a function that no host gives. */
export function seed(): f64 {
  const drawn = bytes(8).value;
  let bits: u64 = 0;
  for (let i = 0; i < 8; i++) bits = (bits << 8) | drawn[i];
  return reinterpret<f64>(bits);
}
