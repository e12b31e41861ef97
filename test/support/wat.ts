// Compiles WebAssembly text for tests.

import wabtFactory from "wabt";

let wabt: Promise<Awaited<ReturnType<typeof wabtFactory>>> | undefined;

export async function wat(text: string): Promise<Uint8Array<ArrayBuffer>> {
  wabt ??= wabtFactory();
  const features = { exceptions: true, tail_call: true, reference_types: true, bulk_memory: true };
  const module = (await wabt).parseWat("test.wat", text, features);
  return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
}
