// `npm run bench:languages`: the counter of every language side by side, as a table in Markdown. With `--write` it takes the place of the table in
// docs/languages.md, with `--text` that of texts and JSON. A language whose toolchain is absent is left out, with the reason.

import { execFile } from "node:child_process";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { admitInProcess } from "../../host/cell/admission/admission-process.ts";
import { makePlugin } from "../../host/cli/new.ts";
import { say } from "../../host/cli/terminal.ts";
import { findToolchain, LANGUAGES, type Language } from "../../host/cli/toolchains/languages.ts";
import { toHostError } from "../../host/core/errors.ts";
import type { PluginImage } from "../../host/core/types.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { createCell } from "../support/cells.ts";
import { ownPlugin, temporaryFolder } from "../support/plugin-folders.ts";
import { enter, QUIET } from "./cells.ts";
import { countEvents } from "./languages-events.ts";
import { textTable } from "./languages-text.ts";
import { measureInTurn, median, perCall } from "./measure.ts";

const DOCS = new URL("../../docs/languages.md", import.meta.url);
const END = "<!-- end -->";
/** What a table is written behind. */
const BEGIN = "<!-- npm run bench:languages -- --write -->\n";
const BEGIN_TEXT = "<!-- npm run bench:languages -- --text --write -->\n";
const NAMES: Readonly<Record<Language, string>> = {
  ...{ assemblyscript: "AssemblyScript", rust: "Rust", go: "Go", c: "C", zig: "Zig" },
  ...{ typescript: "TypeScript, JavaScript", python: "Python" },
};
const ENTRY: Readonly<Record<Language, string>> = {
  ...{ assemblyscript: "assembly/index.ts", rust: "src/lib.rs", go: "plugin.go", c: "plugin.c", zig: "src/plugin.zig" },
  ...{ typescript: "src/index.ts", python: "plugin.py" },
};
const COMMENT: Readonly<Record<Language, string>> = {
  assemblyscript: "//",
  rust: "//",
  go: "//",
  c: "//",
  zig: "//",
  typescript: "//",
  python: "#",
};
const INSTANCES = 10;
const CALLS = 1_000;

interface Subject {
  readonly language: Language;
  readonly image: PluginImage;
  readonly folder: string;
  readonly sizeKib: number;
  readonly admissionMs: number;
  readonly firstBuildMs: number;
  readonly rebuildMs: number;
}

async function main(args: readonly string[]): Promise<void> {
  const [memoryOf] = args[0] === "--memory" ? args.slice(1) : [];
  if (memoryOf !== undefined) return console.log(await instanceKib(memoryOf));
  const subjects: Subject[] = [];
  for (const language of LANGUAGES) {
    say(`${language}: building …`);
    const subject = await prepare(language, !args.includes("--text")).catch((thrown: unknown) => {
      say(`${language} is left out: ${toHostError(thrown).message}`);
    });
    if (subject !== undefined) subjects.push(subject);
  }
  const table = args.includes("--text") ? await textTableOf(subjects) : await tableOf(subjects);
  console.log(table);
  if (args.includes("--write")) await replaceTable(args.includes("--text") ? BEGIN_TEXT : BEGIN, table);
}

async function textTableOf(subjects: readonly Subject[]): Promise<string> {
  const cells = subjects.map(({ language }) => ({ language, counter: createCell("inline", QUIET) }));
  for (const [i, { image }] of subjects.entries()) await cells[i]?.counter.load(image);
  say("texts and JSON …");
  const table = await textTable(cells, (language) => NAMES[language]);
  for (const { counter } of cells) await counter[Symbol.asyncDispose]();
  return `${table}\n${where()}\n`;
}

const where = (): string =>
  `Node ${process.versions.node}, ${availableParallelism()} cores, ${new Date().toISOString().slice(0, 10)}; medians over interleaved rounds`;

async function prepare(language: Language, timesBuilds: boolean): Promise<Subject> {
  const folder = ownPlugin(join("counter", language));
  const file = join(folder, "counter.wasm");
  const build = await findToolchain(language, folder);
  const { ok, output } = await build(folder, file);
  if (!ok) throw new Error(output);
  const wasm = new Uint8Array(await readFile(file));
  const started = performance.now();
  const { module, entryPoints } = await admitInProcess(wasm, DEFAULT_LIMITS);
  const admissionMs = performance.now() - started;
  // A component is asked by name for whatever is called.
  const entered = entryPoints === "any" ? ["echo", "environment", "greet"] : entryPoints;
  const limits = { ...DEFAULT_LIMITS, cpuMs: 60_000, deadlineMs: 60_000 };
  const image = { name: "counter", module, entryPoints: entered, limits, config: { unit: "celsius" } };
  const sizeKib = (await stat(file)).size / 1024;
  const times = timesBuilds ? await buildTimes(language) : { firstBuildMs: Number.NaN, rebuildMs: Number.NaN };
  return { language, folder, image, sizeKib, admissionMs, ...times };
}

/** Of a plugin as `bulkhead new` makes it: the first build, and one after a line was added. Nobody else's files are touched. */
async function buildTimes(language: Language): Promise<{ readonly firstBuildMs: number; readonly rebuildMs: number }> {
  const parent = temporaryFolder();
  try {
    // A name and a text that no compiler's cache has seen.
    const name = `sample-${Date.now()}`;
    const folder = await makePlugin(join(parent.path, name), language);
    const build = await findToolchain(language, folder);
    const timed = async (): Promise<number> => {
      const started = performance.now();
      const { ok, output } = await build(folder, join(folder, `${name}.wasm`));
      if (!ok) throw new Error(output);
      return performance.now() - started;
    };
    const firstBuildMs = await timed();
    const entry = join(folder, ENTRY[language]);
    await writeFile(entry, `${await readFile(entry, "utf8")}${COMMENT[language]} changed in ${name}\n`);
    return { firstBuildMs, rebuildMs: await timed() };
  } finally {
    parent.remove();
  }
}

/** Resident memory of one more instance, in a process that has nothing else to do. */
async function instanceKib(imageFile: string): Promise<number> {
  const { module, ...rest } = JSON.parse(await readFile(imageFile, "utf8")) as Omit<PluginImage, "module"> & { readonly module: string };
  const image = { ...rest, module: new Uint8Array(Buffer.from(module, "base64")) };
  const cell = createCell("inline", QUIET);
  const add = async (name: string): Promise<void> => {
    await cell.load({ ...image, name });
    await enter(cell, "echo", "hello", name);
  };
  await add("first");
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < INSTANCES; i += 1) await add(`n-${i}`);
  globalThis.gc?.();
  return (process.memoryUsage.rss() - before) / INSTANCES / 1024;
}

async function memoryKib({ image }: Subject): Promise<number> {
  const folder = temporaryFolder();
  const file = join(folder.path, "image.json");
  try {
    await writeFile(file, JSON.stringify({ ...image, module: Buffer.from(image.module).toString("base64") }));
    const args = ["--expose-gc", fileURLToPath(import.meta.url), "--memory", file];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return Number(stdout);
  } finally {
    await rm(folder.path, { recursive: true });
  }
}

/** Milliseconds from nothing to the answer of the first turn, in a process of its own. */
async function coldStartMs({ image }: Subject): Promise<number> {
  const started = performance.now();
  const cell = createCell("process", QUIET);
  await cell.load(image);
  await enter(cell, "echo", "hello", "counter");
  const ms = performance.now() - started;
  await cell[Symbol.asyncDispose]();
  return ms;
}

async function inTurn(
  subjects: readonly Subject[],
  run: (subject: Subject) => Promise<number>,
  rounds: number,
): Promise<ReadonlyMap<Language, number>> {
  const sides = Object.fromEntries(subjects.map((subject) => [subject.language, async () => [await run(subject)]]));
  const figures = await measureInTurn(sides, { rounds, warmUpRounds: 1 });
  return new Map(subjects.map(({ language }) => [language, median(figures[language] ?? [])]));
}

async function tableOf(subjects: readonly Subject[]): Promise<string> {
  const cells = new Map(subjects.map((subject) => [subject.language, createCell("inline", QUIET)]));
  for (const { language, image } of subjects) await cells.get(language)?.load(image);
  const call = (entryPoint: string, input: string | Uint8Array, times: number) => (subject: Subject) => {
    const cell = cells.get(subject.language);
    if (cell === undefined) throw new Error(`${subject.language} has no cell`);
    return perCall(times, () => enter(cell, entryPoint, input, "counter"));
  };
  say("cold starts …");
  const cold = await inTurn(subjects, coldStartMs, 5);
  say("calls …");
  const echo = await inTurn(subjects, call("echo", new Uint8Array(100).fill(0x61), CALLS), 7);
  const large = await inTurn(subjects, call("echo", new Uint8Array(1_048_576), 20), 5);
  const asking = await inTurn(subjects, call("environment", "", CALLS), 7);
  for (const cell of cells.values()) await cell[Symbol.asyncDispose]();
  say("events …");
  const events = await countEvents(subjects, (run, rounds) => inTurn(subjects, run, rounds));
  const memory = new Map<Language, number>();
  for (const subject of subjects) memory.set(subject.language, await memoryKib(subject));

  const least = (of: ReadonlyMap<Language, number>): number => Math.min(...of.values());
  const beside = (of: ReadonlyMap<Language, number>, language: Language, unit: string): string => {
    const value = of.get(language) ?? Number.NaN;
    return `${rounded(value)} ${unit} (${(value / least(of)).toFixed(1)} ×)`;
  };
  const head = ["", "size", "first build / after a change", "admission, once", "cold start", "memory per instance"];
  const costs = ["call, 100 B", "call, 1 MiB", "turn of 7 host calls", "event with batch, service and log"];
  const rows = subjects.map(({ language, sizeKib, firstBuildMs, rebuildMs, admissionMs }) => [
    NAMES[language],
    `${rounded(sizeKib)} KiB`,
    `${(firstBuildMs / 1_000).toFixed(1)} s / ${(rebuildMs / 1_000).toFixed(1)} s`,
    `${rounded(admissionMs)} ms`,
    `${rounded(cold.get(language) ?? Number.NaN)} ms`,
    `${rounded(memory.get(language) ?? Number.NaN)} KiB`,
    ...[echo, large, asking, events].map((of) => beside(of, language, "µs")),
  ]);
  const line = (values: readonly string[]): string => `| ${values.join(" | ")} |`;
  const all = [...head, ...costs];
  const made = [line(all), line(all.map(() => "---")), ...rows.map(line)].join("\n");
  return `${made}\n\n${where()}; × is beside the least of the column.\n`;
}

const rounded = (value: number): string => (value >= 10 ? Math.round(value).toLocaleString("en") : value.toFixed(1));

async function replaceTable(begin: string, table: string): Promise<void> {
  const text = await readFile(DOCS, "utf8");
  const before = text.indexOf(begin);
  const after = text.indexOf(END, before);
  if (before < 0 || after < 0) throw new Error(`docs/languages.md has no ${begin.trim()} … ${END}`);
  await writeFile(DOCS, `${text.slice(0, before + begin.length)}${table}${text.slice(after)}`);
}

await main(process.argv.slice(2));
process.exit();
