// Writes everything that is generated from wit/: `npm run build:bindings`. A test makes the same texts in memory and compares.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { emitAssemblyScript } from "./assemblyscript.ts";
import { emitC } from "./c.ts";
import { emitGo } from "./go.ts";
import { emitHostShapes, emitHostTypes } from "./host.ts";
import { type Contract, GENERATED, importedInterfaces, snake } from "./model.ts";
import { emitPython } from "./python.ts";
import { readWit } from "./reader.ts";
import { emitReference } from "./reference.ts";
import { emitRemoteNode } from "./remote-node.ts";
import { emitRemotePython } from "./remote-python.ts";
import { emitRust } from "./rust.ts";
import { emitSchemas } from "./schemas.ts";
import { emitTypeScript } from "./typescript.ts";
import { emitZig } from "./zig.ts";

const ROOT = new URL("../../", import.meta.url);

/** What was released is in folders below wit/; wit/ itself is the contract that is being written. */
export async function readContract(folder = "wit"): Promise<Contract> {
  const names = (await readdir(new URL(`${folder}/`, ROOT))).filter((name) => name.endsWith(".wit")).sort();
  const texts = await Promise.all(names.map((name) => readText(`${folder}/${name}`)));
  return readWit(new Map(names.map((name, i) => [`${folder}/${name}`, texts[i] ?? ""])));
}

/** The oldest first. */
export async function readReleases(): Promise<Contract[]> {
  const folders = (await readdir(new URL("wit/", ROOT))).filter((name) => /^v\d+\.\d+$/.test(name));
  const inOrder = folders.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return Promise.all(inOrder.map((name) => readContract(`wit/${name}`)));
}

/** wit/ in one file, for toolchains that are given a plugin's world with its SDK. */
async function witText(): Promise<string> {
  const names = (await readdir(new URL("wit/", ROOT))).filter((name) => name.endsWith(".wit")).sort();
  const [first = "", ...others] = await Promise.all(names.map((name) => readText(`wit/${name}`)));
  return [`// ${GENERATED}\n${first}`, ...others.map((text) => text.replace(/^package [^;]*;/m, ""))].join("\n");
}

/** The interfaces of which AssemblyScript has a module that is written by hand, and its text. */
async function assemblyScriptByHand(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const folder = "plugin-sdk/assemblyscript/assembly";
  const files = await readdir(new URL(folder, ROOT));
  const own = names.filter((name) => files.includes(`${name}.ts`));
  return new Map(await Promise.all(own.map(async (name) => [name, await readText(`${folder}/${name}.ts`)] as const)));
}

const readText = (path: string): Promise<string> => readFile(new URL(path, ROOT), "utf8");

/** Path in the repository → text. */
export async function generatedFiles(contract: Contract, releases: readonly Contract[]): Promise<ReadonlyMap<string, string>> {
  const part = (name: string): Promise<string> => readText(`plugin-sdk/codegen/c/${name}`);
  const [rust, zig, go] = [emitRust(contract), emitZig(contract), emitGo(contract)];
  const [typescript, python] = [emitTypeScript(contract), emitPython(contract)];
  const c = emitC(
    contract,
    await part("runtime.h"),
    (await part("transaction.h")) + (await part("blob-content.h")) + (await part("config-values.h")) + (await part("entry.h")),
  );
  const names = importedInterfaces(contract).map(({ name }) => name);
  const byHand = await assemblyScriptByHand(names);
  const assemblyScript = emitAssemblyScript(contract, byHand);
  const reference = emitReference(contract, {
    rust,
    c,
    zig,
    typescript: new Map(names.map((name) => [name, typescript.get(`src/${name}.ts`) ?? ""])),
    python: new Map(names.map((name) => [name, python.get(`src/bulkhead/${snake(name)}.py`) ?? ""])),
    go: new Map(names.map((name) => [name, go.get(`${snake(name)}/${snake(name)}.go`) ?? ""])),
    assemblyscript: new Map(names.map((name) => [name, `${byHand.get(name) ?? ""}\n${assemblyScript.get(`host/${name}.ts`)}`])),
  });
  return new Map([
    ["host/core/wit.ts", emitHostTypes(contract, releases)],
    ["host/engine/guest/wit-shapes.ts", emitHostShapes(contract, releases)],
    ...[...assemblyScript].map(([path, text]) => [`plugin-sdk/assemblyscript/assembly/${path}`, text] as const),
    ["schemas/host-functions.schema.json", emitSchemas(contract)],
    ["plugin-sdk/rust/src/generated.rs", rust],
    ["plugin-sdk/zig/src/generated.zig", zig],
    ["plugin-sdk/c/include/bulkhead.h", c],
    ...[...go].map(([path, text]) => [`plugin-sdk/go/${path}`, text] as const),
    ["plugin-sdk/typescript/wit/bulkhead.wit", (await witText()) + (await readText("plugin-sdk/codegen/javascript.wit"))],
    ["plugin-sdk/python/src/bulkhead/wit/bulkhead.wit", await witText()],
    ...[...typescript].map(([path, text]) => [`plugin-sdk/typescript/${path}`, text] as const),
    ["plugin-sdk/remote-node/src/error-code.ts", typescript.get("src/error-code.ts") ?? ""],
    ...[...emitRemoteNode(contract)].map(([path, text]) => [`plugin-sdk/remote-node/${path}`, text] as const),
    ...[...emitRemotePython(contract)].map(([path, text]) => [`plugin-sdk/remote-python/${path}`, text] as const),
    ...[...python].map(([path, text]) => [`plugin-sdk/python/${path}`, text] as const),
    ...[...reference].map(([path, text]) => [`docs/reference/${path}`, text] as const),
  ]);
}

if (import.meta.main) {
  for (const [path, text] of await generatedFiles(await readContract(), await readReleases())) {
    const file = fileURLToPath(new URL(path, ROOT));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
