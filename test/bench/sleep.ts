// What it costs to have many plugins of which few are awake, and to wake one: `hibernate` beside `on-demand`, in one run. Hosts are those that `bulkhead serve` runs,
// with plugins inline. Their modules have the same bytes, since each other one takes a quarter of a second to be admitted; nothing is shared between them for that.
// Needs Linux.

import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "../../scripts/build-plugins.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { asked, type Serving, serve } from "./capacity.ts";
import { figure, median, type Row } from "./measure.ts";

type Activation = "hibernate" | "on-demand";

const PLUGINS = Number(process.env.BENCH_ASLEEP ?? 10_000);
const GOAL_BYTES = 512 * 1024 * 1024;
const GOAL_WAKE_MS = 5;
const WAKES = 101;
const AT_ONCE = 8;
const IDLE_MS = 1_000;
const START_MS = 600_000;

interface Slept {
  readonly residentBytes: number;
  /** From a call to its answer, the door included: of one that is asleep, and then of the same one awake. */
  readonly asleepMs: number;
  readonly awakeMs: number;
  readonly startMs: number;
}

export async function benchSleep(): Promise<Row[]> {
  const ours = await measured("hibernate");
  const theirs = await measured("on-demand");
  const mib = (bytes: number): string => figure(bytes / 1024 / 1024, "MiB");
  const wake = ({ asleepMs, awakeMs }: Slept): number => asleepMs - awakeMs;
  return [
    {
      work: `resident memory of a host with ${PLUGINS.toLocaleString("en")} plugins asleep, inline`,
      ours: mib(ours.residentBytes),
      theirs: mib(theirs.residentBytes),
      ratio: mib(ours.residentBytes),
      goal: "≤ 512 MiB",
      reached: ours.residentBytes <= GOAL_BYTES,
    },
    {
      work: "to wake a plugin that is asleep, inline, beyond the call of one that is awake",
      ours: figure(wake(ours), "ms"),
      theirs: figure(wake(theirs), "ms"),
      ratio: figure(wake(ours), "ms"),
      goal: `≤ ${GOAL_WAKE_MS} ms`,
      reached: wake(ours) <= GOAL_WAKE_MS,
    },
    {
      work: `start of a host with ${PLUGINS.toLocaleString("en")} plugins asleep, inline`,
      ours: figure(ours.startMs, "ms"),
      theirs: figure(theirs.startMs, "ms"),
      ratio: figure(ours.startMs / theirs.startMs, "×"),
      goal: "none",
      reached: true,
    },
  ];
}

async function measured(activation: Activation): Promise<Slept> {
  const folder = temporaryFolder();
  try {
    await configure(folder.path, activation);
    // The first one admits what the next one finds, and each plugin has run once.
    const first = await serve(folder.path);
    await each(
      Array.from({ length: PLUGINS }, (_, i) => `p${i}`),
      (plugin) => asked(first.url, plugin, "put"),
    );
    if (activation === "hibernate") await allAsleep(folder.path);
    await ended(first);
    const host = await serve(folder.path);
    const [asleepMs, awakeMs] = await wakes(host);
    await new Promise((resolve) => setTimeout(resolve, 3 * IDLE_MS));
    const residentBytes = residentOf(host.child.pid ?? 0);
    await ended(host);
    return { residentBytes, asleepMs, awakeMs, startMs: host.startMs };
  } finally {
    folder.remove();
  }
}

async function wakes({ url }: Serving): Promise<readonly [asleepMs: number, awakeMs: number]> {
  const asleep: number[] = [];
  const awake: number[] = [];
  const took = async (plugin: string): Promise<number> => {
    const start = performance.now();
    await asked(url, plugin, "put");
    return performance.now() - start;
  };
  for (let i = 0; i < WAKES; i += 1) {
    const plugin = `p${(i * 7) % PLUGINS}`;
    asleep.push(await took(plugin));
    awake.push(await took(plugin));
  }
  return [median(asleep), median(awake)];
}

async function configure(folder: string, activation: Activation): Promise<void> {
  const { file } = await buildPlugin(fileURLToPath(new URL("plugin", import.meta.url)));
  const wasm = readFileSync(file);
  const plugins: Record<string, object> = {};
  for (let i = 0; i < PLUGINS; i += 1) {
    const name = `p${i}`;
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "plugin.wasm"), wasm);
    const services = { [`${name}.echo`]: { entryPoint: "echo" }, [`${name}.put`]: { entryPoint: "storage_put" } };
    writeFileSync(join(folder, name, "plugin.json"), JSON.stringify({ name, version: "1.0.0", api: "0.2", wasm: "plugin.wasm", services }));
    plugins[name] = { path: name, isolation: "inline", activation, idleMs: IDLE_MS };
  }
  const adapters = { http: { port: 0 } };
  writeFileSync(
    join(folder, "bulkhead.json"),
    JSON.stringify({ dataDir: "data", adapters, drivers: { log: { level: "error" } }, plugins }),
  );
}

const allAsleep = (folder: string): Promise<true> =>
  eventually("all are asleep", () => readdirSync(join(folder, "data", "asleep")).length === PLUGINS || undefined, START_MS);

async function each(plugins: readonly string[], ask: (plugin: string) => Promise<void>): Promise<void> {
  const left = [...plugins];
  const one = async (): Promise<void> => {
    for (let plugin = left.pop(); plugin !== undefined; plugin = left.pop()) await ask(plugin);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function ended({ child }: Serving): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}

const residentOf = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
