#!/usr/bin/env node
// Makes a component of a plugin in TypeScript or JavaScript: `bulkhead-componentize <entry> <output> [folder with the toolchain]`. Types are taken off in place, so that an error names the
// line that the author wrote.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const SDK = dirname(fileURLToPath(import.meta.url));
const SKIPPED = new Set(["node_modules", "dist", "sdk", "test", ".git"]);

/**
 * Writes the component to `output`. `entry` exports `entryPoints`; what it imports lies in `folder` or is one of its dependencies.
 * Rejects with the toolchain's message, and when componentize-qjs is not installed.
 */
export async function build({ folder, entry, output, toolchainFrom = SDK }) {
  const { componentize } = await toolchain([folder, SDK, toolchainFrom]);
  const stage = await mkdtemp(join(tmpdir(), "bulkhead-"));
  try {
    await stageSources(folder, stage);
    await stageSources(join(SDK, "src"), join(stage, "node_modules", "@bulkhead", "sdk", "src"));
    await writeFile(join(stage, "node_modules", "@bulkhead", "sdk", "package.json"), '{"type":"module","exports":"./src/index.ts"}');
    await stageDependencies(folder, stage);
    const jsPath = join(stage, relative(folder, resolve(folder, entry)));
    const { component } = await componentize({
      witPath: join(SDK, "wit", "bulkhead.wit"),
      world: "javascript",
      jsSource: await readFile(jsPath, "utf8"),
      jsPath,
      moduleRoot: stage,
      sync: true,
    });
    await mkdir(dirname(output), { recursive: true });
    await writeFile(output, component);
  } catch (error) {
    // The stage is not the author's folder.
    throw new Error(String(error.message).replaceAll(stage + sep, ""), { cause: error });
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function toolchain(folders) {
  for (const folder of folders) {
    try {
      return createRequire(join(folder, "package.json"))("componentize-qjs");
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error("componentize-qjs is not installed; in the plugin's folder: npm install --save-dev --save-exact componentize-qjs@0.4.5");
}

async function stageSources(from, to) {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) await stageSources(source, target);
    if (!entry.isFile() || entry.name.endsWith(".d.ts") || ![".ts", ".js", ".mjs", ".json"].includes(extname(entry.name))) continue;
    await mkdir(to, { recursive: true });
    const text = await readFile(source, "utf8");
    await writeFile(target, extname(entry.name) === ".ts" ? stripped(text, source) : text);
  }
}

function stripped(text, file) {
  try {
    return stripTypeScriptTypes(text);
  } catch (error) {
    // Node says the line in the first line of the stack only.
    const [, line = "1"] = /^[^\n]*:(\d+)\n/.exec(error.stack) ?? [];
    throw new Error(`${relative(process.cwd(), file)}:${line}: ${error.message}`, { cause: error });
  }
}

async function stageDependencies(folder, stage) {
  const { dependencies = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8").catch(() => "{}"));
  for (const name of Object.keys(dependencies)) {
    if (name === "@bulkhead/sdk" || name === "componentize-qjs") continue;
    await cp(join(folder, "node_modules", name), join(stage, "node_modules", name), { recursive: true, dereference: true });
  }
}

if (import.meta.main) {
  const [entry, output, toolchainFrom] = process.argv.slice(2);
  if (entry === undefined || output === undefined) {
    console.error("usage: bulkhead-componentize <entry.ts> <output.wasm> [folder with the toolchain]");
    process.exit(2);
  }
  await build({ folder: process.cwd(), entry, output: resolve(output), toolchainFrom }).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
