// What the disposable admission process runs: admits one module, compiles all of it, instantiates it, answers and ends.

import { admitPlugin } from "../../engine/admit-plugin.ts";
import { admitComponent } from "../../engine/component/admit-component.ts";
import { decodeBundle, isBundle, isComponent } from "../../engine/component/bundle.ts";
import type { AdmissionQuestion } from "./admission-process.ts";
import { answerOnce } from "./disposable-main.ts";
import { loadTranspiler } from "./transpiler.ts";

// The flags of this process make V8 compile every function now, so that what hurts hurts here. No guest code runs: the start
// function is an export by now, and a data segment out of bounds is the plugin's own failure later.
function tryOut(module: Uint8Array<ArrayBuffer>): void {
  if (isBundle(module)) {
    // Its modules import each other's memories, so they are compiled and not linked; its glue has been compiled when it was looked through.
    for (const bytes of decodeBundle(module).modules.values()) void new WebAssembly.Module(bytes);
    return;
  }
  const compiled = new WebAssembly.Module(module);
  const imports: Record<string, Record<string, () => void>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(compiled)) {
    imports[from] = { ...imports[from], [name]: () => {} };
  }
  try {
    new WebAssembly.Instance(compiled, imports);
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
  }
}

answerOnce(async ({ value, bytes: wasm }) => {
  const { limits, rules, storage, keepsState } = value as AdmissionQuestion;
  const { module, ...admitted } = isComponent(wasm)
    ? await admitComponent(wasm, limits, loadTranspiler, rules, storage)
    : admitPlugin(wasm, limits, rules, keepsState);
  tryOut(module);
  return { value: admitted, bytes: module };
});
