// Measures two ways of doing the same work in turn, so that a noisy machine disturbs both alike. Reports medians.

export interface Comparison {
  /** Does the work once and returns its figure, such as microseconds a call. */
  readonly runOurs: () => Promise<number>;
  readonly runTheirs: () => Promise<number>;
  readonly rounds?: number;
}

export interface Row {
  readonly work: string;
  readonly ours: string;
  readonly theirs: string;
  readonly ratio: string;
  readonly goal: string;
  readonly reached: boolean;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Medians of both sides over interleaved rounds, the first of which warms up and does not count. */
export async function measureBoth({ runOurs, runTheirs, rounds = 7 }: Comparison): Promise<{ ours: number; theirs: number }> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const a = await runOurs();
    const b = await runTheirs();
    if (round === 0) continue;
    ours.push(a);
    theirs.push(b);
  }
  return { ours: median(ours), theirs: median(theirs) };
}

/** Microseconds a repetition. */
export async function perCall(times: number, call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i += 1) await call();
  return ((performance.now() - start) * 1_000) / times;
}

export const figure = (value: number, unit: string): string =>
  `${value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2)} ${unit}`;
