// Traces and metrics of a running host at a collector: what it is sent, of what there is too much, and that nobody waits for one that is away.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Exporting } from "../../host/adapters/opentelemetry/exporting.ts";
import { openTelemetryOptions } from "../../host/adapters/opentelemetry/options.ts";
import { chosen, isAmong } from "../../host/adapters/opentelemetry/sampling.ts";
import { Host } from "../../host/core/host.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import type { Metric, Span } from "../../host/seams.ts";
import { testContext } from "../support/adapter-context.ts";
import { eventually } from "../support/eventually.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { type Message, messageOf } from "../support/otlp.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

/** A collector's door for OTLP over HTTP. */
interface Collector {
  readonly url: string;
  readonly spans: Message[];
  readonly metrics: Message[];
  readonly lines: Message[];
  /** How often it was asked to take something. */
  asked: number;
  status: number;
  /** Answers nothing at all while it is true. */
  isMute: boolean;
  close(): void;
}

async function collector(): Promise<Collector> {
  const server: Server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      made.asked += 1;
      if (made.isMute) return;
      const message = messageOf(Buffer.concat(pieces));
      if (made.status === 200 && request.url === "/v1/traces")
        made.spans.push(
          ...message
            .all(1)
            .flatMap((one) => one.all(2))
            .flatMap((one) => one.all(2)),
        );
      if (made.status === 200 && request.url === "/v1/metrics")
        made.metrics.push(
          ...message
            .all(1)
            .flatMap((one) => one.all(2))
            .flatMap((one) => one.all(2)),
        );
      if (made.status === 200 && request.url === "/v1/logs")
        made.lines.push(
          ...message
            .all(1)
            .flatMap((one) => one.all(2))
            .flatMap((one) => one.all(2)),
        );
      response.writeHead(made.status, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const made: Collector = {
    ...{ url: `http://127.0.0.1:${port}`, spans: [], metrics: [], lines: [], asked: 0, status: 200, isMute: false },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return made;
}

describe("a host with the OpenTelemetry adapter", () => {
  let folder: TemporaryFolder;
  let to: Collector;
  let host: RunningHost | undefined;
  let log: MemoryLog;
  beforeEach(async () => {
    folder = temporaryFolder();
    to = await collector();
    log = memoryLog();
  });
  afterEach(async () => {
    await host?.stop();
    host = undefined;
    to.close();
    folder.remove();
  });

  async function boot(options: object = {}, rest: object = {}): Promise<RunningHost> {
    const opentelemetry = { endpoint: to.url, spansEveryMs: 100, metricsEveryMs: 1_000, logs: false, ...options };
    const plugin = (name: string): object => ({ path: ownPlugin(name), isolation: "inline", grants: "all" });
    const plugins = { devices: plugin("devices"), automation: plugin("automation"), logger: plugin("logger") };
    const adapters = { http: { port: 0 }, "control-socket": false, opentelemetry };
    const configuration = JSON.stringify({ dataDir: "data", adapters, plugins, ...rest });
    host = await createHost({ configuration: parseConfiguration(configuration, `${folder.path}/bulkhead.json`), log });
    return host;
  }

  const create = async (id: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${host?.url}/devices`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ id, name: "Lamp" }),
    });

  const named = (name: string): Message | undefined => to.spans.find((span) => span.text(5) === name);

  it("sends the steps of a request as one trace that goes on from the client's", async () => {
    await boot();
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const response = await create("lamp", { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
    expect(response.status).toBe(200);
    const [, own, ownId] = response.headers.get("traceparent")?.split("-") ?? [];
    expect(own).toBe(traceId);
    const handled = await eventually("automation's turn is sent", () => named("automation on_event"));
    const [call, turn, event] = [named("devices.create"), named("devices create"), named("publish devices.created")];
    for (const span of [call, turn, event, handled]) expect(span?.hex(1)).toBe(traceId);
    expect(call?.hex(2)).toBe(ownId);
    expect(call?.hex(4)).toBe("b7ad6b7169203331");
    expect(turn?.hex(4)).toBe(call?.hex(2));
    expect(event?.hex(4)).toBe(turn?.hex(2));
    expect(handled.hex(4)).toBe(event?.hex(2));
    const asked = await eventually("the host call is sent", () => named("events.publish"));
    expect(asked.hex(4)).toBe(turn?.hex(2));
    const attributes = Object.fromEntries(turn?.all(9).map((one) => [one.text(1), one.message(2)?.text(1)]) ?? []);
    expect(attributes).toMatchObject({ "bulkhead.owner": "devices", "bulkhead.name": "create", "bulkhead.subject": "devices.create" });
    const [start, end] = [turn?.fixed64(7) ?? 0n, turn?.fixed64(8) ?? 0n];
    expect(end).toBeGreaterThan(start);
    expect(Math.abs(Number(start / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });

  it("sends metrics with their units, and what is left when it stops", async () => {
    await boot({ metricsEveryMs: 3_600_000, spansEveryMs: 60_000 });
    await create("lamp");
    await host?.stop();
    const turns = to.metrics.find((metric) => metric.text(1) === "bulkhead.turns");
    expect(turns?.message(7)?.all(1).length).toBeGreaterThan(0);
    const run = to.metrics.find((metric) => metric.text(1) === "bulkhead.turn" && metric.text(3) === "s");
    expect(run?.message(9)?.all(1).length).toBeGreaterThan(0);
    expect(named("devices create")).toBeDefined();
  });

  it("never says that what it counts ended before it began, when the clock is set back", async () => {
    const clock = fakeClock();
    const metric: Metric = { name: "bulkhead_turns", kind: "counter", unit: undefined, help: "", samples: [{ labels: {}, value: 1 }] };
    const { context } = testContext(new Host(hostPorts({ clock, log })), {
      ...{ log, adapter: "opentelemetry" },
      telemetry: { metrics: () => [metric], spans: () => ({ spans: [], missed: 0, next: 0 }) },
    });
    const options = openTelemetryOptions.parse({ endpoint: to.url, traces: false, logs: false });
    const exporting = new Exporting(options, { ...context, clock });
    clock.set(-7_200_000);
    await exporting[Symbol.asyncDispose]();
    const [point] = to.metrics.flatMap((one) => one.message(7)?.all(1) ?? []);
    const [since, now] = [point?.fixed64(2) ?? 1n, point?.fixed64(3) ?? 0n];
    expect(since).toBe(now);
    expect(now / 1_000_000n).toBe(BigInt(clock.now()));
  });

  it("sends the lines of the log with whose they are, their trace and nothing hidden, those of before it too", async () => {
    await boot({ logs: true, traces: false, metrics: false });
    const traceId = "5759e988bd862e3fe1be46a994272793";
    const body = JSON.stringify({ level: "WARNING", message: "seen \u202e unseen" });
    const headers = { "content-type": "application/json", traceparent: `00-${traceId}-53995c3f42cd8ad8-01` };
    await fetch(`${host?.url}/v1/services/logger.log`, { method: "POST", headers, body });
    const line = await eventually("the line is sent", () => to.lines.find((one) => one.message(5)?.text(1)?.includes("seen")));
    expect(line.message(5)?.text(1)).toBe("[http] seen \\u{202e} unseen");
    expect([line.number(2), line.text(3), line.hex(9)]).toEqual([13, "warning", traceId]);
    const attributes = Object.fromEntries(line.all(6).map((one) => [one.text(1), one.message(2)?.text(1)]));
    expect(attributes).toMatchObject({ "bulkhead.plugin": "logger" });
  });

  it("sends a failure whatever the share is, and nothing else of a share of nothing", async () => {
    await boot({ sampleRatio: 0, metrics: false });
    await create("lamp");
    expect((await create("lamp")).status).toBe(409);
    const failed = await eventually("the failure is sent", () => named("devices.create"));
    expect(failed.message(15)?.number(3)).toBe(2);
    expect(new Set(to.spans.map((span) => span.hex(1))).size).toBe(1);
  });

  it("keeps what a client wants untraced to itself", async () => {
    await boot({ metrics: false });
    await create("quiet", { traceparent: "00-11111111111111111111111111111111-2222222222222222-00" });
    await create("loud", { traceparent: "00-33333333333333333333333333333333-4444444444444444-01" });
    await eventually("the second is sent", () => named("devices.create"));
    expect(new Set(to.spans.map((span) => span.hex(1)))).toEqual(new Set(["33333333333333333333333333333333"]));
  });

  it("goes on while the collector refuses, and tells it once", async () => {
    to.status = 400;
    await boot();
    for (let i = 0; i < 20; i += 1) expect((await create(`lamp-${i}`)).status).toBe(200);
    await eventually("it was asked often", () => to.asked > 3 || undefined);
    const told = log.lines.filter(({ message }) => message.includes("were not taken by the collector"));
    expect(told.map(({ level }) => level)).toEqual(["warning"]);
  });

  it("neither waits nor gathers while the collector says nothing", async () => {
    to.isMute = true;
    await boot({ metrics: false }, { telemetry: { spans: 64 } });
    await create("first");
    await eventually("it was asked", () => to.asked > 0 || undefined);
    for (let i = 0; i < 50; i += 1) expect((await create(`lamp-${i}`)).status).toBe(200);
    // One sending is under way, and no more begin.
    expect(to.asked).toBe(1);
    to.isMute = false;
    await host?.stop();
  });

  it("refuses what is no address", async () => {
    await expect(boot({ endpoint: "ftp://x" })).rejects.toThrowError(/adapters.opentelemetry/);
    host = undefined;
  });
});

describe("the share of traces", () => {
  const traceOf = (i: number): string => `bc2d06d8a29e409b8559bed4${i.toString(16).padStart(8, "0")}`;

  it("is about as large as it is said to be, of ids that are counted", () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => traceOf(i));
    for (const ratio of [0.1, 0.5]) {
      const share = ids.filter((id) => isAmong(id, ratio)).length / ids.length;
      expect(Math.abs(share - ratio)).toBeLessThan(0.02);
    }
    expect(ids.every((id) => isAmong(id, 1))).toBe(true);
    expect(ids.some((id) => isAmong(id, 0))).toBe(false);
  });

  it("has all of a trace in which something failed", () => {
    const span = (traceId: string, code: string): Span => ({ traceId, code, isSampled: false }) as Span;
    const spans = [span("a", "ok"), span("b", "ok"), span("a", "internal")];
    expect(chosen(spans, 0).map(({ traceId }) => traceId)).toEqual(["a", "a"]);
  });
});
