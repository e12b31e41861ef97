// @extism/extism, a worker for each guest with a time limit and a maximum of memory: in the foreground it has no time limit at all.

import createPlugin, { type Plugin } from "@extism/extism";
import { compileExtismPlugin } from "../extism.ts";
import { CPU_MS, type MakeSubject, MEMORY_MIB, POLITE_TEXT } from "./subject.ts";

const ENTRIES = { loops: "spin", memory: "hoard", "host calls": "ask" } as const;

export const extism: MakeSubject = async (hostile) => {
  const wasm = await compileExtismPlugin();
  const make = (): Promise<Plugin> =>
    createPlugin(
      { wasm: [{ data: wasm }], memory: { maxPages: MEMORY_MIB * 16 } },
      {
        ...{ runInWorker: true, useWasi: false, timeoutMs: CPU_MS },
        functions: { "extism:host/user": { config_value: () => 7n } },
      },
    );
  const polite = await make();
  const guests: Plugin[] = [];
  for (let i = 0; i < hostile; i += 1) guests.push(await make());
  return {
    callPolite: async () => void (await polite.call("echo", POLITE_TEXT)),
    attack: async (attack, guest) => void (await guests[guest]?.call(ENTRIES[attack], "2000000000")),
  };
};
