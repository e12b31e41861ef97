// A cell in a worker thread: keeps guests off the host's event loop. Not a security boundary by itself (docs/non-guarantees.md).

import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { ThreadCellData } from "../inside/thread-main.ts";
import { readFromCell, writeToCell } from "../wire/codec.ts";
import { portChannel } from "../wire/port-channel.ts";
import { CellClient, type CellClientPorts } from "./client.ts";
import { type LiveCell, SupervisedCell } from "./supervised-cell.ts";

export interface ThreadCellOptions {
  readonly clock: Clock;
  readonly log: LogSink;
  /** Where the plugins' storage files are; kept in memory when undefined. */
  readonly storageDir: string | undefined;
  /** `sqlite` by default. */
  readonly storageDriver?: string | undefined;
  /** See CellClientPorts. */
  readonly onRecorded?: CellClientPorts["onRecorded"];
}

// A guest in the middle of a long stretch keeps the thread from closing by itself; terminating it is not waited for, since a
// thread that compiles may not end for seconds.
const CLOSE_GRACE_MS = 1_000;
const closeGrace = (): Promise<void> => delay(CLOSE_GRACE_MS, undefined, { ref: false });

// The same file is TypeScript in the checkout and JavaScript in the package.
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "../inside/thread-main.ts" : "../inside/thread-main.js", import.meta.url);

/** A cell whose thread starts at the first load and again after each death (see SupervisedCell). */
export function createThreadCell(options: ThreadCellOptions): SupervisedCell {
  const { clock, log } = options;
  return new SupervisedCell({ clock, log, spawn: () => spawnThreadCell(options) });
}

function spawnThreadCell({ clock, log, storageDir, storageDriver = "sqlite", onRecorded }: ThreadCellOptions): LiveCell {
  const workerData: ThreadCellData = { storage: { driver: storageDriver, dir: storageDir } };
  const worker = new Worker(ENTRY, { workerData, env: {}, execArgv: [], stdin: false, name: "bulkhead-cell" });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const channel = portChannel({
    port: worker,
    write: writeToCell,
    read: readFromCell,
    plan: queueMicrotask,
    onMalformed: (cause) => end(new HostError("internal", "the cell broke the protocol", { cause })),
  });
  const client = new CellClient({
    channel,
    clock,
    log,
    onRecorded,
    ended: () => Promise.race([ended, closeGrace().then(() => void worker.terminate())]),
  });
  const end = (error: HostError): void => {
    client.die(error);
    void worker.terminate();
  };
  worker.once("error", (cause: Error) => {
    log.write({ level: "error", plugin: "host", message: "a thread cell failed", cause });
    end(new HostError("plugin-failed", "the cell of this plugin failed", { cause }));
  });
  worker.once("exit", () => client.die(new HostError("plugin-failed", "the cell of this plugin ended")));
  return Object.assign(client, { kill: end });
}
