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
import type { LogEntry } from "../trust/log/entry.ts";
import { conclude } from "./report.ts";
import { KEYS_HELP, signingKey, sourceDate } from "./signing.ts";
import { say } from "./terminal.ts";

interface BuildOptions {
  readonly from: string;
  readonly out?: string;
  readonly source?: string;
  readonly logKey?: string;
  readonly logOrigin?: string;
  readonly log?: string;
  readonly keys?: string;
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
    .option("--log-key <name>", "add what is signed to a transparency log, which this key signs")
    .option("--log-origin <name>", "with --log-key: what the log is called, such as example.org/log")
    .option("--log <folder>", "with --log-key: where the log is, instead of log beside the index")
    .option("--keys <folder>", KEYS_HELP)
    .option("--json", "print JSON on standard output")
    .action(build);
}

async function build({ from, out = from, source, json, ...options }: BuildOptions): Promise<void> {
  const { logKey, logOrigin } = options;
  if ((logKey === undefined) !== (logOrigin === undefined))
    throw new HostError("invalid-message", "--log-key and --log-origin go together: whose key signs the log, and what it is called");
  const { index, packages, signed, tooDeep } = await makeIndex(from, {
    reader: packageReader(),
    source: source ?? besides(from, out),
    generatedAt: sourceDate(),
  });
  const files = new Map([[INDEX_FILE, indexText(index)], ...(await catalogueOf(index))]);
  const folder = resolve(out);
  // Whoever finds a version in the index finds it in the log.
  const log = logKey === undefined ? undefined : await addToLog(signed, { ...options, folder: resolve(options.log ?? join(out, "log")) });
  await writeAll(folder, files);
  for (const one of tooDeep) say(`${escapeControls(one)} lies too deep and was not looked into`);
  const plugins = index.plugins.length;
  const answer = { folder, files: [...files.keys()], plugins, packages, tooDeep, ...(log && { log }) };
  conclude(
    json,
    answer,
    `${plugins} plugins in ${packages} packages are in ${escapeControls(join(folder, INDEX_FILE))}; index.html shows them`,
  );
  if (log !== undefined && json !== true)
    say(`${log.size} entries are in ${escapeControls(log.folder)}; its key for trust.log: ${log.key}`);
}

async function addToLog(
  signed: readonly LogEntry[],
  { folder, keys, logKey, logOrigin = "" }: Omit<BuildOptions, "from"> & { readonly folder: string },
): Promise<{ readonly folder: string; readonly size: number; readonly key: string }> {
  const { appendToLog, noteKeyText } = await import("../trust/log/appending.ts");
  const { key } = await signingKey({ ...(logKey !== undefined && { key: logKey }), ...(keys !== undefined && { keys }) });
  const signer = { name: logOrigin, key };
  const { checkpoint } = await appendToLog(folder, signed, signer);
  return { folder, size: checkpoint.size, key: noteKeyText(signer) };
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
