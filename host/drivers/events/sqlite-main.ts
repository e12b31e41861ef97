// The thread in which the event log's file is open: answers one call after the other.

import { parentPort } from "node:worker_threads";
import { asStorageError } from "../../bounds/storage-error.ts";
import { toHostError } from "../../core/errors.ts";
import { openSqliteEvents, type SyncEventStore } from "./sqlite-store.ts";
import type { StoreAnswer, StoreCall } from "./thread-store.ts";

const port = parentPort;
if (port === null) throw new Error("sqlite-main runs in a thread");
let store: SyncEventStore | undefined;
let file = "the event log";

function answer({ method, args }: StoreCall): StoreAnswer {
  try {
    if (method === "open") {
      const [path, sync] = args as [string, "full" | "normal"];
      file = path;
      store = openSqliteEvents(path, sync);
      return { value: undefined };
    }
    if (store === undefined) throw new Error(`${method} before open`);
    return { value: (store[method] as (...given: readonly unknown[]) => unknown)(...args) };
  } catch (thrown) {
    const { code, message } = toHostError(asStorageError(file, thrown));
    return { error: { code, message } };
  }
}

port.on("message", (call: StoreCall) => port.postMessage(answer(call)));
