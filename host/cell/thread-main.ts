// What a thread cell runs: the executor on the worker's port.

import { parentPort, workerData } from "node:worker_threads";
import { openPluginStorage } from "../adapters/storage-sqlite.ts";
import { systemClock } from "../adapters/system-clock.ts";
import { readToCell, writeFromCell } from "./codec.ts";
import { engineOf } from "./engines.ts";
import { Executor } from "./executor.ts";
import { lazyStorage } from "./lazy-storage.ts";
import { portChannel } from "./port-channel.ts";

export interface ThreadCellData {
  readonly storageDir: string | undefined;
}

function main(): void {
  if (parentPort === null) throw new Error("thread-main runs in a worker thread only");
  const port = parentPort;
  const { storageDir } = workerData as ThreadCellData;
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
  new Executor({
    channel,
    engine: engineOf,
    clock: systemClock,
    openStorage: (image) => lazyStorage(() => openPluginStorage(storageDir, image, systemClock)),
    onClose: () => port.close(),
  });
}

main();
