// What is written together: while one write is under way, all that comes waits for the next, so that many share one sync of the disk.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { RecordedEvent } from "../../core/ports/events.ts";
import type { ConsumerQueue } from "./consumer-queue.ts";
import type { SourceQueue } from "./source-queue.ts";
import { type EventStore, emptyWrite, type LogWrite, sizeOf } from "./store.ts";

/** Of events that wait to be written, of all publishers together. */
const MAX_WAITING_BYTES = 32 * 1_024 * 1_024;
const RETRY_MS = 1_000;
/** What nobody waits for is written after a moment, with what else came. */
const LAZY_MS = 5;

export interface GroupPorts {
  readonly clock: Clock;
  readonly store: Pick<EventStore, "write">;
  /** Events that are written down now and were not there before. */
  onWritten(events: readonly RecordedEvent[]): void;
  /** What failed is written again later, all but the events. */
  onFailure(error: HostError): void;
}

class Group {
  write: LogWrite = emptyWrite();
  readonly moved = new Map<SourceQueue, ConsumerQueue>();
  readonly notes = new Map<ConsumerQueue, number>();
  readonly done = Promise.withResolvers<void>();
  bytes = 0;
  isAwaited = false;

  constructor() {
    // Whoever waits hears of a failure; that nobody waits is no failure of its own.
    this.done.promise.catch(() => {});
  }

  get isEmpty(): boolean {
    return this.moved.size === 0 && Object.values(this.write).every((rows: readonly unknown[]) => rows.length === 0);
  }

  /** With how far each source is settled by now. */
  rows(): LogWrite {
    for (const [source, queue] of this.moved) this.write.cursors.push(source.written(queue.row.name));
    return this.write;
  }
}

export class GroupCommit {
  readonly #ports: GroupPorts;
  #next = new Group();
  #writing: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #isPlanned = false;

  constructor(ports: GroupPorts) {
    this.#ports = ports;
  }

  /** Resolves once all of it is durable, in this order. Rejects with `queue-full`, `storage-failed`. */
  append(events: readonly RecordedEvent[]): Promise<void> {
    const bytes = events.reduce((sum, event) => sum + sizeOf(event), 0);
    if (this.#next.bytes > 0 && this.#next.bytes + bytes > MAX_WAITING_BYTES)
      return Promise.reject(new HostError("queue-full", "the event log is behind: 32 MiB of events wait to be written; publish slower"));
    this.#next.bytes += bytes;
    return this.now((write) => {
      for (const event of events) write.events.push(event);
    });
  }

  /** Written as soon as can be. */
  now(change: (write: LogWrite) => void): Promise<void> {
    change(this.#next.write);
    this.#next.isAwaited = true;
    const { promise } = this.#next.done;
    if (this.#writing === undefined && !this.#isPlanned) {
      this.#isPlanned = true;
      queueMicrotask(() => {
        this.#isPlanned = false;
        this.#flush();
      });
    }
    return promise;
  }

  /** Written with what comes next, and soon in any case. */
  soon(queue: ConsumerQueue, source: SourceQueue, change?: (write: LogWrite) => void): void {
    this.#next.moved.set(source, queue);
    this.#next.notes.set(queue, (this.#next.notes.get(queue) ?? 0) + 1);
    change?.(this.#next.write);
    this.#flushIn(LAZY_MS);
  }

  /** Resolves once all that came before is written, whatever comes meanwhile. Rejects when that fails. */
  async settled(): Promise<void> {
    await (this.#next.isEmpty ? this.#writing : this.now(() => {}));
  }

  close(): void {
    this.#cancel?.();
  }

  #flushIn(ms: number): void {
    if (this.#writing !== undefined || this.#isPlanned || this.#cancel !== undefined) return;
    this.#cancel = this.#ports.clock.after(ms, () => this.#flush());
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#writing !== undefined || this.#next.isEmpty) return;
    const group = this.#next;
    this.#next = new Group();
    this.#writing = group.done.promise;
    void this.#write(group);
  }

  async #write(group: Group): Promise<void> {
    const { store, onWritten, onFailure } = this.#ports;
    const rows = group.rows();
    try {
      const known = new Set(await store.write(rows));
      this.#writing = undefined;
      onWritten(known.size === 0 ? rows.events : rows.events.filter(({ position }) => !known.has(position)));
      for (const [queue, notes] of group.notes) queue.wrote(notes);
      group.done.resolve();
      if (this.#next.isAwaited) this.#flush();
      else this.#flushIn(LAZY_MS);
    } catch (thrown) {
      const error = toHostError(thrown);
      this.#writing = undefined;
      this.#keep(group, rows);
      group.done.reject(error);
      onFailure(error);
      this.#flushIn(RETRY_MS);
    }
  }

  /** All but the events, whose publishers hear of it. */
  #keep({ moved, notes }: Group, rows: LogWrite): void {
    const next = this.#next;
    const merged = emptyWrite();
    for (const key of Object.keys(merged) as (keyof LogWrite)[]) {
      const before: readonly unknown[] = key === "events" || key === "cursors" ? [] : rows[key];
      // One by one: arguments may be only so many, and these are as many as came while the disk was full.
      for (const row of [...before, ...next.write[key]]) (merged[key] as unknown[]).push(row);
    }
    next.write = merged;
    for (const [source, queue] of moved) {
      source.written(queue.row.name, true);
      next.moved.set(source, queue);
    }
    for (const [queue, count] of notes) next.notes.set(queue, (next.notes.get(queue) ?? 0) + count);
  }
}
