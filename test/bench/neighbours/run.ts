// `npm run bench:neighbours`: what a polite guest has beside hostile ones, in Bulkhead and in others, each measurement in a process of its own that is killed
// when it is silent. Writes docs/neighbours.md. Words choose runtimes whose names contain one, and write nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { installPackages } from "./packages.ts";
import { type Cell, neighboursPage } from "./page.ts";
import { RUNTIMES } from "./runtimes.ts";
import { ATTACKS } from "./subject.ts";

const PAGE = new URL("../../../docs/neighbours.md", import.meta.url);
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const COUNTS = [1, 20, 200];
/** Two hundred workers take their time. */
const START_MS = 60_000;
/** From the first hostile turn on: several times what is measured. */
const SILENT_MS = 12_000;

async function main(words: readonly string[]): Promise<void> {
  installPackages();
  const cells: Cell[] = [];
  for (const attack of ATTACKS) {
    for (const hostile of COUNTS) {
      for (const runtime of Object.keys(RUNTIMES)) {
        if (words.length > 0 && !words.some((word) => runtime.includes(word))) continue;
        const figures = await measure(runtime, attack, hostile);
        console.log(runtime, attack, hostile, figures);
        cells.push({ runtime, attack, hostile, ...figures });
      }
    }
  }
  const machine = `${availableParallelism()} cores, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
  if (words.length === 0) await writeFile(PAGE, neighboursPage(cells, machine));
}

type Figures = Omit<Cell, "runtime" | "attack" | "hostile">;

async function measure(runtime: string, attack: string, hostile: number): Promise<Figures> {
  // isolated-vm does not run beside Node's own snapshot.
  const flags = runtime === "isolated-vm" ? ["--no-node-snapshot"] : [];
  const child = spawn(process.execPath, ["--no-warnings", ...flags, CHILD, runtime, attack, String(hostile)], {
    stdio: ["ignore", "pipe", "ignore"],
    // Killed with all that it has started.
    detached: true,
  });
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  let found: Figures = { end: "did not start" };
  let timer = setTimeout(kill, START_MS);
  createInterface(child.stdout).on("line", (line) => {
    clearTimeout(timer);
    if (line === "ready") {
      found = { end: "died" };
      timer = setTimeout(() => {
        found = { end: "wedged" };
        kill();
      }, SILENT_MS);
    } else {
      found = { end: "measured", ...JSON.parse(line) };
      // It would leave by itself, but isolated-vm does not under a flood of host calls.
      kill();
    }
  });
  await once(child, "close");
  clearTimeout(timer);
  try {
    // What it started may outlive it.
    kill();
  } catch {}
  return found;
}

await main(process.argv.slice(2));
