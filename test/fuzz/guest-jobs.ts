// Runs guests in a thread of their own and watches it from outside: should fuel fail to stop one, the thread is ended and the job fails, where
// otherwise the whole test run would hang. It judges nothing else.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Limits } from "../../host/core/types.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import type { Comparison, Modules } from "./comparison.ts";
import type { GeneratedComparison, GeneratedModules } from "./generated-comparison.ts";
import type { Ending, EndingJob, Job } from "./guest-worker.ts";

const KIB = 1024;
/** Of guests that run in the engine; small, so that a random one meets them. */
export const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  memoryBytes: 512 * KIB,
  blockBytes: 128 * KIB,
  payloadBytes: 64 * KIB,
  tableElements: 1_000,
};

/** A job takes milliseconds. */
const PATIENCE_MS = 20_000;
/** After the first guest that hung, so that finding the smallest one does not take all day. */
const PATIENCE_AFTER_MS = 1_000;

export class GuestJobs {
  #worker: Worker | undefined;
  #patienceMs = PATIENCE_MS;

  /** How a call of each entry point ended. */
  endings(job: EndingJob): Promise<readonly Ending[]> {
    return this.#run({ does: "end", job }, job.entryPoints.join(", "));
  }

  compare(job: Modules): Promise<Comparison> {
    return this.#run({ does: "compare", job }, "a metered function");
  }

  compareGenerated(job: GeneratedModules): Promise<GeneratedComparison> {
    return this.#run({ does: "compare generated", job }, "a metered function");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  // One at a time. Rejects when a guest hangs or takes its thread down.
  async #run<T>(job: Job, what: string): Promise<T> {
    this.#worker ??= new Worker(new URL("./guest-worker.ts", import.meta.url));
    this.#worker.postMessage(job);
    const signal = AbortSignal.timeout(this.#patienceMs);
    try {
      const [answer] = await once(this.#worker, "message", { signal });
      return answer;
    } catch (cause) {
      await this.#worker.terminate();
      this.#worker = undefined;
      if (!signal.aborted) throw new Error("the thread of the guests failed", { cause });
      this.#patienceMs = PATIENCE_AFTER_MS;
      throw new Error(`no fuel stops ${what}`);
    }
  }
}
