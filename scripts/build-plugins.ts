// Compiles AssemblyScript plugins. As a command: `node scripts/build-plugins.ts [--force] [folder…]`, all of plugins/ without a folder.
// The compiler's flags stand in the SDK's asconfig.json, so that a plugin outside of this repository is built the same way.

import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import * as asc from "assemblyscript/asc";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const SDK = join(REPOSITORY, "plugin-sdk", "assemblyscript");
const SDK_IN_NODE_MODULES = ["node_modules", "@bulkhead", "assemblyscript", ""].join(sep);

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
}

/** Compiles one plugin's folder. Rejects with the compiler's messages, each with file and line. */
export async function buildPlugin(folder: string, options: BuildOptions = {}): Promise<BuiltPlugin> {
  const started = performance.now();
  const name = basename(resolve(folder));
  const file = options.outFile ?? join(folder, `${name}.wasm`);
  const entry = options.entry ?? join("assembly", "index.ts");
  const skipped = !options.force && (await newestOf([join(folder, "assembly"), join(folder, entry), SDK])) < (await modifiedMs(file));
  if (!skipped) await replaceFile(file, await compile(folder, entry));
  return { name, file, bytes: (await stat(file)).size, ms: performance.now() - started, skipped };
}

async function compile(folder: string, entry: string): Promise<Uint8Array> {
  const output = new Map<string, Uint8Array>();
  const messages: string[] = [];
  const collect = { write: (chunk: string | Uint8Array) => messages.push(String(chunk)) };
  const { error } = await asc.main([entry, "--outFile", "out.wasm", "--baseDir", folder, ...(await flags())], {
    stdout: collect,
    stderr: collect,
    readFile: (path, baseDir) => readSource(isAbsolute(path) ? path : join(baseDir, path)),
    writeFile: (path, contents) => {
      output.set(path, typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
    },
  });
  const wasm = output.get("out.wasm");
  if (error || !wasm) throw new Error(`${folder} does not compile\n${messages.join("") || error?.message}`);
  return wasm;
}

/** In one step, because test files build the same plugin side by side. */
async function replaceFile(file: string, contents: Uint8Array): Promise<void> {
  const unfinished = `${file}.${process.pid}.${randomUUID()}`;
  await writeFile(unfinished, contents);
  await rename(unfinished, file);
}

async function flags(): Promise<string[]> {
  const { options } = JSON.parse(await readFile(join(SDK, "asconfig.json"), "utf8"));
  return Object.entries({ ...options, transform: [join(SDK, "transform.js")] }).flatMap(([name, setting]) =>
    [setting].flat().flatMap((value) => [`--${name}`, ...(value === true ? [] : [String(value)])]),
  );
}

/** The SDK of this repository stands in for `@bulkhead/assemblyscript` where a plugin has none installed. */
async function readSource(path: string): Promise<string | null> {
  const own = await readFile(path, "utf8").catch(() => null);
  const at = path.lastIndexOf(SDK_IN_NODE_MODULES);
  if (own !== null || at < 0) return own;
  return readFile(join(SDK, path.slice(at + SDK_IN_NODE_MODULES.length)), "utf8").catch(() => null);
}

async function newestOf(paths: readonly string[]): Promise<number> {
  let newestMs = 0;
  for (const path of paths) {
    newestMs = Math.max(newestMs, await modifiedMs(path));
    for (const file of await readdir(path, { recursive: true }).catch(() => [])) {
      newestMs = Math.max(newestMs, await modifiedMs(join(path, file)));
    }
  }
  return newestMs;
}

const modifiedMs = (path: string): Promise<number> =>
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
  for (const folder of named.length > 0 ? named : await pluginFolders()) {
    const { file, bytes, ms, skipped } = await buildPlugin(folder, { force });
    const cost = skipped ? "up to date" : `${ms.toFixed(0)} ms`;
    process.stdout.write(`${relative(process.cwd(), file)}  ${(bytes / 1024).toFixed(1)} KiB  ${cost}\n`);
  }
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
