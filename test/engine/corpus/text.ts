// Assembles modules from text with binaryen, which knows every proposal that Node 26 runs, or with wabt where binaryen
// does not keep what is written (it rewrites code). It caches nothing.

import binaryen from "assemblyscript/binaryen";
import wabtModule from "wabt";

const wabt = await wabtModule();

const WABT_FEATURES = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  threads: true,
  function_references: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  extended_const: true,
  relaxed_simd: true,
  multi_memory: true,
  memory64: true,
};

/** Bytes of exactly what is written; legacy exception handling only, no GC. */
export function assemble(text: string): Uint8Array<ArrayBuffer> {
  const module = wabt.parseWat("test.wat", text, WABT_FEATURES);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** Bytes of what is written, in binaryen's rendering: with GC, typed references and both exception encodings. */
export function assembleWithGc(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}
