// Modules that binaryen makes of random bytes (wasm-opt -ttf), which know other corners of WebAssembly than those of random-modules.ts. It runs none of them.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { DEFAULT_ADMISSION_LIMITS } from "../../host/engine/admission.ts";
import { SECTION, SECTION_ORDER } from "../../host/engine/wasm/module.ts";
import { parseModule } from "../../host/engine/wasm/parse-module.ts";
import { Reader } from "../../host/engine/wasm/reader.ts";
import { leb, section, text, wasm } from "../engine/wasm/build.ts";

const WASM_OPT = join(dirname(createRequire(import.meta.url).resolve("binaryen/package.json")), "bin", "wasm-opt");
// Without NaNs, whose bits may differ from run to run, and without exceptions, as binaryen mixes their two encodings; random-modules.ts has them.
const FLAGS = ["-ttf", "--denan"];
const FEATURES = [
  ...["simd", "bulk-memory", "tail-call", "multivalue", "reference-types", "nontrapping-float-to-int", "sign-ext", "mutable-globals"],
  ...["extended-const", "relaxed-simd"],
].map((feature) => `--enable-${feature}`);
export const MEMORY = "the memory";

const run = promisify(execFile);

/** A module whose memory, if it has one, is exported as MEMORY. */
export async function generate(seed: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-generated-"));
  try {
    await writeFile(join(folder, "seed"), seed);
    const module = join(folder, "module.wasm");
    await run(process.execPath, [WASM_OPT, join(folder, "seed"), ...FLAGS, ...FEATURES, "-o", module]);
    return withMemoryExported(new Uint8Array(await readFile(module)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function withMemoryExported(source: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { sections, memories } = parseModule(source, DEFAULT_ADMISSION_LIMITS);
  if (memories.length === 0) return source;
  const exported = new Reader(sections.get(SECTION.export) ?? Uint8Array.of(0));
  const count = exported.u32();
  const entries = [...leb(count + 1), ...exported.bytes.subarray(exported.offset), ...text(MEMORY), 2, 0];
  const contents = new Map([...sections].map(([id, content]) => [id, [...content]]));
  contents.set(SECTION.export, entries);
  return wasm(...SECTION_ORDER.flatMap((id) => (contents.has(id) ? [section(id, contents.get(id) ?? [])] : [])));
}
