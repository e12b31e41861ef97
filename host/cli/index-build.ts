// `bulkhead index build`: makes of a folder of packages an index and a catalogue, static files that any web server can hold.

import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import type { Command } from "commander";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { catalogueOf } from "../install/index/catalogue.ts";
import { makeIndex } from "../install/index/making.ts";
import { INDEX_FILE, indexText } from "../install/index/plugin-index.ts";
import { packageReader } from "../lifecycle/package-reader.ts";
import { conclude } from "./report.ts";
import { sourceDate } from "./signing.ts";
import { say } from "./terminal.ts";

interface BuildOptions {
  readonly from: string;
  readonly out?: string;
  readonly source?: string;
  readonly json?: boolean;
}

export function addIndex(program: Command): void {
  program
    .command("index")
    .description("make an index of plugins, with which others find them")
    .command("build")
    .description("read a folder of packages, verify their signatures, and write index.json and a catalogue for browsers")
    .requiredOption("--from <folder>", "with .tgz files and plugins' folders, up to three folders deep")
    .option("--out <folder>", "where to write, instead of the same folder")
    .option("--source <text>", "where each package will be had, with {file}, {name} and {version}, such as @acme/{name}@{version}")
    .option("--json", "print JSON on standard output")
    .action(build);
}

async function build({ from, out = from, source, json }: BuildOptions): Promise<void> {
  const { index, packages, tooDeep } = await makeIndex(from, {
    reader: packageReader(),
    source: source ?? besides(from, out),
    generatedAt: sourceDate(),
  });
  const files = new Map([[INDEX_FILE, indexText(index)], ...(await catalogueOf(index))]);
  const folder = resolve(out);
  await writeAll(folder, files);
  for (const one of tooDeep) say(`${escapeControls(one)} lies too deep and was not looked into`);
  const plugins = index.plugins.length;
  const answer = { folder, files: [...files.keys()], plugins, packages, tooDeep };
  conclude(
    json,
    answer,
    `${plugins} plugins in ${packages} packages are in ${escapeControls(join(folder, INDEX_FILE))}; index.html shows them`,
  );
}

/** From the index, as a relative path. */
const besides = (from: string, out: string): string =>
  `./${relative(resolve(out), resolve(from)).split(sep).join("/")}/{file}`.replace(/^\.\/(?=\.\.\/)|(?<=^\.)\/(?=\/)/, "");

/** Each is there whole, or as it was before. Rejects with HostError `invalid-message`. */
async function writeAll(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const unfinished = (name: string): string => join(folder, `.${name}.unfinished`);
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of files) await writeFile(unfinished(name), text);
    for (const name of files.keys()) await rename(unfinished(name), join(folder, name));
  } catch (cause) {
    throw new HostError("invalid-message", `${escapeControls(folder)} cannot be written to; name another folder with --out`, { cause });
  }
}
