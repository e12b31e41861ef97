// Randomness that is the same in every run of a test: for tests only, since who knows the seed knows what comes.

import { createHash } from "node:crypto";

/** Fills bytes with the digests of the seed and a count, which is the sequence's place and shared by all that ask. */
export function seededRandom(seed: number): (bytes: Uint8Array) => void {
  let count = 0;
  let rest = new Uint8Array(0);
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      if (rest.length === 0) {
        rest = new Uint8Array(createHash("sha256").update(`${seed}/${count}`).digest());
        count += 1;
      }
      const taken = rest.subarray(0, bytes.length - at);
      bytes.set(taken, at);
      at += taken.length;
      rest = rest.subarray(taken.length);
    }
  };
}
