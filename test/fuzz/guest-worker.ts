// The thread in which guests run that may never end: instantiates what it is sent, calls its exports and reports how each call ended.

import { parentPort } from "node:worker_threads";
import type { GuestEnvironment } from "../../host/engine/engine.ts";
import { meteredEngine } from "../../host/engine/metered.ts";
import { DEFAULT_LIMITS } from "../../host/install/limits.ts";
import { Metered } from "../engine/meter/metered.ts";

export interface Job {
  /** Admitted. */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly entryPoints: readonly string[];
  /** "engine": as a plugin, with the host's functions. "bare": with two numbers and no imports. */
  readonly as: "engine" | "bare";
  readonly unitsPerSlice: number;
  /** After so many the guest gets no more fuel. */
  readonly slices: number;
}

export interface Ending {
  readonly entryPoint: string;
  readonly returned: boolean;
  readonly message: string;
  /** Slices begun, the one that it did not get included. */
  readonly slices: number;
  /** Its output and its blocks are within these bounds. */
  readonly outputBytes: number;
  readonly memoryBytes: number;
}

const KIB = 1024;
/** Small, so that a mutation meets them. */
export const LIMITS: typeof DEFAULT_LIMITS = {
  ...DEFAULT_LIMITS,
  memoryBytes: 512 * KIB,
  blockBytes: 128 * KIB,
  payloadBytes: 64 * KIB,
  tableElements: 1_000,
};
const OK_BLOCK = Uint8Array.of(0);

async function runBare(job: Job, entryPoint: string): Promise<Ending> {
  const guest = new Metered(job.module, { units: job.unitsPerSlice, max: job.slices });
  const how = await guest.call(entryPoint, 3, 4).then(
    (result) => ({ returned: true, message: String(result) }),
    (thrown: unknown) => ({ returned: false, message: String(thrown) }),
  );
  return { entryPoint, ...how, slices: guest.slices, outputBytes: 0, memoryBytes: 0 };
}

async function runInEngine(job: Job, entryPoint: string): Promise<Ending> {
  const compiled = await meteredEngine.compile(job.module);
  let slices = 1;
  const stored = new Map<string, Uint8Array>();
  const environment: GuestEnvironment = {
    plugin: "mutated",
    limits: LIMITS,
    scope: {
      config: { key: "value" },
      caller: { kind: "host", name: "host" },
      clock: { now: () => 0, monotonicMs: () => 0, after: () => () => {} },
      storage: {
        get: (key) => stored.get(key),
        set: (key, value) => void stored.set(key, value.slice()),
        delete: (key) => stored.delete(key),
        keys: () => [...stored.keys()],
        close: () => {},
      },
      log: () => {},
      reportFault: (fault) => {
        throw new Error("a host function failed", { cause: fault });
      },
    },
    pacer: {
      async refuel() {
        slices += 1;
        return slices > job.slices ? -1 : job.unitsPerSlice;
      },
      overdue: () => false,
      wait: (answer) => answer,
    },
    askHost: async () => OK_BLOCK,
  };
  const instance = compiled.instantiate(environment);
  const { promise, resolve } = Promise.withResolvers<Ending>();
  instance.run(entryPoint, '{"name":"Ada"}', job.unitsPerSlice, (result) => {
    const how = result.ok ? { returned: true, message: "" } : { returned: false, message: `${result.code}: ${result.message}` };
    resolve({ entryPoint, ...how, slices, outputBytes: result.ok ? result.output.length : 0, memoryBytes: instance.memoryBytes });
  });
  return promise;
}

parentPort?.on("message", async (job: Job) => {
  const endings: Ending[] = [];
  for (const entryPoint of job.entryPoints) endings.push(await (job.as === "bare" ? runBare : runInEngine)(job, entryPoint));
  parentPort?.postMessage(endings);
});
