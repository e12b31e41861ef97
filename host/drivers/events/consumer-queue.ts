// Delivers events to one consumer: of each source in order and one at a time, or as they come, so that an event that fails holds up none of another source. Only
// so many are loaded; the rest stays where the log lies until there is room.

import { REMEMBERED } from "../../bounds/turn-rows.ts";
import { compilePattern, type Matcher } from "../../core/names.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Consumer, ConsumerStatistics, Delivery, RecordedEvent } from "../../core/ports/events.ts";
import { type Item, SourceQueue } from "./source-queue.ts";
import { type ConsumerContents, type ConsumerRow, type EventEntry, type EventStore, type LogWrite, sizeOf } from "./store.ts";

const MAX_LISTED_PUBLISHERS = 1_000;
const MAX_LOADED = 1_024;
const MAX_LOADED_BYTES = 4 * 1_024 * 1_024;
/** Of all consumers together; each may have one event beyond. */
const MAX_ALL_BYTES = 64 * 1_024 * 1_024;
const PAGE = 128;
const SOURCE_PAGE_BYTES = 512 * 1_024;
const FAILED_PAUSE_MS = 1_000;
/** Of one source without order, events that wait for their next attempt: as long as there are so many, no more of it are loaded. */
const MAX_PUT_OFF = 1_024;
const RELOAD_PAUSE_MS = 100;
/** Deliveries that were settled and of which the disk does not know; with what is under way, no more than a consumer remembers to tell what comes again. */
const MAX_UNWRITTEN = REMEMBERED / 2;
/** A clock that was set back must not put an event off for ever. */
const MAX_PUT_OFF_MS = 3_600_000;

export interface QueuePorts {
  readonly clock: Clock;
  readonly store: Pick<EventStore, "readSource">;
  /** What all consumers of the log have loaded. */
  readonly loaded: { bytes: number };
  /** Writes something down, together with what else is under way, and how far the source is settled. */
  note(queue: ConsumerQueue, source: SourceQueue, change?: (write: LogWrite) => void): void;
}

type Handler = (deliveries: readonly Delivery[]) => void;

export class ConsumerQueue {
  row: ConsumerRow;
  readonly waiting: { events: number; bytes: number } = { events: 0, bytes: 0 };
  readonly deadLetters: { events: number; bytes: number } = { events: 0, bytes: 0 };
  readonly sources: Map<string, SourceQueue> = new Map();
  readonly #ports: QueuePorts;
  #matches: Matcher;
  readonly #ready = new Set<SourceQueue>();
  readonly #waitsForRoom = new Set<SourceQueue>();
  readonly #later = new Set<SourceQueue>();
  #handler: Handler | undefined;
  #flying = 0;
  #unwritten = 0;
  #loaded = 0;
  #loadedBytes = 0;
  #isPumping = false;
  #cancelTimer: (() => void) | undefined;
  /** When the first event of a batch came that has not been delivered. */
  #batchSince: number | undefined;
  /** Events up to here are counted already. */
  #countedTo = 0;

  constructor(row: ConsumerRow, ports: QueuePorts) {
    this.row = row;
    this.#ports = ports;
    this.#matches = compilePattern(row.types);
  }

  /** What was written down of it. */
  restore({ cursors, settled, attempts, dead }: ConsumerContents): void {
    const { clock } = this.#ports;
    Object.assign(this.deadLetters, dead);
    for (const { source, position } of cursors) this.sources.set(source, new SourceQueue(source, position));
    for (const { source, position } of settled) this.of(source).settled.add(position);
    for (const { source, position, attempts: count, retryAtMs } of attempts) {
      const dueAt = clock.monotonicMs() + Math.min(Math.max(0, retryAtMs - clock.now()), MAX_PUT_OFF_MS);
      const queue = this.of(source);
      queue.attempts.set(position, { attempts: count, dueAt });
      if (this.row.order === "publisher") this.#block(queue, dueAt);
    }
  }

  get isThere(): boolean {
    return this.row.until === undefined;
  }

  statistics(): ConsumerStatistics {
    const { start: _start, until: _until, ...consumer } = this.row;
    const { events: waiting, bytes: waitingBytes } = this.waiting;
    const counted = { waiting, waitingBytes, inFlight: this.#flying, deadLetters: this.deadLetters.events };
    return { consumer, isThere: this.isThere, ...counted, publishers: this.#publishers() };
  }

  #publishers(): ConsumerStatistics["publishers"] {
    const waiting = [...this.sources.values()].filter((source) => source.waiting > 0).slice(0, MAX_LISTED_PUBLISHERS);
    return waiting.map(({ source, waiting: events, waitingBytes }) => ({ source, waiting: events, waitingBytes }));
  }

  of(source: string): SourceQueue {
    const found = this.sources.get(source) ?? new SourceQueue(source, this.row.start);
    this.sources.set(source, found);
    return found;
  }

  /** It is there from now on, as it is declared now. Everything up to `countedTo` is counted by whoever calls, if it is given. */
  appear(row: ConsumerRow, countedTo: number = this.#countedTo): void {
    this.row = row;
    this.#matches = compilePattern(row.types);
    this.#countedTo = countedTo;
    for (const source of this.sources.values()) this.#rewind(source);
  }

  leave(head: number): void {
    this.#handler = undefined;
    this.row = { ...this.row, until: head };
  }

  /** How much waits of a source, as the log has it. */
  count(source: SourceQueue, { events, bytes }: { readonly events: number; readonly bytes: number }): void {
    this.#weigh(source, events - source.settled.size - source.waiting, bytes - source.waitingBytes);
    source.hasMore ||= events > 0;
    this.#refill(source);
  }

  #weigh(source: SourceQueue, events: number, bytes: number): void {
    source.waiting += events;
    source.waitingBytes += bytes;
    this.waiting.events += events;
    this.waiting.bytes += bytes;
  }

  deliverTo(handler: Handler | undefined): void {
    this.#handler = handler;
    for (const source of this.sources.values()) this.#refill(source);
    this.#pump();
  }

  /** An event was written down. */
  offer(event: RecordedEvent): void {
    const { position } = event;
    // One that has gone waits still for what was being written when it went.
    const { start, until = Number.POSITIVE_INFINITY } = this.row;
    if (position <= start || position > until) return;
    if (!this.#matches(event.type)) return this.sources.get(event.source)?.pass(position);
    const source = this.of(event.source);
    const bytes = sizeOf(event);
    if (position > this.#countedTo) this.#weigh(source, 1, bytes);
    if (position <= source.loadedTo) return;
    const isBehind =
      source.hasMore || source.isLoading || source.rewinds || this.#handler === undefined || source.putOff.size >= MAX_PUT_OFF;
    if (isBehind || this.#isBlocked(source) || !this.#hasRoom) {
      source.hasMore = true;
      return this.#refill(source);
    }
    source.loadedTo = position;
    this.#take(source, { event, bytes });
    this.#pump();
  }

  /** So many of its notes were written down. */
  wrote(notes: number): void {
    this.#unwritten -= notes;
    this.#pump();
  }

  isUnderWay({ source, position }: EventEntry): boolean {
    return this.sources.get(source)?.flying.has(position) === true;
  }

  /** Those that failed. */
  attemptsOf({ source, position }: EventEntry): number {
    return this.sources.get(source)?.attempts.get(position)?.attempts ?? 0;
  }

  /** Whether it is for this consumer and not settled. */
  waitsFor({ position, source, type }: EventEntry): boolean {
    const { start, until = Number.POSITIVE_INFINITY } = this.row;
    return position > start && position <= until && this.#matches(type) && !this.of(source).isSettled(position);
  }

  /** An event that is not under way is not for it any more. Says whether it waited for this consumer. */
  letGo(entry: EventEntry): boolean {
    if (!this.waitsFor(entry)) return false;
    const { position, source: name, bytes } = entry;
    const source = this.of(name);
    const item = source.items.find(({ event }) => event.position === position);
    if (item !== undefined) this.#unload(item);
    const isEarly = source.letGo(position);
    this.#settled(source, bytes, (write) => {
      if (isEarly) write.settled.push({ consumer: this.row.name, source: name, position });
    });
    return true;
  }

  get #hasRoom(): boolean {
    if (this.#loaded === 0) return true;
    return this.#loaded < MAX_LOADED && this.#loadedBytes < MAX_LOADED_BYTES && this.#ports.loaded.bytes < MAX_ALL_BYTES;
  }

  #isBlocked(source: SourceQueue): boolean {
    return source.blockedUntil !== 0 && source.blockedUntil > this.#ports.clock.monotonicMs();
  }

  #take(source: SourceQueue, item: Item): void {
    source.outstanding.add(item.event.position);
    source.items.push(item);
    this.#count(1, item.bytes);
    this.#look(source);
  }

  #unload({ bytes }: Item): void {
    this.#count(-1, -bytes);
  }

  #count(events: number, bytes: number): void {
    this.#loaded += events;
    this.#loadedBytes += bytes;
    this.#ports.loaded.bytes += bytes;
  }

  #look(source: SourceQueue): void {
    const isFree = this.row.order === "none" || this.row.batch !== undefined || source.flying.size === 0;
    if (source.items.length > 0 && isFree && !source.rewinds && !this.#isBlocked(source)) this.#ready.add(source);
    else this.#ready.delete(source);
  }

  #pump(): void {
    if (this.#isPumping || this.#handler === undefined) return;
    this.#isPumping = true;
    try {
      if (this.row.batch !== undefined) this.#deliverBatches(this.row.batch);
      else
        for (const source of this.#ready) {
          if (this.#flying >= this.row.maxInFlight || this.#unwritten >= MAX_UNWRITTEN || this.#handler === undefined) break;
          this.#ready.delete(source);
          const item = source.items.shift();
          if (item === undefined) continue;
          const delivery = this.#depart(source, item);
          this.#look(source);
          this.#handler([delivery]);
          this.#refill(source);
        }
    } finally {
      this.#isPumping = false;
    }
  }

  #depart(source: SourceQueue, item: Item): Delivery {
    this.#unload(item);
    this.#flying += 1;
    source.flying.add(item.event.position);
    return new OneDelivery(item, (source.attempts.get(item.event.position)?.attempts ?? 0) + 1, (how) => this.#arrive(source, item, how));
  }

  #deliverBatches({ max, waitMs, maxBytes }: NonNullable<Consumer["batch"]>): void {
    while (this.#flying === 0 && this.#unwritten < MAX_UNWRITTEN && this.#ready.size > 0 && this.#handler !== undefined) {
      const now = this.#ports.clock.monotonicMs();
      this.#batchSince ??= now;
      const ready = [...this.#ready];
      const isFull = ready.reduce((sum, { items }) => sum + items.length, 0) >= max;
      if (!isFull && now < this.#batchSince + waitMs) return this.#plan();
      const batch = this.#gather(ready, max, maxBytes);
      if (batch.length === 0) return;
      this.#batchSince = undefined;
      this.#handler(batch);
      for (const source of ready) this.#refill(source);
    }
  }

  /** The oldest first; those of a source that fails come alone, so that one of them spoils no other. */
  #gather(ready: SourceQueue[], max: number, maxBytes: number): Delivery[] {
    const batch: Delivery[] = [];
    let bytes = 0;
    while (batch.length < max) {
      const [first] = ready.filter(({ items }) => items.length > 0).sort((a, b) => headOf(a) - headOf(b));
      const item = first?.items[0];
      if (first === undefined || item === undefined) break;
      const isAlone = first.attempts.has(item.event.position);
      bytes += item.bytes;
      if (batch.length > 0 && (isAlone || bytes > maxBytes)) break;
      first.items.shift();
      batch.push(this.#depart(first, item));
      if (isAlone) break;
    }
    for (const source of ready) this.#look(source);
    return batch;
  }

  #arrive(source: SourceQueue, item: Item, how: Settled): void {
    const { position } = item.event;
    this.#flying -= 1;
    if ("afterMs" in how) this.#putOff(source, position, how);
    else {
      const attempts = source.attempts.get(position)?.attempts ?? 0;
      const isEarly = source.settle(position);
      const { name: consumer } = this.row;
      const atMs = Math.floor(this.#ports.clock.now());
      this.#settled(source, item.bytes, (write) => {
        if (how.reason !== undefined) write.deaths.push({ consumer, position, reason: how.reason, attempts: attempts + 1, atMs });
        if (isEarly) write.settled.push({ consumer, source: source.source, position });
      });
      if (how.reason !== undefined) this.buried(item.bytes);
    }
    if (source.rewinds) this.#rewind(source);
    this.#look(source);
    this.#refill(source);
    this.#useRoom();
    this.#pump();
  }

  /** There are more dead letters of it, or fewer. */
  buried(bytes: number, events = 1): void {
    this.deadLetters.events += events;
    this.deadLetters.bytes += bytes;
  }

  #settled(source: SourceQueue, bytes: number, change?: (write: LogWrite) => void): void {
    // What was settled out of order before a restart is not known by its bytes.
    if (source.waiting <= 1) this.#weigh(source, -source.waiting, -source.waitingBytes);
    else this.#weigh(source, -1, -bytes);
    this.#note(source, change);
  }

  #note(source: SourceQueue, change?: (write: LogWrite) => void): void {
    this.#unwritten += 1;
    this.#ports.note(this, source, change);
  }

  #putOff(source: SourceQueue, position: number, { afterMs, isCounted }: PutOff): void {
    const { clock } = this.#ports;
    const dueAt = clock.monotonicMs() + Math.min(afterMs, MAX_PUT_OFF_MS);
    source.flying.delete(position);
    if (isCounted) {
      const attempts = (source.attempts.get(position)?.attempts ?? 0) + 1;
      source.attempts.set(position, { attempts, dueAt });
      const retryAtMs = Math.ceil(clock.now() + afterMs);
      this.#note(source, (write) => write.attempts.push({ consumer: this.row.name, source: source.source, position, attempts, retryAtMs }));
    }
    if (this.row.order === "publisher") {
      this.#block(source, dueAt);
      source.rewinds = true;
    } else {
      source.putOff.set(position, dueAt);
      this.#later.add(source);
      this.#plan();
    }
  }

  #block(source: SourceQueue, dueAt: number): void {
    source.blockedUntil = Math.max(source.blockedUntil, dueAt);
    this.#later.add(source);
    this.#plan();
  }

  #rewind(source: SourceQueue): void {
    source.rewinds = true;
    if (source.flying.size > 0 || source.isLoading) return;
    for (const item of source.items) this.#unload(item);
    source.rewind();
    this.#look(source);
    this.#refill(source);
  }

  /** Loads what is next of a source, when it can be delivered and there is room. */
  #refill(source: SourceQueue): void {
    if (!source.hasMore || source.isLoading || source.rewinds || this.#handler === undefined) return;
    if (source.items.length > PAGE / 2 || source.putOff.size >= MAX_PUT_OFF || this.#isBlocked(source)) return;
    if (!this.#hasRoom) return void this.#waitsForRoom.add(source);
    source.hasMore = false;
    void this.#load(source, source.loadedTo, PAGE, (page) => {
      source.hasMore ||= !page.isEnd;
      source.loadedTo = Math.max(source.loadedTo, page.scannedTo);
      for (const event of page.events) this.#receive(source, event);
      if (source.outstanding.size === 0) source.cursor = Math.max(source.cursor, source.loadedTo);
    }).catch(() => {
      source.hasMore = true;
    });
  }

  #receive(source: SourceQueue, event: RecordedEvent): void {
    const { position } = event;
    if (source.isSettled(position) || source.outstanding.has(position)) return;
    const dueAt = source.attempts.get(position)?.dueAt ?? 0;
    if (this.row.order === "none" && dueAt > this.#ports.clock.monotonicMs()) {
      source.outstanding.add(position);
      source.putOff.set(position, dueAt);
      this.#later.add(source);
      this.#plan();
    } else this.#take(source, { event, bytes: sizeOf(event) });
  }

  /** Rejects when the log cannot be read; another attempt is planned then. */
  async #load(
    source: SourceQueue,
    after: number,
    limit: number,
    receive: (page: Awaited<ReturnType<EventStore["readSource"]>>) => void,
  ): Promise<void> {
    source.isLoading = true;
    try {
      const { types, until } = this.row;
      receive(await this.#ports.store.readSource({ source: source.source, types, after, until, limit, maxBytes: SOURCE_PAGE_BYTES }));
    } catch (thrown) {
      this.#block(source, this.#ports.clock.monotonicMs() + FAILED_PAUSE_MS);
      throw thrown;
    } finally {
      source.isLoading = false;
      if (source.rewinds) this.#rewind(source);
      this.#look(source);
      this.#pump();
      this.#refill(source);
      this.#useRoom();
    }
  }

  #useRoom(): void {
    if (!this.#hasRoom) return;
    for (const source of this.#waitsForRoom) {
      this.#waitsForRoom.delete(source);
      this.#refill(source);
      if (!this.#hasRoom) return;
    }
  }

  #plan(): void {
    const { clock } = this.#ports;
    const isFilling = this.#handler !== undefined && this.#flying === 0 && this.#ready.size > 0;
    let soonest =
      this.#batchSince === undefined || !isFilling ? Number.POSITIVE_INFINITY : this.#batchSince + (this.row.batch?.waitMs ?? 0);
    for (const source of this.#later)
      soonest = Math.min(soonest, source.blockedUntil || Number.POSITIVE_INFINITY, ...source.putOff.values());
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (soonest === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = clock.after(Math.max(0, soonest - clock.monotonicMs()), () => {
      this.#cancelTimer = undefined;
      this.#comeDue();
    });
  }

  #comeDue(): void {
    const now = this.#ports.clock.monotonicMs();
    for (const source of this.#later) {
      if (source.blockedUntil <= now) source.blockedUntil = 0;
      this.#reload(source, now);
      if (source.blockedUntil === 0 && source.putOff.size === 0) this.#later.delete(source);
      this.#look(source);
      this.#refill(source);
    }
    this.#pump();
    this.#plan();
  }

  /** Loads again what has come due, a page of it; the rest is due still. */
  #reload(source: SourceQueue, now: number): void {
    const due = [...source.putOff].flatMap(([position, dueAt]) => (dueAt <= now ? [position] : []));
    if (due.length === 0) return;
    const postpone = (ms: number): void => {
      for (const position of due) if (source.putOff.has(position)) source.putOff.set(position, now + ms);
    };
    if (source.isLoading || this.#handler === undefined || !this.#hasRoom) return postpone(RELOAD_PAUSE_MS);
    const isDue = new Set(due);
    void this.#load(source, Math.min(...due) - 1, PAGE, ({ events, scannedTo, isEnd }) => {
      for (const event of events)
        if (isDue.has(event.position) && source.putOff.delete(event.position)) this.#take(source, { event, bytes: sizeOf(event) });
      for (const position of due) if (isEnd || position <= scannedTo) source.putOff.delete(position);
    }).then(
      () => this.#plan(),
      () => postpone(FAILED_PAUSE_MS),
    );
  }

  close(): void {
    this.#handler = undefined;
    this.#cancelTimer?.();
  }
}

const headOf = ({ items }: SourceQueue): number => items[0]?.event.position ?? Number.POSITIVE_INFINITY;

interface PutOff {
  readonly afterMs: number;
  readonly isCounted: boolean;
}

type Settled = PutOff | { readonly reason: string | undefined };

class OneDelivery implements Delivery {
  readonly event: RecordedEvent;
  readonly attempt: number;
  #settle: ((how: Settled) => void) | undefined;

  constructor({ event }: Item, attempt: number, settle: (how: Settled) => void) {
    this.event = event;
    this.attempt = attempt;
    this.#settle = settle;
  }

  ack(): void {
    this.#once({ reason: undefined });
  }

  retry(afterMs: number): void {
    this.#once({ afterMs, isCounted: true });
  }

  putBack(afterMs: number): void {
    this.#once({ afterMs, isCounted: false });
  }

  giveUp(reason: string): void {
    this.#once({ reason });
  }

  #once(how: Settled): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(how);
  }
}
