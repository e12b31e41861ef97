// The least that a durable log off the event loop can be: a thread that inserts groups of events into one table, refuses an id twice, and syncs once a group.

import { parentPort, Worker, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

export interface BareEvent {
  readonly id: string;
  readonly type: string;
  readonly time: number;
  readonly data: Uint8Array;
}

export interface BareLog {
  /** Durable once resolved; what waits meanwhile is the next group. */
  append(event: BareEvent): Promise<void>;
  close(): Promise<void>;
}

export function bareLog(file: string): BareLog {
  const worker = new Worker(new URL(import.meta.url), { workerData: { bareLog: file } });
  let next = { events: [] as BareEvent[], done: Promise.withResolvers<void>() };
  let isWriting = false;
  const flush = (): void => {
    if (isWriting || next.events.length === 0) return;
    const { events, done } = next;
    next = { events: [], done: Promise.withResolvers<void>() };
    isWriting = true;
    worker.once("message", () => {
      isWriting = false;
      done.resolve();
      queueMicrotask(flush);
    });
    worker.postMessage(events);
  };
  return {
    append(event) {
      next.events.push({ ...event, data: event.data.slice() });
      if (next.events.length === 1) queueMicrotask(flush);
      return next.done.promise;
    },
    async close() {
      await worker.terminate();
    },
  };
}

function serve(file: string): void {
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(
    "CREATE TABLE events (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, time INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
  );
  const insert = database.prepare("INSERT INTO events (id, type, time, data) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING");
  const group = database.transaction((events: readonly BareEvent[]) => {
    for (const { id, type, time, data } of events) insert.run(id, type, time, data);
  });
  parentPort?.on("message", (events: readonly BareEvent[]) => {
    group(events);
    parentPort?.postMessage(undefined);
  });
}

const { bareLog: served } = (workerData ?? {}) as { readonly bareLog?: string };
if (served !== undefined) serve(served);
