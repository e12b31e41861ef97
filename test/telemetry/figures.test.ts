// The figures as scrapers and people read them. Pure.

import { describe, expect, it } from "vitest";
import { metricsText } from "../../host/adapters/gateway/openmetrics.ts";
import { type FoundTraces, tracesIn, type UsedNow } from "../../host/admin/telemetry-operations.ts";
import { shownSeconds } from "../../host/cli/durations.ts";
import { ratesBetween } from "../../host/cli/top.ts";
import { treeOf } from "../../host/cli/trace.ts";
import type { Metric, Span } from "../../host/seams.ts";
import { Histogram } from "../../host/telemetry/histogram.ts";
import { metricsOf } from "../../host/telemetry/snapshot.ts";
import { Totals } from "../../host/telemetry/totals.ts";

const spanOf = (spanId: string, rest: Partial<Span> = {}): Span => ({
  ...{ kind: "turn", traceId: "a".repeat(32), spanId, parentSpanId: undefined, isSampled: true, owner: "p", name: "work" },
  ...{ subject: undefined, startMs: 0, durationMs: 1, queuedMs: 0, cpuMs: 0, code: "ok" },
  ...rest,
});

describe("the text of metrics", () => {
  const metrics: readonly Metric[] = [
    {
      name: "bulkhead_turns",
      kind: "counter",
      unit: undefined,
      help: 'It says "turns".',
      samples: [{ labels: { plugin: 'a"\\\n' }, value: 3 }],
    },
    {
      ...{ name: "bulkhead_turn_seconds", kind: "histogram", unit: "seconds", help: "Time." },
      samples: [{ labels: {}, value: { bounds: [0.1, 1], counts: [2, 1, 4], sum: 9 } }],
    },
  ];

  it("is OpenMetrics for whoever asks for it", () => {
    expect(metricsText(metrics, true)).toBe(
      [
        "# TYPE bulkhead_turns counter",
        '# HELP bulkhead_turns It says \\"turns\\".',
        'bulkhead_turns_total{plugin="a\\"\\\\\\n"} 3',
        "# TYPE bulkhead_turn_seconds histogram",
        "# UNIT bulkhead_turn_seconds seconds",
        "# HELP bulkhead_turn_seconds Time.",
        'bulkhead_turn_seconds_bucket{le="0.1"} 2',
        'bulkhead_turn_seconds_bucket{le="1"} 3',
        'bulkhead_turn_seconds_bucket{le="+Inf"} 7',
        "bulkhead_turn_seconds_sum 9",
        "bulkhead_turn_seconds_count 7",
        "# EOF",
        "",
      ].join("\n"),
    );
  });

  it("is the older format for all others, where a counter is described with its ending", () => {
    const text = metricsText(metrics, false);
    expect(text).toContain("# TYPE bulkhead_turns_total counter");
    expect(text).not.toMatch(/# (UNIT|EOF)/);
  });

  it("stays below a bound, whatever plugins there are and whatever they call themselves and their events", () => {
    const totals = new Totals();
    for (let plugin = 0; plugin < 3_000; plugin += 1) {
      const ofPlugin = totals.plugins.of(`plugin-${plugin}`);
      for (let i = 0; i < 20; i += 1) ofPlugin.entryPoints.of(`entry_${i}`).outcomes.add(0);
      for (let i = 0; i < 20; i += 1) ofPlugin.hostCalls.of(`function-${i}`).add(0);
      for (let i = 0; i < 20; i += 1) totals.event(`plugin-${plugin}.type-${i}`).published += 1;
      for (let i = 0; i < 20; i += 1) totals.services.of(`plugin-${plugin}.service-${i}`).outcomes.add(0);
    }
    const present = {
      ...{ version: "1.0.0", plugins: [], cells: [], consumers: [], loopLag: new Histogram() },
      process: { cpuSeconds: 1, residentBytes: 1, uptimeSeconds: 1 },
    };
    const lines = metricsText(metricsOf(totals, present), true).split("\n");
    expect(lines.length).toBeLessThan(150_000);
    expect(lines.some((line) => line.startsWith('bulkhead_turns_total{plugin="other",'))).toBe(true);
  });
});

describe("the rates of bulkhead top", () => {
  const used = (atMs: number, cpuSeconds: number, turns: number): UsedNow => ({
    atMs,
    plugins: [
      { plugin: "idle", state: "running", queued: 5, turns: 7, failed: 0, cpuSeconds: 1, memoryBytes: 1, calls: 0 },
      { plugin: "busy", state: "running", queued: 0, turns, failed: 0, cpuSeconds, memoryBytes: 0, calls: 0 },
    ],
    host: { cpuSeconds: atMs / 2_000, residentBytes: 1, loopLagSeconds: undefined },
  });

  it("are what was used between two readings, with the most first", () => {
    const { plugins, host } = ratesBetween(used(1_000, 1, 10), used(3_000, 2, 50), "cpu");
    expect(plugins.map(({ plugin, cpu, turns }) => [plugin, cpu, turns])).toEqual([
      ["busy", 0.5, 20],
      ["idle", 0, 0],
    ]);
    expect(host.cpu).toBe(0.5);
    expect(ratesBetween(used(1_000, 1, 10), used(3_000, 2, 50), "queue").plugins[0]?.plugin).toBe("idle");
  });

  it("begin anew for a plugin whose figures have begun anew", () => {
    const [busy] = ratesBetween(used(1_000, 100, 1_000), used(2_000, 0.5, 3), "cpu").plugins;
    expect(busy).toMatchObject({ plugin: "busy", cpu: 0.5, turns: 3 });
  });
});

describe("traces that are asked for", () => {
  const other = { traceId: "b".repeat(32) };
  const spans = [
    spanOf("1", { kind: "call", owner: "http", subject: "p.x" }),
    spanOf("2", { parentSpanId: "1", code: "cpu-exhausted" }),
    spanOf("3", { ...other, owner: "q" }),
    spanOf("4", { ...other, kind: "event", owner: "/plugins/q", subject: "q.said", parentSpanId: "3" }),
  ];
  const found = (wanted: object): string[] => {
    const asked: FoundTraces = tracesIn(spans, { failed: false, limit: 10, ...wanted });
    return asked.traces.map(({ traceId, spans: all }) => `${traceId[0]}${all.length}`);
  };

  it("are the latest first, by id, plugin, event or failure", () => {
    expect(found({})).toEqual(["b2", "a2"]);
    expect(found({ limit: 1 })).toEqual(["b2"]);
    expect(found({ trace: "aaaa" })).toEqual(["a2"]);
    expect(found({ plugin: "p" })).toEqual(["a2"]);
    expect(found({ plugin: "http" })).toEqual([]);
    expect(found({ event: "q.*" })).toEqual(["b2"]);
    expect(found({ failed: true })).toEqual(["a2"]);
  });

  it("are told of where there are none of the id", () => {
    expect(() => found({ trace: "cccc" })).toThrowError(/there is no trace cccc any more, or never was; telemetry.spans/);
    expect(() => found({ event: "no pattern" })).toThrowError(/is no pattern/);
  });

  it("stay within what is told at once", () => {
    const many = Array.from({ length: 5_000 }, (_, i) => spanOf(String(i)));
    const { traces, isCut } = tracesIn(many, { failed: false, limit: 10 });
    expect(traces[0]?.spans).toHaveLength(2_000);
    expect(isCut).toBe(true);
  });
});

describe("the tree of a trace", () => {
  const placed = (spans: readonly Span[]): string[] => treeOf(spans).map(({ depth, span }) => `${"-".repeat(depth)}${span.spanId}`);

  it("has each step below the one that led to it, in the order in which they began", () => {
    const spans = [
      spanOf("turn", { parentSpanId: "call", startMs: 1 }),
      spanOf("late", { parentSpanId: "call", startMs: 3 }),
      spanOf("asked", { parentSpanId: "turn", startMs: 2 }),
      spanOf("call", { parentSpanId: "a client's", startMs: 0 }),
    ];
    expect(placed(spans)).toEqual(["call", "-turn", "--asked", "-late"]);
  });

  it("shows every step once, whatever ids came along: circles, the same twice, a chain of thousands", () => {
    expect(
      placed([spanOf("1", { parentSpanId: "2" }), spanOf("2", { parentSpanId: "1" }), spanOf("3", { parentSpanId: "3" })]).sort(),
    ).toEqual([...["1", "2", "3"]]);
    const chain = Array.from({ length: 20_000 }, (_, i) => spanOf(String(i), { parentSpanId: String(i - 1), startMs: i }));
    expect(treeOf(chain)).toHaveLength(20_000);
  });
});

describe("times for people", () => {
  it.each([
    [undefined, ""],
    [0.000_012, "12 µs"],
    [0.012_34, "12.3 ms"],
    [12.345, "12.35 s"],
  ])("%s s is %s", (seconds, shown) => expect(shownSeconds(seconds)).toBe(shown));
});
