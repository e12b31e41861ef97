// The engine of components: the same port, the same limits and errors as for modules.

import type { Engine } from "../engine.ts";
import { compileAdmitted } from "../metered.ts";
import { decodeBundle } from "./bundle.ts";
import { ComponentInstance, type ComponentParts } from "./instance.ts";
import { compileGlue, runGlue } from "./realm.ts";

export const componentEngine: Engine = {
  async compile(image) {
    const { glue, modules, imports, entries } = decodeBundle(image);
    const compiled = new Map<string, WebAssembly.Module>();
    for (const [name, bytes] of modules) compiled.set(name, await compileAdmitted(bytes));
    const script = compileGlue(glue);
    const parts: ComponentParts = { modules: compiled, imports, entries, glue: (wasm, budget) => runGlue(script, wasm, budget) };
    return { instantiate: (environment) => new ComponentInstance(parts, environment) };
  },
};
