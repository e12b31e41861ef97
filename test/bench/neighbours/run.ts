// `npm run bench:neighbours`: what a polite guest has beside hostile ones, in Bulkhead and in others, each measurement in a process of its own that is killed
// when it is silent. Keeps each result at once and renews docs/neighbours.md. Words choose measurements such as "workerd, loops, 20" that contain one; `--missing` those that have
// no result yet.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { percentile } from "../measure.ts";
import { installPackages } from "./packages.ts";
import { neighboursPage } from "./page.ts";
import { type Figures, isOf, keepResult, readResults, type Subject } from "./results.ts";
import { RUNTIMES } from "./runtimes.ts";
import { ATTACKS } from "./subject.ts";
import { buildWasmtime, wasmtimeCommand } from "./wasmtime.ts";

const PAGE = new URL("../../../docs/neighbours.md", import.meta.url);
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const WASMTIME = "wasmtime";
const COUNTS = [1, 20, 200];
/** Two hundred workers take their time. */
const START_MS = 60_000;
/** From the first hostile turn on: several times what is measured. */
const SILENT_MS = 12_000;

async function main(args: readonly string[]): Promise<void> {
  const words = args.filter((arg) => !arg.startsWith("--"));
  const known = args.includes("--missing") ? readResults() : [];
  const subjects = allSubjects().filter(
    (subject) => isChosen(subject, words) && !known.some((result) => isOf(result, subject) && result.end !== "did not start"),
  );
  if (subjects.some(({ runtime }) => runtime === WASMTIME)) buildWasmtime();
  if (subjects.some(({ runtime }) => runtime !== WASMTIME)) installPackages();
  for (const subject of subjects) {
    const figures = await measure(subject);
    console.log(Object.values(subject).join(", "), figures);
    const results = keepResult({ ...subject, ...figures, measured: new Date().toISOString().slice(0, 10) });
    writeFileSync(PAGE, neighboursPage(results, [...Object.keys(RUNTIMES), WASMTIME], COUNTS));
  }
}

function allSubjects(): Subject[] {
  const runtimes = [...Object.keys(RUNTIMES), WASMTIME];
  return ATTACKS.flatMap((attack) => COUNTS.flatMap((hostile) => runtimes.map((runtime) => ({ runtime, attack, hostile }))));
}

function isChosen(subject: Subject, words: readonly string[]): boolean {
  const text = Object.values(subject).join(", ");
  return words.length === 0 || words.some((word) => text.includes(word));
}

function commandOf({ runtime, attack, hostile }: Subject): string[] {
  if (runtime === WASMTIME) return wasmtimeCommand(attack, hostile);
  // isolated-vm does not run beside Node's own snapshot.
  const flags = runtime === "isolated-vm" ? ["--no-node-snapshot"] : [];
  return [process.execPath, "--no-warnings", ...flags, CHILD, runtime, attack, String(hostile)];
}

async function measure(subject: Subject): Promise<Figures> {
  const [command = "", ...args] = commandOf(subject);
  // Killed with all that it has started.
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-1_000);
  });
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
      found = figuresOf(JSON.parse(line));
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
  if (found.end === "died" || found.end === "did not start") console.log(said);
  return found;
}

function figuresOf({ latenciesMs, tookMs }: { readonly latenciesMs: readonly number[]; readonly tookMs: number }): Figures {
  return {
    end: "measured",
    p50Ms: rounded(percentile(latenciesMs, 0.5)),
    p99Ms: rounded(percentile(latenciesMs, 0.99)),
    perSecond: rounded(latenciesMs.length / (tookMs / 1_000)),
  };
}

const rounded = (value: number): number => Number(value.toPrecision(3));

await main(process.argv.slice(2));
