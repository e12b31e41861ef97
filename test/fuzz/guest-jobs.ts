// Runs guests in a thread of their own and watches it from outside: should fuel fail to stop one, the thread is ended and the job fails, where
// otherwise the whole test run would hang. It judges nothing else.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Ending, Job } from "./guest-worker.ts";

/** A job takes milliseconds. */
const PATIENCE_MS = 20_000;
/** After the first guest that hung, so that finding the smallest one does not take all day. */
const PATIENCE_AFTER_MS = 1_000;

export class GuestJobs {
  #worker: Worker | undefined;
  #patienceMs = PATIENCE_MS;

  /** Resolves with an ending for each entry point. Rejects when a guest hangs, or takes its thread down. One at a time. */
  async run(job: Job): Promise<readonly Ending[]> {
    this.#worker ??= new Worker(new URL("./guest-worker.ts", import.meta.url));
    this.#worker.postMessage(job);
    const signal = AbortSignal.timeout(this.#patienceMs);
    try {
      const [endings] = await once(this.#worker, "message", { signal });
      return endings;
    } catch (cause) {
      await this.#worker.terminate();
      this.#worker = undefined;
      if (!signal.aborted) throw new Error("the thread of the guests failed", { cause });
      this.#patienceMs = PATIENCE_AFTER_MS;
      throw new Error(`no fuel stops ${job.entryPoints.join(", ")}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }
}
