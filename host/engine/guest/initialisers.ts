// What is called once in an instance before anything else: what Extism's runtimes call, so that the runtime of a language is there.

import { START_EXPORT } from "../meter/added-exports.ts";

export interface Initialiser {
  readonly name: string;
  readonly args: readonly number[];
}

/** In their order. An export of such a name that takes other parameters is the plugin's own affair and left alone, as Extism does. */
export function initialisersOf(exports: WebAssembly.Exports, usesWasi: boolean): readonly Initialiser[] {
  const has = (name: string, parameters = 0): boolean => {
    const found = Object.hasOwn(exports, name) ? exports[name] : undefined;
    return typeof found === "function" && found.length === parameters;
  };
  const plain = (name: string): Initialiser => ({ name, args: [] });
  const start = has(START_EXPORT) ? [plain(START_EXPORT)] : [];
  const reactor = has("_initialize") ? [plain("_initialize")] : [];
  // Haskell's runtime, whose constructors `_initialize` calls; it is given no arguments: argc and argv.
  if (has("hs_init", 2)) return [...start, ...reactor, { name: "hs_init", args: [0, 0] }];
  if (has("hs_init")) return [...start, ...reactor, plain("hs_init")];
  // A reactor calls its constructors itself; a second time would run them twice.
  if (reactor.length > 0) return [...start, ...reactor];
  if (has("__wasm_call_ctors")) return [...start, plain("__wasm_call_ctors")];
  // Of a program for WASI this would be its `main`, and the end of it.
  return has("_start") && !usesWasi ? [...start, plain("_start")] : start;
}
