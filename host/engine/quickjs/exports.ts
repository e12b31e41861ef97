// What of quickjs-wasi is used. It exports 600 functions, each of which V8 makes an object of in every instance: 0.2 MiB of heap and milliseconds for what nobody calls.

import { SECTION } from "../wasm/module.ts";
import { Reader } from "../wasm/reader.ts";
import { Writer } from "../wasm/writer.ts";

const HEADER_BYTES = 8;
const decoder = new TextDecoder();

const USED: ReadonlySet<string> = new Set([
  "_initialize",
  "qjs_call",
  "qjs_eval",
  "qjs_execute_pending_job",
  "qjs_free_cstring",
  "qjs_free_value",
  "qjs_get_exception",
  "qjs_get_prop_string",
  "qjs_get_string_len",
  "qjs_get_undefined",
  "qjs_init2",
  "qjs_new_string",
  "qjs_set_interrupt_handler",
  "qjs_set_max_stack_size",
  "wasm_free",
  "wasm_malloc",
]);

/** The module without the exports that machine.ts does not call. Throws HostError `admission-refused` for what is no module. */
export function withUsedExports(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const reader = new Reader(module, HEADER_BYTES);
  const out = new Writer(module.length);
  out.copy(module, 0, HEADER_BYTES);
  while (reader.offset < reader.end) {
    const from = reader.offset;
    const id = reader.byte();
    const size = reader.count();
    const start = reader.offset;
    reader.skip(size);
    if (id !== SECTION.export) out.copy(module, from, reader.offset);
    else {
      out.byte(id);
      out.sized(usedIn(module, start, reader.offset));
    }
  }
  return out.view().slice();
}

function usedIn(module: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new Reader(module, start, end);
  const used: (readonly [from: number, to: number])[] = [];
  for (let left = reader.count(); left > 0; left -= 1) {
    const from = reader.offset;
    const length = reader.count();
    const name = decoder.decode(module.subarray(reader.offset, reader.offset + length));
    reader.skip(length);
    // Its kind and its index.
    reader.byte();
    reader.u32();
    if (USED.has(name)) used.push([from, reader.offset]);
  }
  const out = new Writer();
  out.u32(used.length);
  for (const [from, to] of used) out.copy(module, from, to);
  return out.view();
}
