// docs/neighbours.md: the table of what a polite guest has beside hostile ones. It measures nothing.

import { availableParallelism } from "node:os";
import { type Figures, isOf, type Result } from "./results.ts";
import { ATTACKS, CPU_MS, MEMORY_MIB, REST_MS } from "./subject.ts";

const WHAT = {
  loops: "Endless loops, begun again whenever they are ended",
  memory: "Guests that take memory until they get no more",
  "host calls": "Guests that call a cheap function of the host without end",
} as const;

const ms = (value = Number.NaN): string => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(2));

function textOf({ end, p50Ms, p99Ms, perSecond = 0 }: Figures): string {
  const rate = perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond);
  return end === "measured" ? `${ms(p50Ms)} / ${ms(p99Ms)} ms, ${rate}/s` : `**${end}**`;
}

function table(
  results: readonly Result[],
  attack: (typeof ATTACKS)[number],
  runtimes: readonly string[],
  counts: readonly number[],
): string {
  const lines = runtimes.map((runtime) => {
    const texts = counts.map((hostile) => {
      const result = results.find((one) => isOf(one, { runtime, attack, hostile }));
      return result === undefined ? "not measured" : textOf(result);
    });
    return `| ${[runtime, ...texts].join(" | ")} |`;
  });
  return `## ${WHAT[attack]}

| | ${counts.map((count) => `${count} hostile`).join(" | ")} |
|---|${"---|".repeat(counts.length)}
${lines.join("\n")}`;
}

export function neighboursPage(results: readonly Result[], runtimes: readonly string[], counts: readonly number[]): string {
  const days = results.map(({ measured }) => measured).sort();
  const when = [...new Set([days.at(0), days.at(-1)])].join(" to ");
  return `# Neighbours

What a polite guest has beside hostile ones: median and 99th percentile of one turn of 100 bytes in and out, and turns a second, with ${REST_MS} ms of rest after each (so at most some 200). Every
measurement is a process of its own. **wedged**: no polite turn ended any more, and the process was killed; **died**: it ended by itself.

Each runtime has the limits that it offers: ${CPU_MS} ms and ${MEMORY_MIB} MiB a guest where they can be set. Bulkhead's process cells hold one polite guest, or twenty hostile ones, without bubblewrap;
@extism/extism has a worker and a time-out for each guest; isolated-vm a memory limit and a time-out; quickjs-emscripten a memory limit and an interrupt handler; workerd's open build takes no
limits, all its services run in one thread, and who takes memory ends the process. wasmtime is measured from a host in Rust (\`test/bench/neighbours/wasmtime/\`), without JavaScript on either side: each guest is a task of one
runtime with as many threads as there are cores, gives way at each epoch of 1 ms, and ends after ${CPU_MS} of them. Who has many threads or processes has more of the machine than who has one.

\`npm run bench:neighbours\` repeats it in about ten minutes, alone on the machine, or with words some of it; the packages that only it needs are installed below \`.cache/\`, in versions that
\`test/bench/neighbours/packages.ts\` and \`wasmtime/Cargo.lock\` pin. On ${availableParallelism()} cores, Node ${process.versions.node}, ${when}.

${ATTACKS.map((attack) => table(results, attack, runtimes, counts)).join("\n\n")}
`;
}
