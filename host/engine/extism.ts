// The same port on @extism/extism 2.0.0-rc13, in its foreground: Extism links and instantiates the module; memory, host functions,
// pacing and turns are the default engine's. Extism's own memory, HTTP, WASI, workers and timeouts stay unused (decision 8).

import type { ExtismPluginOptions } from "@extism/extism";
import { HostError } from "../core/errors.ts";
import type { Engine } from "./engine.ts";
import { hiddenModule, hideFromExtism, revealed } from "./extism-names.ts";
import { importedBy } from "./guest/imported.ts";
import { compileAdmitted, type Link, MeteredInstance } from "./metered.ts";

type Extism = Pick<typeof import("@extism/extism"), "createPlugin">;
type HostModules = NonNullable<ExtismPluginOptions["functions"]>;
type HostFunction = HostModules[string][string];

const importExtism = (): Promise<Extism> => import("@extism/extism");

/** Throws HostError `internal` when @extism/extism, an optional peer dependency, cannot be imported. */
export async function createExtismEngine(load: () => Promise<Extism> = importExtism): Promise<Engine> {
  const { createPlugin } = await load().catch((cause: unknown) => {
    const remedy = "install it with: npm install @extism/extism@2.0.0-rc13";
    throw new HostError("internal", `the extism engine needs the package @extism/extism, which cannot be imported; ${remedy}`, { cause });
  });
  return {
    async compile(module) {
      const compiled = await compileAdmitted(hideFromExtism(module));
      const link: Link = async (imports) => {
        const options = { functions: asHostModules(imports), runInWorker: false, useWasi: false, allowedHosts: [] };
        const plugin = await createPlugin({ wasm: [{ module: compiled }] }, options);
        return { exports: revealed((await plugin.getInstance()).exports) };
      };
      const imported = importedBy(module);
      return { instantiate: (environment) => new MeteredInstance(link, environment, imported) };
    },
  };
}

function asHostModules(imports: WebAssembly.Imports): HostModules {
  return Object.fromEntries(
    Object.entries(imports).map(([from, functions]) => [
      hiddenModule(from),
      Object.fromEntries(Object.entries(functions).map(([name, value]) => [name, unbound(value)])),
    ]),
  );
}

// Extism links `fn.bind(null, callContext)`. Ours know no call context, and a bound function would be JavaScript: the guest's loads
// and stores of blocks would leave Wasm, and a suspending import would no longer suspend. (@extism/extism 2.0.0-rc13; delete once it can take functions as they are.)
function unbound(value: unknown): HostFunction {
  return Object.assign(() => undefined, { bind: () => value });
}
