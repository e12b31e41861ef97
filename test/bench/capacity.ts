// What a machine carries, as whoever buys one asks: what one more plugin takes and how many fit into a GB, how many turns a second, how soon a host with many is
// there. Hosts are those that `bulkhead serve` runs, with all that holds cells here; each plugin has used its storage once. Needs Linux.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { COMMAND } from "../support/command.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { figure, median, type Row } from "./measure.ts";

type Isolation = "process" | "inline";

const FEW: Readonly<Record<Isolation, number>> = { process: 5, inline: 100 };
const MANY: Readonly<Record<Isolation, number>> = { process: 30, inline: 1_000 };
const GB = 1_000_000_000;
const STARTS = 3;
const TURNS = 20_000;
const AT_ONCE = 64;
const ROUNDS = 5;

/** What one more takes of the host and its cells together; pages that processes share count once. */
interface Weighed {
  readonly bytesEach: number;
  /** From the command to its first answer, with all plugins running; what was admitted before is found again. */
  readonly startMs: Readonly<Record<"few" | "many", number>>;
}

export async function benchCapacity(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const isolation of ["process", "inline"] as const) {
    const { bytesEach, startMs } = await weigh(isolation);
    const [few, many] = [FEW[isolation], MANY[isolation]];
    rows.push(
      told(`memory of one more plugin, ${isolation}, its storage open`, figure(bytesEach / 1024, "KiB")),
      told(`plugins to a GB, ${isolation}`, Math.floor(GB / bytesEach).toLocaleString("en")),
      told(`start of a host with ${few} plugins, ${isolation}`, figure(startMs.few, "ms")),
      told(`start of a host with ${many.toLocaleString("en")} plugins, ${isolation}`, figure(startMs.many, "ms")),
    );
  }
  for (const isolation of ["inline", "process"] as const)
    rows.push(
      told(`turns a second of one plugin, ${isolation}, 100 B, ${AT_ONCE} at once`, figure(await turnsPerSecond(isolation), "turns/s")),
    );
  return rows;
}

const told = (work: string, ratio: string): Row => ({ work, ours: "", theirs: "", ratio, goal: "none", reached: true });

async function weigh(isolation: Isolation): Promise<Weighed> {
  const [few, many] = [FEW[isolation], MANY[isolation]];
  const [small, large] = [await measured(isolation, few), await measured(isolation, many)];
  return { bytesEach: (large.bytes - small.bytes) / (many - few), startMs: { few: small.startMs, many: large.startMs } };
}

async function measured(isolation: Isolation, count: number): Promise<{ readonly bytes: number; readonly startMs: number }> {
  const folder = temporaryFolder();
  try {
    await configure(folder.path, isolation, count);
    const startMs: number[] = [];
    let bytes = 0;
    // The first admits what the others find.
    for (let start = 0; start <= STARTS; start += 1) {
      const host = await serve(folder.path);
      if (start > 0) startMs.push(host.startMs);
      if (start === STARTS) {
        for (let i = 0; i < count; i += 1) await put(host.url, `p${i}`);
        bytes = proportionalBytes(host.child.pid ?? 0);
      }
      host.child.kill("SIGTERM");
      await once(host.child, "exit");
    }
    return { bytes, startMs: median(startMs) };
  } finally {
    folder.remove();
  }
}

async function configure(folder: string, isolation: Isolation, count: number): Promise<void> {
  const { file } = await buildPlugin(fileURLToPath(new URL("plugin", import.meta.url)));
  const plugins: Record<string, object> = {};
  for (let i = 0; i < count; i += 1) {
    const name = `p${i}`;
    mkdirSync(join(folder, name));
    cpSync(file, join(folder, name, "plugin.wasm"));
    const services = { [`${name}.echo`]: { entryPoint: "echo" }, [`${name}.put`]: { entryPoint: "storage_put" } };
    writeFileSync(join(folder, name, "plugin.json"), JSON.stringify({ name, version: "1.0.0", api: "0.2", wasm: "plugin.wasm", services }));
    plugins[name] = { path: name, isolation };
  }
  const adapters = { http: { port: 0 } };
  writeFileSync(
    join(folder, "bulkhead.json"),
    JSON.stringify({ dataDir: "data", adapters, drivers: { log: { level: "error" } }, plugins }),
  );
}

interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
  readonly startMs: number;
}

async function serve(cwd: string): Promise<Serving> {
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
    return { child, url, startMs };
  }
  throw new Error(`the host does not start: ${said}`);
}

async function put(url: string, plugin: string): Promise<void> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: "1" };
  const response = await fetch(`${url}/v1/services/${plugin}.put`, init);
  if (!response.ok) throw new Error(`${plugin}.put answered ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** The process and all below it. */
function proportionalBytes(pid: number): number {
  const own = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter((child) => child !== ""),
  );
  return Number(own) * 1024 + children.reduce((sum, child) => sum + proportionalBytes(Number(child)), 0);
}

/** Answered by the plugin, asked by the program that the host is part of: no door is measured. */
async function turnsPerSecond(isolation: Isolation): Promise<number> {
  const folder = temporaryFolder();
  await configure(folder.path, isolation, 1);
  const file = join(folder.path, "bulkhead.json");
  const parsed = parseConfiguration(readFileSync(file, "utf8"), file);
  const host = await createHost({
    configuration: { ...parsed, adapters: { http: false, "control-socket": false } },
    log: { write: () => {} },
  });
  const payload = "x".repeat(98);
  const round = async (): Promise<number> => {
    let left = TURNS;
    const ask = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await host.call("p0.echo", payload);
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return (TURNS * 1_000) / (performance.now() - start);
  };
  const rates: number[] = [];
  for (let i = 0; i <= ROUNDS; i += 1) rates.push(await round());
  await host.stop();
  folder.remove();
  return median(rates.slice(1));
}
