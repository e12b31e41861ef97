// Measures several ways of doing the same work in turn, so that a noisy machine disturbs all alike. Reports medians.

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
  /** "none" for a figure that only informs. */
  readonly goal: string;
  readonly reached: boolean;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Medians of both sides over interleaved rounds, the first of which warms up and does not count. */
export async function measureBoth({ runOurs, runTheirs, rounds = 7 }: Comparison): Promise<{ ours: number; theirs: number }> {
  const { ours, theirs } = await measureInTurn(
    { ours: async () => [await runOurs()], theirs: async () => [await runTheirs()] },
    { rounds, warmUpRounds: 1 },
  );
  return { ours: median(ours), theirs: median(theirs) };
}

/** All figures of each side, over interleaved rounds; those of the first rounds do not count. */
export async function measureInTurn<Side extends string, Figure = number>(
  sides: Readonly<Record<Side, () => Promise<readonly Figure[]>>>,
  { rounds, warmUpRounds }: { readonly rounds: number; readonly warmUpRounds: number },
): Promise<Readonly<Record<Side, readonly Figure[]>>> {
  const figures = new Map<string, Figure[]>();
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    for (const [side, run] of Object.entries<() => Promise<readonly Figure[]>>(sides)) {
      const found = await run();
      if (round >= warmUpRounds) figures.set(side, [...(figures.get(side) ?? []), ...found]);
    }
  }
  return Object.fromEntries(figures) as Record<Side, Figure[]>;
}

/** Microseconds a repetition. */
export async function perCall(times: number, call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i += 1) await call();
  return ((performance.now() - start) * 1_000) / times;
}

/** Microseconds of each repetition. */
export async function eachCall(times: number, call: () => Promise<unknown>): Promise<number[]> {
  const us: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const start = performance.now();
    await call();
    us.push((performance.now() - start) * 1_000);
  }
  return us;
}

export const figure = (value: number, unit: string): string =>
  `${value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2)} ${unit}`;

interface Both {
  readonly ours: number;
  readonly theirs: number;
}

/** A row of microseconds whose ratio says how much less ours takes. */
export function faster(work: string, { ours, theirs }: Both, goal: number): Row {
  const ratio = theirs / ours;
  const times = { ours: figure(ours, "µs"), theirs: figure(theirs, "µs") };
  return { work, ...times, ratio: `${ratio.toFixed(1)} × faster`, goal: `≥ ${goal} ×`, reached: ratio >= goal };
}

/** A row whose ratio says how much more ours takes. */
export function slower(work: string, { ours, theirs }: Both, goal: number, unit = "µs"): Row {
  const ratio = ours / theirs;
  const times = { ours: figure(ours, unit), theirs: figure(theirs, unit) };
  return { work, ...times, ratio: `${ratio.toFixed(2)} × its time`, goal: `≤ ${goal} ×`, reached: ratio <= goal };
}
