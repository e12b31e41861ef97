// quickjs-emscripten: a runtime for each guest, with its memory limit and an interrupt handler that ends what runs too long. Everything runs in the host's thread.

import { pathToFileURL } from "node:url";
import { resolvePackage } from "./packages.ts";
import { CPU_MS, type MakeSubject, MEMORY_MIB, POLITE_TEXT, SCRIPTS } from "./subject.ts";

interface Guest {
  readonly run: (script: string) => void;
}

export const quickjs: MakeSubject = async (hostile) => {
  const { getQuickJS } = await import(pathToFileURL(resolvePackage("quickjs-emscripten")).href);
  const engine = await getQuickJS();
  const make = (): Guest => {
    const runtime = engine.newRuntime();
    runtime.setMemoryLimit(MEMORY_MIB * 1_024 * 1_024);
    let deadline = 0;
    runtime.setInterruptHandler(() => performance.now() > deadline);
    const context = runtime.newContext();
    context.newFunction("ask", () => context.newNumber(7)).consume((ask: unknown) => context.setProp(context.global, "ask", ask));
    return {
      run: (script) => {
        deadline = performance.now() + CPU_MS;
        const { error, value } = context.evalCode(script);
        (error ?? value).dispose();
      },
    };
  };
  const polite = make();
  const guests = Array.from({ length: hostile }, make);
  return {
    callPolite: async () => polite.run(`"${POLITE_TEXT}"`),
    attack: async (attack, guest) => guests[guest]?.run(`(() => { ${SCRIPTS[attack]} })()`),
  };
};
