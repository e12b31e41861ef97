// One measurement in a process of its own: `child.ts <runtime> <work>`. Prints its figure.

import { readdirSync, readFileSync } from "node:fs";
import { eachCall, median, percentile } from "../measure.ts";
import { RUNTIMES } from "./runtimes.ts";
import { CARTS } from "./subject.ts";

const CONTEXTS = 200;
const SETTLE_MS = 1_000;
const MEASURE_MS = 3_000;
const PAGE_KIB = 4;
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function main([name = "", work = ""]: readonly string[]): Promise<number> {
  const load = RUNTIMES[name];
  if (load === undefined) throw new Error(`there is no runtime ${name}`);
  const began = performance.now();
  const runtime = await load();
  const first = await runtime.create();
  await first.call(CARTS.small);
  if (work === "cold start") return performance.now() - began;
  if (work === "new context")
    return (
      median(
        await eachCall(100, async () => {
          const context = await runtime.create();
          await context.call(CARTS.small);
        }),
      ) / 1_000
    );
  if (work.startsWith("call, ")) {
    const cart = work === "call, small" ? CARTS.small : CARTS["10 KB"];
    await eachCall(1_000, () => first.call(cart));
    return median(await eachCall(3_000, () => first.call(cart)));
  }
  if (work === "memory of a context") {
    await rest(SETTLE_MS);
    const before = residentMib();
    const kept = [];
    for (let i = 0; i < CONTEXTS; i += 1) {
      const context = await runtime.create();
      await context.call(CARTS.small);
      kept.push(context);
    }
    await rest(SETTLE_MS);
    return (residentMib() - before) / kept.length;
  }
  const hostile = Number(/^beside (\d+)/.exec(work)?.[1]);
  for (let i = 0; i < hostile; i += 1) {
    const context = await runtime.create();
    void loopForever(() => context.run("for (;;) {}"));
  }
  await rest(SETTLE_MS);
  const ms: number[] = [];
  const end = performance.now() + MEASURE_MS;
  while (performance.now() < end || ms.length < 1) {
    const start = performance.now();
    await first.call(CARTS.small);
    ms.push(performance.now() - start);
    await rest(5);
  }
  return percentile(ms, 0.99);
}

async function loopForever(run: () => Promise<unknown>): Promise<never> {
  for (;;) {
    await run().catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Of this process and all that it started. */
function residentMib(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const parents = new Map<number, number>();
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
    const stat = read(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, "")
      .split(" ");
    if (stat !== undefined) parents.set(pid, Number(stat[1]));
  }
  const isOurs = (pid: number): boolean => pid === process.pid || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  const pages = [...parents.keys()].filter(isOurs).map((pid) => Number(read(`/proc/${pid}/statm`)?.split(" ")[1] ?? 0));
  return (pages.reduce((sum, one) => sum + one, 0) * PAGE_KIB) / 1_024;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

process.stdout.write(`${await main(process.argv.slice(2))}\n`);
process.exit();
