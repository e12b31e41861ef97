// How often the random tests run and from which seed. In `npm test` both are fixed, so that a failure is always the same one; `npm run fuzz`
// chooses them. It generates nothing.

import fc from "fast-check";

const SEED = 20_261_123;
const PAUSE_EVERY_MS = 200;

const fromEnvironment = (name: string, otherwise: number): number => {
  const text = process.env[name];
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error(`${name} must be a number, not "${text}"`);
  return value;
};

const seed = Math.trunc(fromEnvironment("BULKHEAD_FUZZ_SEED", SEED));
const factor = fromEnvironment("BULKHEAD_FUZZ_FACTOR", 1);

/** Of tests that take seconds on an idle machine; a long run has no limit. */
export const TEST_TIMEOUT_MS: number = factor > 1 ? 0 : 120_000;

/**
 * Checks a property on `numRuns` random values, times the factor of a long run. Rejects with the smallest value found that breaks it, its seed and its
 * path. The event loop gets a turn now and then, or the test runner would think that a long run is dead.
 */
export async function check<T>(arbitrary: fc.Arbitrary<T>, numRuns: number, property: (value: T) => void | Promise<void>): Promise<void> {
  let pauseAt = performance.now() + PAUSE_EVERY_MS;
  const paused = async (value: T): Promise<void> => {
    if (performance.now() > pauseAt) {
      await new Promise((resolve) => setImmediate(resolve));
      pauseAt = performance.now() + PAUSE_EVERY_MS;
    }
    await property(value);
  };
  await fc.assert(fc.asyncProperty(arbitrary, paused), { seed, numRuns: Math.max(1, Math.round(numRuns * factor)) });
}
