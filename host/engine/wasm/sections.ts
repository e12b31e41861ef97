// Puts a module's sections together again, with entries behind those that are there, so that no index shifts. It knows nothing of what they mean.

import type { WasmModule } from "./module.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

export const HEADER_BYTES = 8;

/** A section with entries appended. The type section counts recursion groups, which is why its own count is read. */
export function extended(module: WasmModule, id: number, count: number, entries: Uint8Array): Uint8Array {
  const reader = new Reader(module.sections.get(id) ?? Uint8Array.of(0));
  const out = new Writer(reader.end + entries.length + 8);
  out.u32(reader.u32() + count);
  out.copy(reader.bytes, reader.offset, reader.end);
  out.bytes(entries);
  return out.view();
}

export function writeSection(out: Writer, id: number, content: Uint8Array): void {
  out.byte(id);
  out.sized(content);
}

export function leb(value: number): Uint8Array {
  const out = new Writer(16);
  out.u32(value);
  return out.view();
}

export function sleb(value: number): Uint8Array {
  const out = new Writer(16);
  out.s32(value);
  return out.view();
}
