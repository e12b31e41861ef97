// The thread in which guests run that may never end: instantiates what it is sent, calls its exports and reports how each call ended.
// guest-jobs.ts watches it.

import { parentPort } from "node:worker_threads";
import type { GuestEnvironment } from "../../host/engine/engine.ts";
import { meteredEngine } from "../../host/engine/metered.ts";
import { Metered } from "../engine/meter/metered.ts";
import { memoryStorage } from "../support/memory-storage.ts";
import { compare, type Modules } from "./comparison.ts";
import { compareGenerated, type GeneratedModules } from "./generated-comparison.ts";
import { LIMITS } from "./guest-jobs.ts";

export interface EndingJob {
  /** Admitted. */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly entryPoints: readonly string[];
  /** "engine": as a plugin, with the host's functions. "bare": with two numbers and no imports. */
  readonly as: "engine" | "bare";
  readonly unitsPerSlice: number;
  /** After so many the guest gets no more fuel. */
  readonly slices: number;
}

export type Job =
  | { readonly does: "end"; readonly job: EndingJob }
  | { readonly does: "compare"; readonly job: Modules }
  | { readonly does: "compare generated"; readonly job: GeneratedModules };

export interface Ending {
  readonly entryPoint: string;
  readonly returned: boolean;
  readonly message: string;
  /** Slices begun, the one that it did not get included. */
  readonly slices: number;
  readonly outputBytes: number;
  readonly memoryBytes: number;
  /** Failures that host functions took for the host's own. */
  readonly faults: readonly string[];
}

const OK_BLOCK = Uint8Array.of(0);

async function runBare(job: EndingJob, entryPoint: string): Promise<Ending> {
  const guest = new Metered(job.module, { units: job.unitsPerSlice, max: job.slices });
  const how = await guest.call(entryPoint, 3, 4).then(
    (result) => ({ returned: true, message: String(result) }),
    (thrown: unknown) => ({ returned: false, message: String(thrown) }),
  );
  return { entryPoint, ...how, slices: guest.slices, outputBytes: 0, memoryBytes: 0, faults: [] };
}

async function runInEngine(job: EndingJob, entryPoint: string): Promise<Ending> {
  const compiled = await meteredEngine.compile(job.module);
  let slices = 1;
  const faults: string[] = [];
  const environment: GuestEnvironment = {
    plugin: "mutated",
    limits: LIMITS,
    scope: {
      config: { key: "value" },
      caller: { kind: "host", name: "host" },
      clock: { now: () => 0, monotonicMs: () => 0, after: () => () => {} },
      storage: memoryStorage(),
      limits: LIMITS,
      log: () => {},
      reportFault: (fault) => void faults.push(String(fault)),
    },
    pacer: {
      async refuel() {
        slices += 1;
        return slices > job.slices ? -1 : job.unitsPerSlice;
      },
      extend: () => 0,
      overrun: () => 0,
      overdue: () => false,
      wait: (answer) => answer,
    },
    askHost: async () => OK_BLOCK,
  };
  const instance = compiled.instantiate(environment);
  const { promise, resolve } = Promise.withResolvers<Ending>();
  instance.run(entryPoint, '{"name":"Ada"}', job.unitsPerSlice, (result) => {
    const how = result.ok ? { returned: true, message: "" } : { returned: false, message: `${result.code}: ${result.message}` };
    resolve({ entryPoint, ...how, slices, outputBytes: result.ok ? result.output.length : 0, memoryBytes: instance.memoryBytes, faults });
  });
  return promise;
}

async function endings(job: EndingJob): Promise<Ending[]> {
  const all: Ending[] = [];
  for (const entryPoint of job.entryPoints) all.push(await (job.as === "bare" ? runBare : runInEngine)(job, entryPoint));
  return all;
}

function answer({ does, job }: Job): Promise<unknown> {
  switch (does) {
    case "end":
      return endings(job);
    case "compare":
      return compare(job);
    case "compare generated":
      return compareGenerated(job);
  }
}

parentPort?.on("message", async (job: Job) => {
  parentPort?.postMessage(await answer(job));
});
