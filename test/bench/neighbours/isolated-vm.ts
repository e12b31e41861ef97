// isolated-vm: an isolate for each guest, with its memory limit and a time-out of each run; runs are asynchronous, on its pool of threads.

import { pathToFileURL } from "node:url";
import { resolvePackage } from "./packages.ts";
import { CPU_MS, type MakeSubject, MEMORY_MIB, POLITE_TEXT, SCRIPTS } from "./subject.ts";

interface Guest {
  readonly run: (script: string) => Promise<unknown>;
}

export const isolatedVm: MakeSubject = async (hostile) => {
  const { default: ivm } = await import(pathToFileURL(resolvePackage("isolated-vm")).href);
  const make = async (): Promise<Guest> => {
    const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MIB });
    const context = await isolate.createContext();
    await context.global.set("ask", new ivm.Callback(() => 7));
    return { run: async (script) => (await isolate.compileScript(script)).run(context, { timeout: CPU_MS }) };
  };
  const polite = await make();
  const guests: Guest[] = [];
  for (let i = 0; i < hostile; i += 1) guests.push(await make());
  return {
    callPolite: async () => void (await polite.run(`"${POLITE_TEXT}"`)),
    attack: async (attack, guest) => {
      // An isolate that met its memory limit is gone.
      await guests[guest]?.run(`(() => { ${SCRIPTS[attack]} })()`).catch(async () => {
        if (attack === "memory") guests[guest] = await make();
      });
    },
  };
};
