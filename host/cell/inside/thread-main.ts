// What a thread cell runs: the executor on the worker's port.

import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../drivers/system-clock.ts";
import { readToCell, writeFromCell } from "../wire/codec.ts";
import { portChannel } from "../wire/port-channel.ts";
import { engineOf } from "./engines.ts";
import { Executor } from "./executor.ts";
import { lazyStorage } from "./lazy-storage.ts";
import { type StoragePlace, storageOpener } from "./storage.ts";

export interface ThreadCellData {
  readonly storage: StoragePlace;
}

async function main(): Promise<void> {
  if (parentPort === null) throw new Error("thread-main runs in a worker thread only");
  const port = parentPort;
  const { storage } = workerData as ThreadCellData;
  const channel = portChannel({
    port,
    write: writeFromCell,
    read: readToCell,
    // The scheduler flushes earlier, whenever it has nothing to run or gives way to the event loop.
    plan: setImmediate,
    onMalformed: (cause) => {
      throw cause;
    },
  });
  const openStorage = await storageOpener(storage, systemClock);
  new Executor({
    channel,
    engine: engineOf,
    clock: systemClock,
    openStorage: (image) => lazyStorage(() => openStorage(image)),
    onClose: () => port.close(),
  });
}

void main();
