// Compiles AssemblyScript plugins. As a command: `node scripts/build-plugins.ts [--force] [folder…]`, all of plugins/ without a folder.
// They are compiled as `bulkhead build` does it, and only when a source is newer than the module.

import { randomUUID } from "node:crypto";
import { readdir, rename, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { compileAssemblyScript } from "../host/cli/toolchains/languages.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const SDK = join(REPOSITORY, "plugin-sdk", "assemblyscript");

export interface BuiltPlugin {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly ms: number;
  /** Nothing was compiled: the output is newer than every source. */
  readonly skipped: boolean;
}

export interface BuildOptions {
  /** `<folder>/<name of the folder>.wasm` if absent. */
  readonly outFile?: string;
  /** The file that names the exports, relative to the folder; `assembly/index.ts` if absent. */
  readonly entry?: string;
  /** Compile even if the output is newer than every source. */
  readonly force?: boolean;
  /** Called when there is something to compile, which takes seconds. */
  readonly onStart?: () => void;
}

/** Compiles one plugin's folder. Rejects with the compiler's messages, each with file and line. */
export async function buildPlugin(folder: string, options: BuildOptions = {}): Promise<BuiltPlugin> {
  const started = performance.now();
  const name = basename(resolve(folder));
  const file = options.outFile ?? join(folder, `${name}.wasm`);
  const entry = options.entry ?? join("assembly", "index.ts");
  const skipped = !options.force && (await newestOf([join(folder, "assembly"), join(folder, entry), SDK])) < (await modifiedMs(file));
  if (!skipped) {
    options.onStart?.();
    await compile(folder, entry, file);
  }
  return { name, file, bytes: (await stat(file)).size, ms: performance.now() - started, skipped };
}

/** In one step, because test files build the same plugin side by side. */
async function compile(folder: string, entry: string, file: string): Promise<void> {
  const unfinished = `${file}.${process.pid}.${randomUUID()}`;
  const { ok, output } = await compileAssemblyScript(resolve(folder), entry, resolve(unfinished));
  if (!ok) throw new Error(`${folder} does not compile\n${output}`);
  await rename(unfinished, file);
}

/** When the newest of these files and of all below these folders was changed; 0 where there is none. */
export async function newestOf(paths: readonly string[]): Promise<number> {
  let newestMs = 0;
  for (const path of paths) {
    newestMs = Math.max(newestMs, await modifiedMs(path));
    for (const file of await readdir(path, { recursive: true }).catch(() => [])) {
      newestMs = Math.max(newestMs, await modifiedMs(join(path, file)));
    }
  }
  return newestMs;
}

/** 0 where there is no such file. */
export const modifiedMs = (path: string): Promise<number> =>
  stat(path).then(
    (found) => found.mtimeMs,
    () => 0,
  );

/** Of the plugins in this repository those in AssemblyScript; one in several languages has a folder for each. */
export async function pluginFolders(): Promise<string[]> {
  const root = join(REPOSITORY, "plugins");
  const names = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const folders = names.flatMap((name) => [join(root, name), join(root, name, "assemblyscript")]);
  const sources = await Promise.all(folders.map((folder) => modifiedMs(join(folder, "assembly", "index.ts"))));
  return folders.filter((_, i) => sources[i] !== 0);
}

async function main(args: readonly string[]): Promise<void> {
  const force = args.includes("--force");
  const named = args.filter((arg) => arg !== "--force");
  const limit = pLimit(availableParallelism());
  await limit.map(named.length > 0 ? named : await pluginFolders(), async (folder) => {
    const onStart = (): unknown => process.stderr.write(`building ${relative(process.cwd(), folder)} …\n`);
    const { file, bytes, ms, skipped } = await buildPlugin(folder, { force, onStart });
    const cost = skipped ? "up to date" : `${ms.toFixed(0)} ms`;
    process.stdout.write(`${relative(process.cwd(), file)}  ${(bytes / 1024).toFixed(1)} KiB  ${cost}\n`);
  });
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
