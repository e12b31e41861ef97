// One measurement in a process of its own, which whoever started it may kill: `child.ts <runtime> <attack> <hostile guests>`. Prints a line when the attack begins, and one
// of JSON when it is measured.

import { percentile } from "../measure.ts";
import { RUNTIMES } from "./runtimes.ts";
import { ATTACKS } from "./subject.ts";

const WARM_UP_TURNS = 50;
const SETTLE_MS = 1_000;
const MEASURE_MS = 2_500;
const REST_MS = 5;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function main([name = "", kind, count]: readonly string[]): Promise<void> {
  const hostile = Number(count);
  const attack = ATTACKS.find((one) => one === kind) ?? "loops";
  const make = RUNTIMES[name];
  if (make === undefined) throw new Error(`there is no runtime ${name}`);
  const subject = await make(hostile);
  for (let i = 0; i < WARM_UP_TURNS; i += 1) await subject.callPolite();
  process.stdout.write("ready\n");
  for (let guest = 0; guest < hostile; guest += 1) void attackForever(() => subject.attack(attack, guest));
  await rest(SETTLE_MS);
  const latenciesMs: number[] = [];
  const began = performance.now();
  while (performance.now() - began < MEASURE_MS) {
    const start = performance.now();
    await subject.callPolite();
    latenciesMs.push(performance.now() - start);
    await rest(REST_MS);
  }
  const perSecond = latenciesMs.length / ((performance.now() - began) / 1_000);
  process.stdout.write(`${JSON.stringify({ p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99), perSecond })}\n`);
  process.exit();
}

async function attackForever(attack: () => Promise<void>): Promise<never> {
  for (;;) {
    await attack().catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
}

await main(process.argv.slice(2));
