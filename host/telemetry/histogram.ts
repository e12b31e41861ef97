// How often something took how long: a few fixed buckets, so that recording is an addition and never allocates.

/** Upper bounds of the buckets, in seconds: from what a short turn takes to what a deadline allows. What takes longer is in one more. */
export const BOUNDS: readonly number[] = Object.freeze([
  ...[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10],
]);

export class Histogram {
  readonly counts: Float64Array = new Float64Array(BOUNDS.length + 1);
  sum = 0;

  record(seconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += seconds;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * About how many seconds that share of them took at most, from 0 to 1: within its bucket as if they were spread evenly; undefined without any. What took
   * longer than the last bound counts as that bound.
   */
  quantile(share: number): number | undefined {
    const wanted = share * this.count;
    if (wanted === 0) return undefined;
    let below = 0;
    for (const [bucket, count] of this.counts.entries()) {
      const upper = BOUNDS[bucket];
      if (upper === undefined) break;
      if (below + count >= wanted) {
        const lower = BOUNDS[bucket - 1] ?? 0;
        return lower + ((wanted - below) / count) * (upper - lower);
      }
      below += count;
    }
    return BOUNDS.at(-1);
  }
}
