// Compiles WebAssembly text for tests.

import wabtFactory from "wabt";

let wabt: Promise<Awaited<ReturnType<typeof wabtFactory>>> | undefined;

/** With `names`, as compilers leave them for stack traces. */
export async function wat(text: string, { names = false }: { readonly names?: boolean } = {}): Promise<Uint8Array<ArrayBuffer>> {
  wabt ??= wabtFactory();
  const features = { exceptions: true, tail_call: true, reference_types: true, bulk_memory: true };
  const module = (await wabt).parseWat("test.wat", text, features);
  return new Uint8Array(module.toBinary({ write_debug_names: names }).buffer);
}
