// Damaged modules are refused in good order or admitted as valid modules that fuel can stop; nothing else happens. The
// damage is random but the same in every run.

import { describe, expect, it } from "vitest";
import { HostError } from "../../../host/core/errors.ts";
import { corpus } from "../corpus/corpus.ts";
import { admitAll, Metered } from "../meter/metered.ts";

const ROUNDS = 400;
const SLICES = { units: 1_000, max: 30 };

/** A small generator of numbers (mulberry32), since Math.random cannot be seeded. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function damage(bytes: Uint8Array, below: (limit: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let times = 1 + below(3); times > 0; times--) {
    const at = 8 + below(copy.length - 8);
    copy[at] = below(4) === 0 ? (copy[at] ?? 0) ^ (1 << below(8)) : below(256);
  }
  return below(8) === 0 ? copy.subarray(0, below(copy.length)) : copy;
}

/** Calls all that the module exports; that it answers or fails is all the same, as long as it ends. */
async function runAll(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const compiled = new WebAssembly.Module(bytes);
  for (const { name, kind } of WebAssembly.Module.exports(compiled)) {
    if (kind !== "function") continue;
    try {
      await new Metered(bytes, SLICES).call(name, 3);
    } catch {}
  }
}

describe.each(corpus)("$name, damaged", ({ name, bytes }) => {
  it("is refused with a reason or becomes a valid module that ends", async () => {
    const below = numbers([...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7));
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const damaged = damage(bytes, below);
      try {
        await runAll(admitAll(damaged).bytes);
      } catch (error) {
        if (!(error instanceof HostError) || error.code !== "admission-refused") throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(ROUNDS / 4);
  });

  it("is refused when cut anywhere", () => {
    for (let length = 0; length < bytes.length; length++) {
      try {
        admitAll(bytes.subarray(0, length));
      } catch (error) {
        if (!(error instanceof HostError) || error.code !== "admission-refused") throw error;
      }
    }
  });
});
