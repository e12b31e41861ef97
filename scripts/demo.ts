// `npm run demo`: boots a host with the repository's own plugins, turns a device on over HTTP and prints the chain that follows; then lets a plugin die and
// shows that it misses no event.
// Exits with 1 and names the step when one is missing. `node scripts/demo.ts FILE` runs it with another configuration.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHost, type EndedTurn, HostError, type LogLine, parseConfiguration, type RunningHost } from "../host/index.ts";

const CONFIGURATION = process.argv[2] ?? fileURLToPath(new URL("../bulkhead.json", import.meta.url));
const CHAIN_TIMEOUT_MS = 2_000;
const DEVICE = "lamp-1";
const MESSAGE = `${DEVICE} was switched`;

interface Step {
  readonly what: string;
  readonly plugin: string;
  readonly traceparent: string;
  readonly atMs: number;
  readonly turn?: EndedTurn;
}

/** What the host tells of itself while the chain runs. */
class Recorder {
  readonly steps: Step[] = [];
  readonly #started = performance.now();

  note(what: string, plugin: string, traceparent: string, turn?: EndedTurn): void {
    this.steps.push({ what, plugin, traceparent, atMs: performance.now() - this.#started, ...(turn === undefined ? {} : { turn }) });
  }

  readonly log = {
    write: (line: LogLine): void => {
      if (line.plugin === "logger") this.note(`log line: ${line.level} ${line.message}`, "logger", line.traceparent ?? "");
      else if (line.level === "error" || line.level === "warning") process.stderr.write(`${line.level} ${line.plugin}: ${line.message}\n`);
    },
  };

  listen({ core }: RunningHost): void {
    core.events.subscribe("devices.state-changed", (event) => this.note(`event ${event.type}`, "devices", event.traceparent));
    core.observe({
      turn: (turn) => {
        const failed = turn.outcome.ok ? "" : ` failed: ${turn.outcome.error.message}`;
        this.note(`turn ${turn.entryPoint} for ${turn.caller.name}${failed}`, turn.plugin, turn.traceparent, turn);
      },
    });
  }
}

const traceIdOf = (traceparent: string): string => traceparent.split("-")[1] ?? "";

async function request(host: RunningHost, method: string, path: string, body?: object): Promise<Response> {
  const init = body === undefined ? { method } : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(`${host.url}${path}`, init);
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return response;
}

/** The steps of the chain, each with how to recognise it; in the order in which they must have begun. */
const EXPECTED: readonly { readonly name: string; readonly matches: (step: Step) => boolean }[] = [
  { name: "request", matches: (step) => step.plugin === "http" },
  { name: "devices.state-changed", matches: (step) => step.what === "event devices.state-changed" },
  { name: "devices", matches: (step) => step.plugin === "devices" && step.turn !== undefined },
  { name: "log line", matches: (step) => step.what.startsWith("log line") && step.what.includes(MESSAGE) },
  { name: "logger.log", matches: (step) => step.plugin === "logger" && step.turn?.caller.name === "automation" },
  { name: "automation", matches: (step) => step.plugin === "automation" && step.turn?.caller.name === "events" },
];

async function run(dataDir: string): Promise<readonly string[]> {
  const recorder = new Recorder();
  const read = parseConfiguration(await readFile(CONFIGURATION, "utf8"), CONFIGURATION);
  const configuration = { ...read, dataDir, adapters: { http: { port: 0 } } };
  const host = await createHost({ configuration, log: recorder.log });
  try {
    recorder.listen(host);
    console.log(`host on ${host.url}: ${host.core.plugins.map((plugin) => `${plugin.name} ${plugin.state}`).join(", ")}\n`);
    await request(host, "POST", "/devices", { id: DEVICE, name: "Lamp" });
    await request(host, "POST", "/automation/rules", {
      id: "tell-the-logger",
      trigger: "devices.state-changed",
      condition: { field: "desired.on", operator: "equals", value: true },
      action: { service: "logger.log", wait: false, arguments: { level: "INFO", message: MESSAGE } },
    });
    const before = recorder.steps.length;
    recorder.note(`POST /devices/${DEVICE}/turn-on`, "http", "");
    const response = await request(host, "POST", `/devices/${DEVICE}/turn-on`, {});
    const traceId = traceIdOf(response.headers.get("traceparent") ?? "");
    const chain = (): Step[] =>
      recorder.steps.slice(before).filter((step) => step.plugin === "http" || traceIdOf(step.traceparent) === traceId);
    const missing = (): string[] => EXPECTED.filter(({ matches }) => !chain().some(matches)).map(({ name }) => name);
    for (const end = performance.now() + CHAIN_TIMEOUT_MS; missing().length > 0 && performance.now() < end; ) await pause(5);
    printChain(chain(), traceId);
    printCosts(chain());
    return [...missing(), ...(await survive(host, recorder))];
  } finally {
    await host.stop();
  }
}

/** What a durable subscription is for: its plugin dies, an event comes, and when the plugin is back it hears it. */
async function survive(host: RunningHost, recorder: Recorder): Promise<readonly string[]> {
  const hello = host.core.plugin("hello");
  if (hello === undefined) return [];
  await hello.fail(new HostError("plugin-failed", "killed by the demo"));
  const before = recorder.steps.length;
  await request(host, "POST", "/devices", { id: "lamp-2", name: "Second lamp" });
  const waiting = host.events.statistics().consumers.find(({ consumer }) => consumer.name.startsWith("hello/"))?.waiting;
  console.log(`\nhello is ${hello.state}; a device is created; ${waiting} event waits for hello.`);
  // Its turn for the first lamp has ended long before, so this is the second one.
  const heard = (): boolean => recorder.steps.slice(before).some(({ plugin, turn }) => plugin === "hello" && turn?.outcome.ok === true);
  await host.core.start("hello");
  for (const end = performance.now() + CHAIN_TIMEOUT_MS; !heard() && performance.now() < end; ) await pause(5);
  console.log(`hello is ${hello.state} again, and ${heard() ? "has heard of it: no event is lost." : "has not heard of it."}`);
  return heard() && waiting === 1 ? [] : ["durable event"];
}

function printChain(chain: readonly Step[], traceId: string): void {
  const start = chain[0]?.atMs ?? 0;
  console.log("     ms  plugin      trace     step");
  for (const { atMs, plugin, what } of chain) {
    console.log(`${(atMs - start).toFixed(2).padStart(7)}  ${plugin.padEnd(10)}  ${traceId.slice(0, 8)}  ${what}`);
  }
}

function printCosts(chain: readonly Step[]): void {
  console.log("\nWhat each turn cost:\nplugin      entry point           CPU µs      fuel  memory KiB  host calls");
  for (const { plugin, turn } of chain) {
    if (turn === undefined) continue;
    const { cpuUs, fuel, peakMemoryBytes, hostCalls } = turn.outcome.usage;
    const columns = [
      String(cpuUs).padStart(8),
      String(fuel).padStart(8),
      String(Math.ceil(peakMemoryBytes / 1024)).padStart(10),
      String(hostCalls).padStart(10),
    ];
    console.log(`${plugin.padEnd(10)}  ${turn.entryPoint.padEnd(18)}  ${columns.join("  ")}`);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function main(): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), "bulkhead-demo-"));
  try {
    const missing = await run(dataDir);
    if (missing.length === 0)
      console.log("\nThe chain is complete: request → devices → devices.state-changed → automation → logger.log → log line.");
    else process.stderr.write(`\nThe chain is broken; missing: ${missing.join(", ")}\n`);
    return missing.length === 0 ? 0 : 1;
  } finally {
    await rm(dataDir, { recursive: true });
  }
}

process.exitCode = await main();
