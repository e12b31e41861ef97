import { describe, expect, it } from "vitest";
import { AHEAD_SHARE, LANE_SHARE, WARM_MS } from "../../host/cell/inside/lane.ts";
import { SLICE_MS } from "../../host/cell/inside/scheduler.ts";
import { ENDLESS, type SimulatedGuest, type SimulatedUse, simulateCell } from "../support/simulated-cell.ts";

const LOOPS: readonly SimulatedGuest[] = Array.from({ length: 200 }, () => ENDLESS);
const FOR_MS = 30_000;

const polite = (turnMs: number, rest: Partial<SimulatedGuest> = {}): SimulatedGuest => ({
  turnMs: () => turnMs,
  restMs: 40 - turnMs,
  // The loops are warming up still.
  beginsAtMs: 1_000,
  ...rest,
});

/** Two hundred that sleep until their allowance is full and then take more than it. */
const GAMERS: readonly SimulatedGuest[] = Array.from({ length: 200 }, (_, i) => ({
  turnMs: () => 8,
  restMs: 100,
  beginsAtMs: (i * 37) % 101,
}));

const p99Slices = ({ latenciesMs }: SimulatedUse): number => {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return (sorted[Math.floor(sorted.length * 0.99)] ?? Number.POSITIVE_INFINITY) / SLICE_MS;
};
const cpuMs = (uses: readonly SimulatedUse[]): number => uses.reduce((sum, use) => sum + use.cpuMs, 0);

async function besides(others: readonly SimulatedGuest[], guest: SimulatedGuest): Promise<{ guest: SimulatedUse; others: SimulatedUse[] }> {
  const [first, ...rest] = await simulateCell([guest, ...others], FOR_MS);
  if (first === undefined) throw new Error("nobody ran");
  return { guest: first, others: rest };
}

describe("a short turn beside 200 endless loops", () => {
  it.each([0.1, 1])("of %f ms, each 40 ms, ends within five slices, 99 times of 100", async (turnMs) => {
    const { guest, others } = await besides(LOOPS, polite(turnMs));
    expect(guest.latenciesMs.length).toBeGreaterThan(500);
    expect(p99Slices(guest)).toBeLessThanOrEqual(5);
    expect(cpuMs(others)).toBeGreaterThan(0.95 * FOR_MS);
  });

  it("ends within ten slices when the turn before it was cold", async () => {
    const { guest } = await besides(
      LOOPS,
      polite(0.1, { turnMs: (turn) => (turn === 0 ? WARM_MS + 8 : 0.1), isCold: (turn) => turn === 0 }),
    );
    expect(guest.latenciesMs[1]).toBeLessThanOrEqual(10 * SLICE_MS);
  });

  it("and a cold one waits for no round of the loops", async () => {
    const { guest } = await besides(LOOPS, polite(WARM_MS, { isCold: () => true, beginsAtMs: 6_000 }));
    expect(guest.latenciesMs[0]).toBeLessThan(100 * SLICE_MS);
  });

  it("is not put behind by a slice that the machine stretched", async () => {
    const { guest } = await besides(LOOPS, polite(1.5, { beginsAtMs: 6_000, sliceMs: 6, turnMs: (turn) => (turn % 50 === 10 ? 7 : 1.5) }));
    expect(p99Slices(guest)).toBeLessThan(15);
  });

  it("is not behind for ever when one turn was long", async () => {
    const { guest } = await besides(LOOPS, polite(0.1, { turnMs: (turn) => (turn === 100 ? 10 : 0.1) }));
    expect(p99Slices({ ...guest, latenciesMs: guest.latenciesMs.slice(101) })).toBeLessThanOrEqual(5);
  });
});

describe("who would game the lane", () => {
  it.each([0.1, 1])("does not stop a turn of %f ms, by 200 that sleep and burst", async (turnMs) => {
    const { guest } = await besides([...GAMERS, ...LOOPS], polite(turnMs));
    expect(p99Slices(guest)).toBeLessThanOrEqual(5);
  });

  it("does not stop a turn by 200 that have just started either", async () => {
    const newcomers = GAMERS.map((gamer) => ({ ...gamer, beginsAtMs: 6_000, isCold: (turn: number) => turn === 0 }));
    const { guest } = await besides([...newcomers, ...LOOPS], polite(0.1));
    expect(Math.max(...guest.latenciesMs.slice(30))).toBeLessThanOrEqual(10 * SLICE_MS);
  });

  it("does not stop a turn for long after the machine was away while one of them ran", async () => {
    const stalled = GAMERS.map((gamer, i) => ({ ...gamer, stallMs: (turn: number) => (i === 0 && turn % 5 === 4 ? 25 : 0) }));
    const { guest } = await besides([...stalled, ...LOOPS], polite(0.1));
    const stalls = guest.latenciesMs.filter((ms) => ms > 5);
    expect(Math.max(...stalls)).toBeGreaterThan(10);
    expect(Math.max(...stalls)).toBeLessThan(25 + 10 * SLICE_MS);
  });

  it("leaves the loops what a fair order leaves them", async () => {
    const uses = await simulateCell([...GAMERS, ...LOOPS], FOR_MS);
    const loops = cpuMs(uses.slice(GAMERS.length));
    expect(loops).toBeGreaterThan(0.95 * 0.5 * FOR_MS);
  });

  it("gets no more ahead than its allowance", async () => {
    const { guest } = await besides(LOOPS, { turnMs: () => 1 });
    expect(guest.cpuMs).toBeLessThan((AHEAD_SHARE + 0.02) * FOR_MS);
  });

  it("gets no more ahead by breaking its instance each time", async () => {
    const { guest } = await besides(LOOPS, { turnMs: () => 10, isCold: () => true });
    expect(guest.cpuMs).toBeLessThan((AHEAD_SHARE + 0.02) * FOR_MS);
  });

  it("together takes half at most, where each slice is as long as it likes", async () => {
    const crowd = Array.from({ length: 100 }, (_, i) => ({ turnMs: () => 1, beginsAtMs: i, restMs: 15 }));
    const uses = await simulateCell([...crowd, ...LOOPS], FOR_MS);
    expect(cpuMs(uses.slice(crowd.length))).toBeGreaterThan((1 - LANE_SHARE - 0.05) * FOR_MS);
  });

  it("pays for a slice that cannot be cut", async () => {
    const { guest } = await besides(LOOPS, { turnMs: () => 50, sliceMs: 50 });
    expect(guest.cpuMs).toBeLessThan((AHEAD_SHARE + 0.02) * FOR_MS);
  });
});

describe("turns that nobody competes with", () => {
  it("run without a pause, however much they use", async () => {
    const [guest] = await simulateCell([{ turnMs: () => 1 }], 1_000);
    expect(guest?.cpuMs).toBeGreaterThanOrEqual(1_000);
  });

  it("leave nothing behind that would shut the lane later", async () => {
    const crowd = Array.from({ length: 20 }, () => ({ turnMs: (turn: number) => (turn < 500 ? 1 : Number.POSITIVE_INFINITY) }));
    const uses = await simulateCell([polite(0.1, { beginsAtMs: 12_000 }), ...crowd], FOR_MS);
    expect(p99Slices(uses[0] ?? { cpuMs: 0, latenciesMs: [] })).toBeLessThanOrEqual(5);
  });
});
