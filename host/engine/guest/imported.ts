// What an admitted module imports beyond what every guest is given, read where it runs: so nothing has to be told beside the module.

import { functionTypeAt, SECTION } from "../wasm/module.ts";
import { parseModule } from "../wasm/parse-module.ts";
import { Reader } from "../wasm/reader.ts";
import { Writer } from "../wasm/writer.ts";
import { isOwnImport } from "./imports.ts";
import { WASI_PREVIEW1 } from "./wasi.ts";

const HEADER_BYTES = 8;
const UNBOUNDED = { maxModuleBytes: Number.POSITIVE_INFINITY, maxNameBytes: Number.POSITIVE_INFINITY };

/** A function of the host's program. Types are numbers of WebAssembly, at most one result. */
export interface DeclaredImport {
  readonly module: string;
  readonly name: string;
  readonly params: readonly string[];
  readonly results: readonly string[];
}

export interface Imported {
  readonly usesWasi: boolean;
  readonly declared: readonly DeclaredImport[];
}

/** Throws HostError `admission-refused` for bytes that are no module. */
export function importedBy(module: Uint8Array): Imported {
  const head = parseModule(typesAndImports(module), UNBOUNDED);
  const declared = head.imports.flatMap(({ module: from, name, typeIndex }) => {
    const type = functionTypeAt(head, typeIndex ?? -1);
    return type === undefined || isOwnImport(from, name) ? [] : [{ module: from, name, params: type.params, results: type.results }];
  });
  return { usesWasi: head.imports.some((one) => one.module === WASI_PREVIEW1), declared };
}

// A module of these two sections alone, so that nothing else has to be read.
function typesAndImports(module: Uint8Array): Uint8Array {
  const reader = new Reader(module, HEADER_BYTES);
  const out = new Writer();
  out.copy(module, 0, HEADER_BYTES);
  while (reader.offset < reader.end) {
    const from = reader.offset;
    const id = reader.byte();
    reader.skip(reader.count());
    if (id === SECTION.type || id === SECTION.import) out.copy(module, from, reader.offset);
  }
  return out.view();
}
