// One measurement in a process of its own, which whoever started it may kill: `child.ts <runtime> <attack> <hostile guests>`. Prints a line when the attack begins, and one
// of JSON when it is measured.

import { RUNTIMES } from "./runtimes.ts";
import { ATTACKS, MEASURE_MS, REST_MS, SETTLE_MS, WARM_UP_TURNS } from "./subject.ts";

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
  process.stdout.write(`${JSON.stringify({ latenciesMs, tookMs: performance.now() - began })}\n`);
  process.exit();
}

async function attackForever(attack: () => Promise<void>): Promise<never> {
  for (;;) {
    await attack().catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
}

await main(process.argv.slice(2));
