// The event log: gives each event its position, writes in groups, tells consumers of what is written, and lets go of what is too old or too much. Where it lies is
// the store's affair.

import { HostError } from "../../core/errors.ts";
import { compilePattern } from "../../core/names.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type {
  Consumer,
  Consumption,
  DeadLetter,
  DeadLetterRange,
  EventLog,
  EventPage,
  EventRange,
  EventStatistics,
  RecordedEvent,
} from "../../core/ports/events.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { CloudEvent } from "../../core/types.ts";
import { ConsumerQueue } from "./consumer-queue.ts";
import { GroupCommit } from "./group.ts";
import type { Retention } from "./options.ts";
import { type ConsumerRow, type EventStore, type LogWrite, sizeOf } from "./store.ts";
import { Tally } from "./tally.ts";
import { Trim } from "./trim.ts";

export interface RecordedLogPorts {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly store: EventStore;
  readonly retention: Retention;
}

const MAX_LISTED = 1_000;
const TRIM_MS = 60_000;
const MAX_CONSUMERS = 10_000;

export class RecordedLog implements EventLog {
  readonly #ports: RecordedLogPorts;
  readonly #groups: GroupCommit;
  readonly #queues = new Map<string, ConsumerQueue>();
  readonly #loaded = { bytes: 0 };
  readonly #tally = new Tally();
  readonly #trim: Trim;
  #head = 0;
  #cancelTrim: (() => void) | undefined;
  #isClosed = false;
  #isFailing = false;

  private constructor(ports: RecordedLogPorts) {
    this.#ports = ports;
    const { clock, store } = ports;
    this.#groups = new GroupCommit({
      ...{ clock, store },
      onWritten: (events) => this.#written(events),
      onFailure: (error) => this.#failed(error),
    });
    const groups = this.#groups;
    const written = { settled: () => groups.settled(), commit: (change: (write: LogWrite) => void) => groups.now(change) };
    this.#trim = new Trim({ ...ports, ...written, queues: this.#queues, tally: this.#tally });
  }

  /** With all that was written down before. Rejects with HostError `storage-failed`. */
  static async open(ports: RecordedLogPorts): Promise<RecordedLog> {
    const log = new RecordedLog(ports);
    const { head, bySource, byType, consumers } = await ports.store.contents();
    log.#head = head;
    log.#tally.restore(bySource, byType);
    for (const contents of consumers) {
      const queue = log.#queue({ ...contents.row, until: contents.row.until ?? head });
      queue.restore(contents);
      await log.#count(queue, head);
    }
    log.#planTrim(TRIM_MS);
    return log;
  }

  async append(events: readonly CloudEvent[]): Promise<void> {
    this.#refuseClosed();
    const recorded = events.map((event): RecordedEvent => {
      this.#head += 1;
      // A copy: it may be a view on a whole batch of messages, all of which would be written.
      return { ...event, data: event.data.slice(), position: this.#head };
    });
    await this.#groups.append(recorded);
  }

  async read(range: EventRange): Promise<EventPage> {
    this.#refuseClosed();
    compilePattern(range.types);
    requireLimit(range.limit);
    return this.#ports.store.read(range);
  }

  async consume(consumer: Consumer): Promise<Consumption> {
    this.#refuseClosed();
    compilePattern(consumer.types);
    const known = this.#queues.get(consumer.name);
    if (known?.isThere === true) throw new HostError("conflict", `there is a consumer ${consumer.name} already`);
    if (known === undefined && this.#queues.size >= MAX_CONSUMERS)
      throw new HostError(
        "quota-exceeded",
        `there are ${MAX_CONSUMERS} consumers of events, which is the limit; purge plugins that are gone`,
      );
    const start = known?.row.start ?? (consumer.from === "first" ? 0 : this.#head);
    const row: ConsumerRow = { ...consumer, start, until: undefined };
    const queue = known ?? this.#queue(row);
    const { until = 0, types } = queue.row;
    const missed = known === undefined ? consumer.from === "first" && this.#head > 0 : this.#head > until || types !== consumer.types;
    const head = this.#head;
    queue.appear(row, missed ? head : undefined);
    try {
      await this.#groups.now((write) => write.consumers.push(row));
      if (missed) await this.#count(queue, head);
    } catch (thrown) {
      // Whoever asks again goes on.
      queue.leave(head);
      throw thrown;
    }
    return {
      deliverTo: (handler) => queue.deliverTo(handler),
      close: () => {
        if (!queue.isThere) return;
        queue.leave(this.#head);
        void this.#groups.now((write) => write.consumers.push(queue.row)).catch(() => {});
      },
    };
  }

  async forget(consumer: string): Promise<void> {
    const isThere = (): boolean => this.#queues.get(consumer)?.isThere === true;
    if (isThere()) throw new HostError("conflict", `the consumer ${consumer} is there; remove its plugin or subscription first`);
    // What was noted of it before must not be written after it is forgotten.
    await this.#groups.settled();
    if (isThere()) return;
    this.#queues.get(consumer)?.close();
    this.#queues.delete(consumer);
    await this.#groups.now((write) => write.forgotten.push(consumer));
  }

  async deadLetters(range: DeadLetterRange): Promise<readonly DeadLetter[]> {
    requireLimit(range.limit);
    await this.#groups.settled();
    return this.#ports.store.deadLetters(range);
  }

  async drop(ids: readonly number[]): Promise<number> {
    let dropped = 0;
    for (const id of new Set(ids)) {
      const [letter] = await this.deadLetters({ after: id - 1, limit: 1 });
      if (letter?.id !== id) continue;
      await this.#trim.drop([letter]);
      dropped += 1;
    }
    return dropped;
  }

  trim(): Promise<void> {
    return this.#trim.run();
  }

  statistics(): EventStatistics {
    const consumers = [...this.#queues.values()].map((queue) => queue.statistics());
    return { head: this.#head, ...this.#tally.statistics(), consumers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTrim?.();
    for (const queue of this.#queues.values()) queue.close();
    await this.#groups.settled().catch(() => {});
    this.#groups.close();
    await this.#ports.store.close();
  }

  #queue(row: ConsumerRow): ConsumerQueue {
    const { clock, store } = this.#ports;
    const note: ConstructorParameters<typeof ConsumerQueue>[1]["note"] = (...what) => this.#groups.soon(...what);
    const queue = new ConsumerQueue(row, { clock, store, loaded: this.#loaded, note });
    this.#queues.set(row.name, queue);
    return queue;
  }

  /** What waits for a consumer of what is written up to `head`. */
  async #count(queue: ConsumerQueue, head: number): Promise<void> {
    const { types, until = head } = queue.row;
    for (const name of this.#tally.sources) {
      const source = queue.of(name);
      queue.count(source, await this.#ports.store.count({ source: name, types, after: source.cursor, until: Math.min(until, head) }));
    }
  }

  #written(events: readonly RecordedEvent[]): void {
    this.#isFailing = false;
    for (const event of events) {
      this.#tally.add(event, sizeOf(event));
      for (const queue of this.#queues.values()) queue.offer(event);
    }
    if (events.length > 0 && this.#trim.isDue) this.#planTrim(0);
  }

  #failed(error: HostError): void {
    if (!this.#isFailing)
      this.#ports.log.write({ level: "error", plugin: "host", message: `the event log cannot be written: ${error.message}` });
    this.#isFailing = true;
  }

  #planTrim(ms: number): void {
    if (this.#isClosed) return;
    this.#cancelTrim?.();
    this.#cancelTrim = this.#ports.clock.after(ms, () => {
      void this.#trim
        .run()
        .catch(() => {})
        .finally(() => this.#planTrim(TRIM_MS));
    });
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new HostError("storage-failed", "the event log is closed");
  }
}

function requireLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED)
    throw new HostError("invalid-message", `limit is ${limit}; write 1 to ${MAX_LISTED}`);
}
