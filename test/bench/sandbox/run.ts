// `npm run bench:sandbox`: Bulkhead's sandbox side by side with others that run a stranger's JavaScript, in one run and in turn, each measurement in a process of
// its own. Prints the table and renews that of docs/sandbox.md.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { median } from "../measure.ts";
import { installPackages } from "../neighbours/packages.ts";
import { RUNTIMES } from "./runtimes.ts";

const PAGE = new URL("../../../docs/sandbox.md", import.meta.url);
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const TIMEOUT_MS = 60_000;

interface Work {
  readonly name: string;
  readonly unit: string;
  readonly rounds: number;
}
const WORKS: readonly Work[] = [
  { name: "cold start", unit: "ms", rounds: 3 },
  { name: "new context", unit: "ms", rounds: 3 },
  { name: "call, small", unit: "µs", rounds: 3 },
  { name: "call, 10 KB", unit: "µs", rounds: 3 },
  { name: "memory of a context", unit: "MiB", rounds: 1 },
  ...[1, 20, 200].map((count) => ({ name: `beside ${count}`, unit: "ms", rounds: 1 })),
];

async function main(): Promise<void> {
  installPackages();
  const rows: string[] = [];
  for (const work of WORKS) {
    const found = new Map<string, number[]>();
    for (let round = 0; round < work.rounds; round += 1)
      for (const runtime of Object.keys(RUNTIMES)) {
        const figure = await measure(runtime, work.name);
        found.set(runtime, [...(found.get(runtime) ?? []), figure]);
      }
    rows.push(rowOf(work, [...found.values()].map(median)));
    console.log(rows.at(-1));
  }
  const head = `| | ${Object.keys(RUNTIMES).join(" | ")} |\n|---|${Object.keys(RUNTIMES)
    .map(() => "---:|")
    .join("")}`;
  const measured = `Measured on ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}.`;
  const table = [head, ...rows].join("\n");
  console.log(table);
  const page = readFileSync(PAGE, "utf8");
  const [before = "", after = ""] = [page.split("<!-- bench -->")[0], page.split("<!-- /bench -->")[1]];
  writeFileSync(PAGE, `${before}<!-- bench -->\n${table}\n\n${measured}\n<!-- /bench -->${after}`);
}

/** Figures, and how many times the first one's each is. */
function rowOf({ name, unit }: Work, figures: readonly number[]): string {
  const [ours = Number.NaN] = figures;
  const shown = figures.map(
    (figure, i) =>
    Number.isNaN(figure) ? "none in 60 s" : `${figure >= 100 ? Math.round(figure).toLocaleString("en") : figure.toPrecision(3)} ${unit}${i === 0 ? "" : ` (${(figure / ours).toPrecision(2)} ×)`}`, // biome-ignore format: one figure
  );
  return `| ${name.startsWith("beside") ? `${name} endless loops, p99` : name} | ${shown.join(" | ")} |`;
}

/** NaN for one that says nothing in time. */
async function measure(runtime: string, work: string): Promise<number> {
  // isolated-vm does not run beside Node's own snapshot.
  const flags = ["--no-warnings", "--expose-gc", ...(runtime.startsWith("isolated-vm") ? ["--no-node-snapshot"] : [])];
  const child = spawn(process.execPath, [...flags, CHILD, runtime, work], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has left by itself.
    }
  };
  const timer = setTimeout(kill, TIMEOUT_MS);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, "close");
  clearTimeout(timer);
  kill();
  return said === "" ? Number.NaN : Number(said);
}

await main();
