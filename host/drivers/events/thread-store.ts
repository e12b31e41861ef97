// The SQLite event log in a thread of its own, so that the host never waits for the disk.

import { Worker } from "node:worker_threads";
import { type ErrorShape, HostError } from "../../core/errors.ts";
import type { EventStore } from "./store.ts";

type Method = Exclude<keyof EventStore, "close">;

export interface StoreCall {
  readonly method: keyof EventStore | "open";
  readonly args: readonly unknown[];
}

export type StoreAnswer = { readonly value: unknown } | { readonly error: Pick<ErrorShape, "code" | "message"> };

// The same file is TypeScript in the checkout and JavaScript in the package.
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./sqlite-main.ts" : "./sqlite-main.js", import.meta.url);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: HostError): void;
}

/** Rejects with HostError `storage-failed`. */
export async function openThreadStore(file: string, sync: "full" | "normal"): Promise<EventStore> {
  const thread = new StoreThread(file);
  try {
    await thread.call("open", [file, sync]);
  } catch (thrown) {
    await thread.end();
    throw thrown;
  }
  const via =
    <M extends Method>(method: M) =>
    (...args: Parameters<EventStore[M]>): ReturnType<EventStore[M]> =>
      thread.call(method, args) as ReturnType<EventStore[M]>;
  return {
    contents: via("contents"),
    write: via("write"),
    read: via("read"),
    readSource: via("readSource"),
    count: via("count"),
    oldest: via("oldest"),
    deadLetters: via("deadLetters"),
    async close() {
      await thread.call("close", []).finally(() => thread.end());
    },
  };
}

/** Answers come in the order of the calls. */
class StoreThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #ended: HostError | undefined;

  constructor(file: string) {
    // Flags of the program are not the thread's: with --input-type it would not start.
    this.#worker = new Worker(ENTRY, { env: {}, execArgv: [], name: "bulkhead-events" });
    this.#worker.on("message", (answer: StoreAnswer) => {
      const call = this.#waiting.shift();
      if ("error" in answer) call?.reject(new HostError(answer.error.code, answer.error.message));
      else call?.resolve(answer.value);
    });
    const end = (cause?: unknown): void => {
      this.#ended ??= new HostError("storage-failed", `the thread of ${file} has ended; restart the host`, { cause });
      for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
    };
    this.#worker.once("error", end);
    this.#worker.once("exit", () => end());
  }

  call(method: StoreCall["method"], args: readonly unknown[]): Promise<unknown> {
    const ended = this.#ended;
    if (ended !== undefined) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage({ method, args } satisfies StoreCall);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
