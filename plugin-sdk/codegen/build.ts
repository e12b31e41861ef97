// Writes everything that is generated from wit/: `npm run build:bindings`. A test makes the same texts in memory and compares.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { emitAssemblyScript } from "./assemblyscript.ts";
import { emitC } from "./c.ts";
import { emitGo } from "./go.ts";
import { emitHostShapes, emitHostTypes } from "./host.ts";
import type { Contract } from "./model.ts";
import { readWit } from "./reader.ts";
import { emitRust } from "./rust.ts";
import { emitZig } from "./zig.ts";

const ROOT = new URL("../../", import.meta.url);

/** The released contract is in folders below wit/; this is the one that is being written. */
export async function readContract(): Promise<Contract> {
  const names = (await readdir(new URL("wit/", ROOT))).filter((name) => name.endsWith(".wit")).sort();
  const texts = await Promise.all(names.map((name) => readFile(new URL(`wit/${name}`, ROOT), "utf8")));
  return readWit(new Map(names.map((name, i) => [`wit/${name}`, texts[i] ?? ""])));
}

/** Path in the repository → text. */
export async function generatedFiles(contract: Contract): Promise<ReadonlyMap<string, string>> {
  const part = (name: string): Promise<string> => readFile(new URL(`c/${name}`, import.meta.url), "utf8");
  return new Map([
    ["host/core/wit.ts", emitHostTypes(contract)],
    ["host/engine/guest/wit-shapes.ts", emitHostShapes(contract)],
    ["plugin-sdk/assemblyscript/assembly/imports.ts", emitAssemblyScript(contract)],
    ["plugin-sdk/rust/src/generated.rs", emitRust(contract)],
    ["plugin-sdk/zig/src/generated.zig", emitZig(contract)],
    ["plugin-sdk/c/include/bulkhead.h", emitC(contract, await part("runtime.h"), await part("entry.h"))],
    ...[...emitGo(contract)].map(([path, text]) => [`plugin-sdk/go/${path}`, text] as const),
  ]);
}

if (import.meta.main) {
  for (const [path, text] of await generatedFiles(await readContract())) {
    const file = fileURLToPath(new URL(path, ROOT));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
