// What the host writes down of itself: tables that strangers cannot fill, times in buckets, and the last steps in a ring.

import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { EVENTS } from "../../host/core/host.ts";
import { childSpan, startTrace } from "../../host/core/trace.ts";
import type { EndedTurn } from "../../host/core/turn.ts";
import { type CloudEvent, NO_USAGE, type TurnOutcome } from "../../host/core/types.ts";
import { BoundedTable, OTHER } from "../../host/telemetry/bounded-table.ts";
import { BOUNDS, Histogram } from "../../host/telemetry/histogram.ts";
import { Recorder } from "../../host/telemetry/recorder.ts";
import { SpanRing, type Step } from "../../host/telemetry/span-ring.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

const OUTPUT = new Uint8Array(0);

function turnOf(
  plugin: string,
  { outcome = {}, ...rest }: Partial<Omit<EndedTurn, "outcome">> & { outcome?: Partial<TurnOutcome> } = {},
): EndedTurn {
  return {
    ...{ plugin, entryPoint: "work", caller: { kind: "host", name: "host" }, traceparent: startTrace(), queuedAt: 0 },
    outcome: { ok: true, output: OUTPUT, usage: NO_USAGE, ...outcome } as TurnOutcome,
    ...rest,
  };
}

const stepOf = (rest: Partial<Step> = {}): Step => ({
  ...{ kind: "turn", traceparent: startTrace(), parent: undefined, owner: "p", name: "work", subject: undefined },
  ...{ startedAt: 1, endedAt: 3, queuedMs: 0.5, cpuMs: 1, code: 0 },
  ...rest,
});

describe("a histogram", () => {
  it("counts what took as long as a bound below it, and what took longer than all above", () => {
    const histogram = new Histogram();
    for (const seconds of [0, 0.0001, 0.00011, 10, 11]) histogram.record(seconds);
    expect([...histogram.counts]).toEqual([2, 1, ...Array.from({ length: BOUNDS.length - 3 }, () => 0), 1, 1]);
    expect(histogram.count).toBe(5);
    expect(histogram.sum).toBeCloseTo(21.00021);
  });

  it("tells about how long a share of them took", () => {
    const histogram = new Histogram();
    expect(histogram.quantile(0.5)).toBeUndefined();
    for (let i = 0; i < 100; i += 1) histogram.record(i < 90 ? 0.002 : 100);
    expect(histogram.quantile(0.5)).toBeGreaterThan(0.001);
    expect(histogram.quantile(0.5)).toBeLessThanOrEqual(0.0025);
    expect(histogram.quantile(0.95)).toBe(10);
  });
});

describe("a bounded table", () => {
  it("counts together what finds no room, and gives room back", () => {
    const table = new BoundedTable(2, () => ({ count: 0 }));
    for (const name of ["a", "b", "c", "d", "a"]) table.of(name).count += 1;
    expect(Object.fromEntries(table)).toEqual({ a: { count: 2 }, b: { count: 1 }, [OTHER]: { count: 2 } });
    table.delete("a");
    table.of("e").count += 1;
    expect(Object.fromEntries(table)).toMatchObject({ b: { count: 1 }, e: { count: 1 } });
  });

  it("shares a budget with others, and each has a row for the rest", () => {
    const budget = { left: 3 };
    const [one, other] = [new BoundedTable(10, () => ({}), budget), new BoundedTable(10, () => ({}), budget)];
    for (const name of ["a", "b"]) one.of(name);
    for (const name of ["c", "d", "e"]) other.of(name);
    expect([...one].map(([name]) => name)).toEqual(["a", "b"]);
    expect([...other].map(([name]) => name)).toEqual(["c", OTHER]);
    one.clear();
    expect(budget.left).toBe(2);
  });
});

describe("the ring of steps", () => {
  it("gives back what was written, with ids, times and the code of the failure", () => {
    const ring = new SpanRing(8);
    const parent = startTrace();
    const traceparent = childSpan(parent);
    ring.write(stepOf({ traceparent, parent, subject: "p.service", code: 1 }));
    const { spans, missed, next } = ring.read(0, 1_000);
    expect({ missed, next }).toEqual({ missed: 0, next: 1 });
    expect(spans).toEqual([
      {
        ...{ kind: "turn", traceId: parent.slice(3, 35), spanId: traceparent.slice(36, 52), parentSpanId: parent.slice(36, 52) },
        ...{ isSampled: true, owner: "p", name: "work", subject: "p.service", startMs: 1_001, durationMs: 2, queuedMs: 0.5, cpuMs: 1 },
        code: expect.not.stringMatching("ok"),
      },
    ]);
  });

  it("gives a host call an id of its own below its turn", () => {
    const ring = new SpanRing(8);
    const traceparent = startTrace();
    for (const name of ["state.get", "state.put"]) ring.write(stepOf({ kind: "host-call", traceparent, name }));
    const [one, other] = ring.read(0, 0).spans;
    expect([one?.parentSpanId, other?.parentSpanId]).toEqual([traceparent.slice(36, 52), traceparent.slice(36, 52)]);
    expect(new Set([one?.spanId, other?.spanId, traceparent.slice(36, 52)]).size).toBe(3);
    expect(one?.spanId).toMatch(/^[0-9a-f]{16}$/);
  });

  it("writes over the oldest, and tells a reader how many it has missed", () => {
    const ring = new SpanRing(4);
    for (let i = 0; i < 10; i += 1) ring.write(stepOf({ startedAt: i }));
    const read = ring.read(3, 0);
    expect(read.spans.map(({ startMs }) => startMs)).toEqual([6, 7, 8, 9]);
    expect(read).toMatchObject({ missed: 3, next: 10 });
    expect(ring.read(10, 0)).toEqual({ spans: [], missed: 0, next: 10 });
  });

  it("keeps no more of a long subject than it has room for, and of 20,000 names no more than its bound", () => {
    const ring = new SpanRing(2);
    ring.write(stepOf({ subject: `p.${"x".repeat(10_000)}` }));
    expect(ring.read(0, 0).spans[0]?.subject).toHaveLength(96);
    for (let i = 0; i < 20_000; i += 1) ring.write(stepOf({ name: `name-${i}` }));
    expect(ring.read(0, 0).spans.map(({ name }) => name)).toEqual([OTHER, OTHER]);
    ring.write(stepOf({ name: "name-1" }));
    expect(ring.read(20_001, 0).spans[0]?.name).toBe("name-1");
  });
});

describe("the recorder", () => {
  const recorderAt = (nowMs: number): { clock: FakeClock; recorder: Recorder } => {
    const clock = fakeClock();
    clock.pass(nowMs);
    return { clock, recorder: new Recorder(clock, { spans: 64 }) };
  };

  it("counts turns by how they ended, and splits their time into waiting and running", () => {
    const { recorder } = recorderAt(100);
    const usage = { fuel: 1, cpuUs: 5_000, runUs: 30_000, peakMemoryBytes: 65_536, hostCalls: 3 };
    recorder.turn(turnOf("p", { queuedAt: 50, outcome: { usage } }));
    recorder.turn(turnOf("p", { queuedAt: 50, outcome: { ok: false, error: new HostError("queue-full", "full"), usage: NO_USAGE } }));
    const totals = recorder.totals.plugins.find("p");
    const work = totals?.entryPoints.find("work");
    expect([...(work?.outcomes ?? [])]).toEqual([
      ["ok", 1],
      ["queue-full", 1],
    ]);
    expect(work?.run.sum).toBeCloseTo(0.03);
    expect(work?.cpuSeconds).toBeCloseTo(0.005);
    expect(totals?.queue.sum).toBeCloseTo(0.02 + 0.05);
    expect(totals).toMatchObject({ calls: 3, memoryBytes: 65_536 });
  });

  it("counts by the time that passes, and has the time of day for steps, whatever becomes of the clock", () => {
    const { clock, recorder } = recorderAt(100);
    for (const byMs of [86_400_000, -172_800_000]) {
      clock.set(byMs);
      recorder.turn(turnOf("p", { queuedAt: clock.monotonicMs() - 50, outcome: { usage: { ...NO_USAGE, runUs: 30_000 } } }));
    }
    const totals = recorder.totals.plugins.find("p");
    expect(totals?.queue.sum).toBeCloseTo(0.04);
    expect(totals?.entryPoints.find("work")?.run.sum).toBeCloseTo(0.06);
    expect(recorder.spans(0).spans.map(({ durationMs }) => durationMs)).toEqual([50, 50]);
  });

  it("believes no cell that says that a turn ran longer than it was there", () => {
    const { recorder } = recorderAt(100);
    recorder.turn(turnOf("p", { queuedAt: 90, outcome: { usage: { ...NO_USAGE, runUs: 1e15 } } }));
    expect(recorder.totals.plugins.find("p")?.entryPoints.find("work")?.run.sum).toBeCloseTo(0.01);
    expect(recorder.totals.plugins.find("p")?.queue.sum).toBe(0);
  });

  it("counts calls of services, and none under a name that nobody provides", () => {
    const { recorder } = recorderAt(100);
    const call = { caller: { kind: "adapter", name: "http" }, traceparent: startTrace(), startedAt: 98 } as const;
    recorder.call({ ...call, service: "p.get", failure: undefined });
    recorder.call({ ...call, service: "p.get", failure: new HostError("refused", "no", { reason: "nothing" }) });
    recorder.call({ ...call, service: "x.made-up", failure: new HostError("no-such-service", "none") });
    expect([...recorder.totals.services].map(([name, { outcomes, lastFailure }]) => [name, outcomes.total, lastFailure?.code])).toEqual([
      ["p.get", 2, "refused"],
    ]);
    expect(recorder.spans(0).spans.map(({ kind, owner, subject, code }) => [kind, owner, subject, code])).toEqual([
      ["call", "http", "p.get", "ok"],
      ["call", "http", "p.get", "refused"],
      ["call", "http", "x.made-up", "no-such-service"],
    ]);
  });

  it("lets no plugin that makes up types take the rows of another", () => {
    const { recorder } = recorderAt(0);
    const event = (type: string): CloudEvent => ({
      ...{ id: "1", source: "/plugins/p", type, time: "", traceparent: startTrace(), contentType: "text/plain", data: OUTPUT },
    });
    for (let i = 0; i < 5_000; i += 1) recorder.event(event(`flood.type-${i}`));
    recorder.event(event("polite.said"));
    recorder.turn(turnOf("q", { caller: EVENTS, subject: "polite.said" }));
    recorder.unhandled({ plugin: "q", event: event("polite.said"), error: new HostError("queue-full", "full") });
    expect([...(recorder.totals.events.find("flood") ?? [])]).toHaveLength(65);
    const said = recorder.totals.events.find("polite")?.find("polite.said");
    expect(said).toMatchObject({ published: 1, lastFailure: { code: "queue-full" } });
    expect(said?.took.count).toBe(1);
    expect([...(recorder.totals.plugins.find("q")?.unhandled ?? [])]).toEqual([["queue-full", 1]]);
  });

  it("forgets a plugin that is gone, with its services", () => {
    const { recorder } = recorderAt(0);
    recorder.turn(turnOf("p"));
    recorder.turn(turnOf("pp"));
    for (const service of ["p.get", "pp.get"])
      recorder.call({ service, caller: { kind: "plugin", name: "q" }, traceparent: startTrace(), startedAt: 0, failure: undefined });
    recorder.denied("p", "state.read");
    recorder.totals.forget("p");
    expect([...recorder.totals.plugins].map(([name]) => name)).toEqual(["pp"]);
    expect([...recorder.totals.services].map(([name]) => name)).toEqual(["pp.get"]);
    expect([...recorder.totals.denials]).toEqual([]);
  });
});
