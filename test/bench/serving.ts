// Hosts with many plugins, as `bulkhead serve` runs them, and what they weigh. Needs Linux.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { COMMAND } from "../support/command.ts";

export type Isolation = "process" | "inline";

export interface Serving {
  readonly url: string;
  /** From the command to its first answer, with all plugins running; what was admitted before is found again. */
  readonly startMs: number;
  /** Of the host. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** More than a benchmark asks. */
const AMPLE = { callsAtOnce: 1_000, callsPerSecond: 1_000_000 };
/** All that plugins of these may do and hear. */
const SUBSCRIBED = {
  subscriptions: [{ type: "bench.*", entryPoint: "on_event" }],
  permissions: [{ permission: "events.subscribe", resource: "bench.*", reason: "benchmark" }],
};

/** Writes `p0`, `p1` … with the services `echo` and `put`, and their host's configuration. All of them hear events of `bench.*`. `more` is of each plugin. */
export async function configure(folder: string, isolation: Isolation, count: number, more: object = {}): Promise<void> {
  const { file } = await buildPlugin(fileURLToPath(new URL("plugin", import.meta.url)));
  const plugins: Record<string, object> = {};
  for (let i = 0; i < count; i += 1) {
    const name = `p${i}`;
    mkdirSync(join(folder, name));
    cpSync(file, join(folder, name, "plugin.wasm"));
    const services = { [`${name}.echo`]: { entryPoint: "echo" }, [`${name}.put`]: { entryPoint: "storage_put" } };
    writeFileSync(
      join(folder, name, "plugin.json"),
      JSON.stringify({ name, version: "1.0.0", api: "0.2", wasm: "plugin.wasm", services, ...SUBSCRIBED }),
    );
    plugins[name] = { path: name, isolation, grants: "all", ...more };
  }
  const adapters = { http: { port: 0 } };
  writeFileSync(
    join(folder, "bulkhead.json"),
    JSON.stringify({ dataDir: "data", adapters, auth: { limits: AMPLE }, drivers: { log: { level: "error" } }, plugins }),
  );
}

export async function serve(cwd: string): Promise<Serving> {
  const start = performance.now();
  const child = spawn(process.execPath, [COMMAND, "serve"], { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  for await (const piece of child.stderr) {
    said += String(piece);
    const url = /listening on (http:\S+);/.exec(said)?.[1];
    if (url === undefined) continue;
    const startMs = performance.now() - start;
    const failed = said.split("\n").filter((line) => /^bulkhead: +p\d+ .*: (?!running)/.test(line));
    if (failed.length > 0) throw new Error(`not all of its plugins run: ${failed.join("\n")}`);
    const stop = async (): Promise<void> => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    };
    return { url, startMs, pid: child.pid ?? 0, stop };
  }
  throw new Error(`the host does not start: ${said}`);
}

/** Has a plugin write to its storage, which opens it. */
export async function put(url: string, plugin: string): Promise<void> {
  await call(url, `${plugin}.put`);
}

export async function call(url: string, service: string): Promise<void> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: "1" };
  const response = await fetch(`${url}/v1/services/${service}`, init);
  if (!response.ok) throw new Error(`${service} answered ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** What the process and all below it take of the machine; pages that processes share count once. */
export function proportionalBytes(pid: number): number {
  return ownBytes(pid) + childrenOf(pid).reduce((sum, child) => sum + proportionalBytes(child), 0);
}

const ownBytes = (pid: number): number => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]) * 1024;

/** What a process has written to, which no other shares. */
export const privateBytes = (pid: number): number =>
  Number(/^Private_Dirty:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]) * 1024;

/** Of a host: its cells. */
export const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
