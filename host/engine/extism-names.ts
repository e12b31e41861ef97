// Renames what Extism would act upon by itself in an admitted module. Functions keep their indices and their code.

import { EXTISM_ENV } from "./guest/imports.ts";
import { WASI_PREVIEW1 } from "./guest/wasi.ts";
import { RESERVED_PREFIX } from "./meter/added-exports.ts";
import { SECTION } from "./wasm/module.ts";
import { Reader } from "./wasm/reader.ts";
import { Writer } from "./wasm/writer.ts";

const HEADER_BYTES = 8;

/** Extism calls these while it instantiates, on a stack that cannot be suspended, so the first dry slice would be a trap. */
const CALLED_BY_EXTISM: ReadonlySet<string> = new Set(["_initialize", "_start", "hs_init"]);

// No guest exports a name with the reserved prefix, so nothing collides.
const HIDDEN_PREFIX = `${RESERVED_PREFIX}hidden`;

// Under `extism:host/env` Extism puts its own `http_request` in place of ours, and a module that asks for WASI it gives Node's or refuses.
const HIDDEN_MODULES: ReadonlyMap<string, string> = new Map([
  [EXTISM_ENV, "bulkhead:extism/env"],
  [WASI_PREVIEW1, "bulkhead:extism/wasi"],
]);

/** Where the imports from this module are found in a hidden module. */
export const hiddenModule = (name: string): string => HIDDEN_MODULES.get(name) ?? name;

/** Answers the module with those names hidden. Throws HostError `admission-refused` when the bytes are not a module. */
export function hideFromExtism(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const reader = new Reader(module);
  const out = new Writer(module.length + 1_024);
  reader.skip(HEADER_BYTES);
  out.copy(module, 0, HEADER_BYTES);
  while (reader.offset < reader.end) {
    const at = reader.offset;
    const id = reader.byte();
    const size = reader.count();
    const content = new Reader(module, reader.offset, reader.offset + size);
    reader.skip(size);
    if (id === SECTION.import) writeSection(out, id, renamed(content, hideImport));
    else if (id === SECTION.export) writeSection(out, id, renamed(content, hideExport));
    else out.copy(module, at, reader.offset);
  }
  return out.view().slice();
}

/** The exports of a hidden module by the names they had. */
export function revealed(exports: WebAssembly.Exports): WebAssembly.Exports {
  const byName = Object.entries(exports).map(([name, value]) => [
    name.startsWith(HIDDEN_PREFIX) ? name.slice(HIDDEN_PREFIX.length) : name,
    value,
  ]);
  return Object.fromEntries(byName);
}

function renamed(reader: Reader, copyEntry: (reader: Reader, out: Writer) => void): Uint8Array {
  const out = new Writer(reader.end - reader.offset + 1_024);
  const count = reader.count();
  out.u32(count);
  for (let i = 0; i < count; i++) copyEntry(reader, out);
  return out.view();
}

// Admission lets nothing but functions be imported: a name, a name, the kind, a type.
function hideImport(reader: Reader, out: Writer): void {
  out.name(hiddenModule(nameOf(reader)));
  out.name(nameOf(reader));
  out.byte(reader.byte());
  out.u32(reader.u32());
}

function hideExport(reader: Reader, out: Writer): void {
  const name = nameOf(reader);
  out.name(CALLED_BY_EXTISM.has(name) ? HIDDEN_PREFIX + name : name);
  out.byte(reader.byte());
  out.u32(reader.u32());
}

// Admission bounded the names.
const nameOf = (reader: Reader): string => reader.name(reader.end - reader.offset);

function writeSection(out: Writer, id: number, content: Uint8Array): void {
  out.byte(id);
  out.sized(content);
}
