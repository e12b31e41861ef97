// docs/neighbours.md: the table of what a polite guest has beside hostile ones. It measures nothing.

import { ATTACKS, CPU_MS, MEMORY_MIB } from "./subject.ts";

export interface Cell {
  readonly runtime: string;
  readonly attack: string;
  readonly hostile: number;
  /** `wedged`: no turn of the polite guest ended any more, and the process was killed. `died`: the process ended by itself. */
  readonly end: "measured" | "wedged" | "died" | "did not start";
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly perSecond?: number;
}

const WHAT = {
  loops: "Endless loops, begun again whenever they are ended",
  memory: "Guests that take memory until they get no more",
  "host calls": "Guests that call a cheap function of the host without end",
} as const;

const ms = (value = Number.NaN): string => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(2));

function textOf({ end, p50Ms, p99Ms, perSecond = 0 }: Cell): string {
  return end === "measured" ? `${ms(p50Ms)} / ${ms(p99Ms)} ms, ${Math.round(perSecond)}/s` : `**${end}**`;
}

export function neighboursPage(cells: readonly Cell[], machine: string): string {
  const counts = [...new Set(cells.map(({ hostile }) => hostile))];
  const runtimes = [...new Set(cells.map(({ runtime }) => runtime))];
  const sections = ATTACKS.map((attack) => {
    const lines = runtimes.map((runtime) => {
      const texts = counts.map((hostile) => {
        const cell = cells.find((one) => one.runtime === runtime && one.attack === attack && one.hostile === hostile);
        return cell === undefined ? "not measured" : textOf(cell);
      });
      return `| ${[runtime, ...texts].join(" | ")} |`;
    });
    return `## ${WHAT[attack]}

| | ${counts.map((count) => `${count} hostile`).join(" | ")} |
|---|${"---|".repeat(counts.length)}
${lines.join("\n")}`;
  });
  return `# Neighbours

What a polite guest has beside hostile ones: median and 99th percentile of one turn of 100 bytes in and out, and turns a second, with 5 ms of rest after each (so at most some 200). Every
measurement is a process of its own. **wedged**: no polite turn ended any more, and the process was killed; **died**: it ended by itself.

Each runtime has the limits that it offers: ${CPU_MS} ms and ${MEMORY_MIB} MiB a guest where they can be set. Bulkhead's process cells hold one polite guest, or twenty hostile ones, without bubblewrap;
@extism/extism has a worker and a time-out for each guest; isolated-vm a memory limit and a time-out; quickjs-emscripten a memory limit and an interrupt handler; workerd's open build takes no
limits. Who has many threads or processes also has more of the machine than who has one. wasmtime is not here: it would be a program in Rust of its own, which nobody has written yet.

\`npm run bench:neighbours\` repeats it in about ten minutes, alone on the machine; the packages that only it needs are installed below \`.cache/\`, in versions that
\`test/bench/neighbours/packages.ts\` pins. Last on ${machine}.

${sections.join("\n\n")}
`;
}
