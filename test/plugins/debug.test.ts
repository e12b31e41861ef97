// The debug plugin in a real host: what it sees of the chain, and what it never does.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Permissions } from "../../host/core/permissions.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { observedBy } from "../../host/lifecycle/observing.ts";
import type { Span } from "../../host/seams.ts";
import { eventually } from "../support/eventually.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

interface Report {
  readonly rows: readonly {
    readonly kind: string;
    readonly plugin: string;
    readonly name: string;
    readonly count: number;
    readonly failed: number;
  }[];
  readonly others: number;
  readonly missed: number;
}

let folder: TemporaryFolder;
let host: RunningHost | undefined;
let log: MemoryLog;
beforeEach(() => {
  folder = temporaryFolder();
  log = memoryLog();
});
afterEach(async () => {
  await host?.stop();
  folder.remove();
});

async function boot(debug: object): Promise<RunningHost> {
  const plugin = (name: string, rest: object = {}): object => ({ path: ownPlugin(name), isolation: "inline", grants: "all", ...rest });
  const plugins = { devices: plugin("devices"), automation: plugin("automation"), logger: plugin("logger"), debug: plugin("debug", debug) };
  const adapters = { http: { port: 0 }, "control-socket": false };
  host = await createHost({
    configuration: parseConfiguration(JSON.stringify({ dataDir: "data", adapters, plugins }), `${folder.path}/bulkhead.json`),
    log,
  });
  return host;
}

const create = (id: string): Promise<Response> =>
  fetch(`${host?.url}/devices`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, name: "a secret name" }),
  });
const report = async (query: object = {}): Promise<Report> =>
  (await host?.call<Report>("debug.report", query)) ?? { rows: [], others: 0, missed: 0 };
const rowOf = async (kind: string, name: string): Promise<Report["rows"][number] | undefined> =>
  (await report()).rows.find((row) => row.kind === kind && row.name === name);

describe("the debug plugin", () => {
  it("counts turns, calls, host calls and events of the chain, and writes a line for each", async () => {
    await boot({ config: { lines: "all" } });
    // Of what was before it was told for the first time it hears nothing.
    await eventually("a turn is counted", async () => {
      await create(`lamp-${Math.random()}`.replace("0.", ""));
      return rowOf("turn", "create");
    });
    for (const [kind, name] of [
      ["call", "devices.create"],
      ["host-call", "events.publish"],
      ["event", "devices.created"],
      ["heard", "devices.created"],
      ["turn", "on_event"],
    ] as const)
      expect(await eventually(`${kind} ${name} is counted`, () => rowOf(kind, name)), `${kind} ${name}`).toMatchObject({ failed: 0 });
    const lines = log.lines.filter(({ plugin }) => plugin === "debug").map(({ message }) => message);
    expect(lines).toContain("event devices.created of /plugins/devices");
    expect(lines.some((line) => /^turn devices create: ok in [\d.]+ ms, trace [0-9a-f]{32}$/.test(line))).toBe(true);
  });

  it("writes only what failed unless it is told otherwise, and sees nothing of itself and nothing that was said", async () => {
    await boot({});
    await eventually("a failure is counted", async () => {
      await create("twice");
      return (await report()).rows.find(({ failed }) => failed > 0);
    });
    const failed = await eventually("it is written", () =>
      log.lines.find(({ plugin, level }) => plugin === "debug" && level === "warning"),
    );
    expect(failed.message).toMatch(/^(turn devices create|call devices devices.create): refused in /);
    expect(log.lines.filter(({ plugin, level }) => plugin === "debug" && level === "info")).toEqual([]);
    const told = JSON.stringify([await report(), log.lines.filter(({ plugin }) => plugin === "debug")]);
    expect((await report()).rows.filter(({ plugin, kind }) => plugin === "debug" && kind !== "heard")).toEqual([]);
    for (const secret of ["a secret name", "twice", "embedder", "/devices"]) expect(told).not.toContain(secret);
  });

  it("sees no more plugins than it is granted, and after a revocation none", async () => {
    await boot({ grants: [{ permission: "host.observe", resource: "automation" }] });
    await eventually("automation's turns are counted", async () => {
      await create(`lamp-${Math.random()}`.replace("0.", ""));
      return rowOf("turn", "on_event");
    });
    expect(new Set((await report()).rows.map(({ plugin }) => plugin))).toEqual(new Set(["automation"]));
    host?.core.plugin("debug")?.permissions.replaceGrants([]);
    const before = (await rowOf("turn", "on_event"))?.count;
    const handled: string[] = [];
    host?.core.observe({ turn: ({ plugin }) => void handled.push(plugin) });
    await create("last");
    await eventually("automation has handled it", () => handled.includes("automation") || undefined);
    // Two of its rounds later it would have been told.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect((await rowOf("turn", "on_event"))?.count).toBe(before);
  });
});

describe("what an observer is told", () => {
  const spanOf = (rest: Partial<Span>): Span => ({
    ...{
      kind: "turn",
      traceId: "a".repeat(32),
      spanId: "b".repeat(16),
      parentSpanId: undefined,
      isSampled: true,
      owner: "p",
      name: "work",
    },
    ...{ subject: undefined, startMs: 0, durationMs: 1, queuedMs: 0, cpuMs: 0.5, code: "ok" },
    ...rest,
  });
  const observer = (may: (plugin: string) => boolean) => ({
    name: "debug",
    permissions: { allows: (_permission: string, plugin: string) => may(plugin) } as unknown as Permissions,
  });
  const told = (spans: readonly Span[], may: (plugin: string) => boolean = () => true, missed = 0) =>
    observedBy(observer(may), { spans, missed, next: spans.length }, { from: 0, to: 1_000 });

  it("is bounded however much there was, with what failed first", () => {
    const many = Array.from({ length: 5_000 }, (_, i) => spanOf({ name: `work-${i}`, code: i % 100 === 0 ? "internal" : "ok" }));
    const { counts, others, missed, steps } = told(many, () => true, 7);
    expect([counts.length, others, missed, steps.length]).toEqual([200, 4_800, 7, 50]);
    expect(steps.every(({ code }) => code === "internal")).toBe(true);
    expect(JSON.stringify(told(many)).length).toBeLessThan(64 * 1_024);
  });

  it("adds up what ended alike", () => {
    const { counts } = told([spanOf({}), spanOf({}), spanOf({ code: "internal" })]);
    expect(counts).toEqual([
      { kind: "turn", plugin: "p", name: "work", code: "ok", count: 2, ms: 2, cpuMs: 1 },
      { kind: "turn", plugin: "p", name: "work", code: "internal", count: 1, ms: 1, cpuMs: 0.5 },
    ]);
  });

  it("goes by whose name begins a service or a type, not by the door or the source", () => {
    const spans = [
      spanOf({ kind: "call", owner: "http", name: "", subject: "q.get" }),
      spanOf({ kind: "event", owner: "/adapters/http", name: "", subject: "r.said" }),
      spanOf({ kind: "host-call", owner: "p", name: "state.get" }),
      spanOf({ owner: "debug" }),
      spanOf({ kind: "call", owner: "http", name: "", subject: "debug.report" }),
    ];
    expect(told(spans).counts.map(({ kind, plugin, name }) => `${kind} ${plugin} ${name}`)).toEqual([
      "call q q.get",
      "event r r.said",
      "host-call p state.get",
    ]);
    expect(told(spans, (plugin) => plugin === "q").counts).toHaveLength(1);
  });
});
