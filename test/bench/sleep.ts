// What it costs to have many plugins of which few are awake, and to wake one: `hibernate` beside `on-demand`, in one run. Hosts are those that `bulkhead serve` runs, with
// plugins inline; nothing is shared between them for having the same module. Needs Linux.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { figure, median, type Row } from "./measure.ts";
import { call, configure, serve } from "./serving.ts";

type Activation = "hibernate" | "on-demand";

const PLUGINS = Number(process.env.BENCH_ASLEEP ?? 10_000);
const GOAL_MIB = 512;
const GOAL_WAKE_MS = 5;
const WAKES = 301;
const AT_ONCE = 8;
const IDLE_MS = 1_000;
const REST_MS = 10_000;
const ASLEEP_MS = 600_000;

interface Slept {
  readonly residentMib: number;
  /** From a call to its answer, beyond that of the same plugin awake; its storage is not asked. */
  readonly wakeMs: number;
  readonly startMs: number;
}

export async function benchSleep(): Promise<Row[]> {
  const [ours, theirs] = [await measured("hibernate"), await measured("on-demand")];
  const many = PLUGINS.toLocaleString("en");
  const row = (work: string, of: (slept: Slept) => string, goal: string, reached: boolean): Row => ({
    ...{ work, ours: of(ours), theirs: of(theirs), ratio: of(ours) },
    ...{ goal, reached },
  });
  return [
    row(
      `resident memory of a host with ${many} plugins asleep, inline`,
      ({ residentMib }) => figure(residentMib, "MiB"),
      `≤ ${GOAL_MIB} MiB`,
      ours.residentMib <= GOAL_MIB,
    ),
    row("waking a plugin, inline", ({ wakeMs }) => figure(wakeMs, "ms"), `≤ ${GOAL_WAKE_MS} ms`, ours.wakeMs <= GOAL_WAKE_MS),
    row(`start of a host with ${many} plugins asleep, inline`, ({ startMs }) => figure(startMs, "ms"), "none", true),
  ];
}

async function measured(activation: Activation): Promise<Slept> {
  const folder = temporaryFolder();
  try {
    await configure(folder.path, "inline", PLUGINS, { activation, idleMs: IDLE_MS });
    // The first one admits what the next one finds, and each plugin has run once.
    const first = await serve(folder.path);
    await once(first.url);
    if (activation === "hibernate") await allAsleep(folder.path);
    await first.stop();
    const host = await serve(folder.path);
    const wakeMs = await waking(host.url);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const residentMib = residentBytes(host.pid) / 1024 / 1024;
    await host.stop();
    return { residentMib, wakeMs, startMs: host.startMs };
  } finally {
    folder.remove();
  }
}

async function waking(url: string): Promise<number> {
  const took = async (plugin: string): Promise<number> => {
    const start = performance.now();
    await call(url, `${plugin}.echo`);
    return performance.now() - start;
  };
  const beyond: number[] = [];
  for (let i = 0; i < WAKES; i += 1) {
    const plugin = `p${i % PLUGINS}`;
    const asleep = await took(plugin);
    beyond.push(asleep - (await took(plugin)));
  }
  return median(beyond);
}

const allAsleep = (folder: string): Promise<true> =>
  eventually("all are asleep", () => readdirSync(join(folder, "data", "asleep")).length === PLUGINS || undefined, ASLEEP_MS);

async function once(url: string): Promise<void> {
  let next = 0;
  const some = async (): Promise<void> => {
    while (next < PLUGINS) {
      next += 1;
      await call(url, `p${next - 1}.echo`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
}

const residentBytes = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
