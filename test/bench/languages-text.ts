// What texts and JSON of four sizes cost in each language: the counter's `greet`, a text in and out, and the `any` of test/plugin-sdk/cases, which reads any JSON and
// writes it again. The bytes of a call say little of that: most plugins look at what they get.

import { mkdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { admitInProcess } from "../../host/cell/admission/admission-process.ts";
import { findToolchain, type Language } from "../../host/cli/toolchains/languages.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { CASES, sdkFolder, writeSources } from "../plugin-sdk/examples.ts";
import { createCell } from "../support/cells.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { enter, QUIET, text } from "./cells.ts";
import { measureInTurn, median, perCall } from "./measure.ts";

const SIZES = { "100 B": 100, "10 KB": 10_000, "400 KB": 400_000, "1 MB": 1_000_000 } as const;
/** So that a round takes about as long for each size. */
const BYTES_A_ROUND = 1_000_000;
const ROUNDS = 3;

/** Records as services exchange them, and a text as people write it: a character in twenty is not ASCII. */
function jsonOf(bytes: number): string {
  const record = (i: number): object => ({ id: i, name: `Zoë ${i}`, note: "hello, how are you today?", tags: ["a", "b"], score: i * 1.5 });
  const each = JSON.stringify(record(1_000)).length + 1;
  return JSON.stringify(Array.from({ length: Math.max(1, Math.round(bytes / each)) }, (_, i) => record(i)));
}

const textOf = (bytes: number): string => "What a straße is for ".repeat(Math.ceil(bytes / 22));

export interface TextSubject {
  readonly language: Language;
  /** The counter, in a cell of its own. */
  readonly counter: Cell;
}

/** The table, in Markdown; `nameOf` says how a language is called there. */
export async function textTable(subjects: readonly TextSubject[], nameOf: (language: Language) => string): Promise<string> {
  const cases = new Map<Language, Cell>();
  for (const { language } of subjects) cases.set(language, await casesOf(language));
  const columns = [
    ...Object.entries(SIZES).map(([size, bytes]) => ({ title: `text, ${size}`, input: textOf(bytes), isJson: false })),
    ...Object.entries(SIZES).map(([size, bytes]) => ({ title: `JSON, ${size}`, input: jsonOf(bytes), isJson: true })),
  ];
  const measured: ReadonlyMap<Language, number>[] = [];
  for (const { input, isJson } of columns) {
    const bytes = text.encode(input);
    const times = Math.max(1, Math.min(500, Math.round(BYTES_A_ROUND / bytes.length)));
    const sides = Object.fromEntries(
      subjects.map(({ language, counter }) => {
        const [cell, entryPoint, plugin] = isJson ? [cases.get(language) ?? counter, "any", "cases"] : [counter, "greet", "counter"];
        return [language, async () => [await perCall(times, () => enter(cell, entryPoint, bytes, plugin))]];
      }),
    );
    const figures = await measureInTurn(sides, { rounds: ROUNDS, warmUpRounds: 1 });
    measured.push(new Map(subjects.map(({ language }) => [language, median(figures[language] ?? [])])));
  }
  for (const cell of cases.values()) await cell[Symbol.asyncDispose]();
  const line = (values: readonly string[]): string => `| ${values.join(" | ")} |`;
  const rows = subjects.map(({ language }) => line([nameOf(language), ...measured.map((of) => shown(of.get(language) ?? Number.NaN))]));
  return `${[line(["", ...columns.map(({ title }) => title)]), line(["", ...columns].map(() => "---")), ...rows].join("\n")}\n`;
}

const shown = (us: number): string => (us < 1_000 ? `${us < 10 ? us.toFixed(1) : Math.round(us)} µs` : `${(us / 1_000).toFixed(1)} ms`);

async function casesOf(language: Language): Promise<Cell> {
  const folder = temporaryFolder();
  try {
    const at = join(folder.path, "cases");
    mkdirSync(at);
    const source = readFileSync(new URL(`../plugin-sdk/cases/${CASES[language]}`, import.meta.url), "utf8");
    writeSources(language, at, { source, manifest: {} }, language === "zig" ? relative(at, sdkFolder(language)) : undefined);
    const { ok, output } = await (await findToolchain(language, at))(at, join(at, "cases.wasm"));
    if (!ok) throw new Error(output);
    const { module, entryPoints } = await admitInProcess(new Uint8Array(await readFile(join(at, "cases.wasm"))), DEFAULT_LIMITS);
    const limits = { ...DEFAULT_LIMITS, cpuMs: 60_000, deadlineMs: 60_000 };
    const cell = createCell("inline", QUIET);
    await cell.load({ name: "cases", module, entryPoints: entryPoints === "any" ? ["any"] : entryPoints, limits, config: {} });
    return cell;
  } finally {
    folder.remove();
  }
}
