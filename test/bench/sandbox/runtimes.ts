// The sandboxes that are compared. Those that Bulkhead is compared with are installed when the benchmark runs.

import { pathToFileURL } from "node:url";
import { resolvePackage } from "../neighbours/packages.ts";
import { CPU_MS, type Load, MEMORY_MIB, PROGRAM } from "./subject.ts";

const bulkhead =
  (isolation: "process" | "inline"): Load =>
  async () => {
    const built = new URL("../../../dist/sandbox/index.js", import.meta.url).href;
    const { createSandbox }: typeof import("../../../host/sandbox/index.ts") = await import(built);
    const sandbox = await createSandbox({ isolation, limits: { memoryMiB: MEMORY_MIB, cpuMs: CPU_MS } });
    return {
      create: async () => {
        const context = await sandbox.createContext();
        await context.evaluate(PROGRAM);
        return { call: (cart) => context.call("total", cart), run: (source) => context.evaluate(source) };
      },
    };
  };

const isolatedVm: Load = async () => {
  const { default: ivm } = await import(pathToFileURL(resolvePackage("isolated-vm")).href);
  return {
    create: async () => {
      const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MIB });
      const context = await isolate.createContext();
      await context.eval(PROGRAM);
      const byValue = { arguments: { copy: true }, result: { copy: true }, timeout: CPU_MS };
      return {
        call: (cart) => context.evalClosure("return total($0)", [cart], byValue),
        run: (source) => context.eval(source, { timeout: CPU_MS }),
      };
    },
  };
};

const quickjs: Load = async () => {
  const { getQuickJS } = await import(pathToFileURL(resolvePackage("quickjs-emscripten")).href);
  const engine = await getQuickJS();
  return {
    create: async () => {
      const runtime = engine.newRuntime();
      runtime.setMemoryLimit(MEMORY_MIB * 1_024 * 1_024);
      let deadline = 0;
      runtime.setInterruptHandler(() => performance.now() > deadline);
      const context = runtime.newContext();
      const run = async (source: string): Promise<unknown> => {
        deadline = performance.now() + CPU_MS;
        const { error, value } = context.evalCode(source);
        const result = context.dump(error ?? value);
        (error ?? value).dispose();
        return result;
      };
      await run(PROGRAM);
      // In JSON, as its own dump of objects is several times slower.
      return { call: async (cart) => JSON.parse(String(await run(`JSON.stringify(total(${JSON.stringify(cart)}))`))), run };
    },
  };
};

export const RUNTIMES: Readonly<Record<string, Load>> = {
  "Bulkhead, process": bulkhead("process"),
  "Bulkhead, inline": bulkhead("inline"),
  "isolated-vm 7.0.1": isolatedVm,
  "quickjs-emscripten 0.32.0": quickjs,
};
