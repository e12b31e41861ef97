// Lets go of what the log has too much of, the oldest first: by age, by bytes and number of all, by bytes of one publisher. What a consumer has not heard becomes
// its dead letter, and of those too there are only so many.

import { AgeClock } from "../../bounds/age-clock.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { DeadLetter } from "../../core/ports/events.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { ConsumerQueue } from "./consumer-queue.ts";
import type { Retention } from "./options.ts";
import type { SourceQueue } from "./source-queue.ts";
import { type EventEntry, type EventStore, type LogWrite, PAGE_BYTES, sizeOf } from "./store.ts";
import type { Tally } from "./tally.ts";

export interface TrimPorts {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly store: EventStore;
  readonly retention: Retention;
  readonly queues: ReadonlyMap<string, ConsumerQueue>;
  readonly tally: Tally;
  /** Resolves once all that came before is written. */
  settled(): Promise<void>;
  commit(change: (write: LogWrite) => void): Promise<void>;
}

const PIECE = 500;
/** What is let go beyond need, so that what waits at the log's end is not looked through again for each event that comes. */
const ROOM = 0.9;
const EXPIRED = "expired: the log keeps no more";
const TOO_MUCH = "expired: too much waited for this subscription";

export class Trim {
  readonly #ports: TrimPorts;
  readonly #age: AgeClock;
  #running: Promise<void> | undefined;

  constructor(ports: TrimPorts) {
    this.#ports = ports;
    this.#age = new AgeClock(ports.clock);
  }

  /** Whether there is too much of something; what is too old is found when it runs. */
  get isDue(): boolean {
    const { retention, tally, queues } = this.#ports;
    if (tally.bytes > retention.bytes || tally.events > retention.events) return true;
    for (const queue of queues.values()) if (this.#hasTooMuch(queue) || this.#hasTooManyDead(queue)) return true;
    return tally.sources.some((source) => tally.bytesOf(source) > retention.publisherBytes);
  }

  /** One run at a time. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Takes dead letters away for good. */
  async drop(letters: readonly DeadLetter[]): Promise<void> {
    await this.#ports.commit((write) => write.dropped.push(...letters.map(({ id }) => id)));
    for (const { consumer, event } of letters) this.#ports.queues.get(consumer)?.buried(-sizeOf(event), -1);
  }

  async #run(): Promise<void> {
    // What an earlier run let go of, and could not write down, lies in the store still and must not be counted twice.
    await this.#ports.settled();
    const { retention, tally, queues } = this.#ports;
    const lastTooOld = await this.#lastTooOld();
    await this.#letGoWhile(undefined, ({ position }) => position <= lastTooOld);
    await this.#makeRoom(undefined, (part) => tally.bytes > part * retention.bytes || tally.events > part * retention.events);
    for (const source of tally.sources) await this.#makeRoom(source, (part) => tally.bytesOf(source) > part * retention.publisherBytes);
    for (const queue of queues.values()) {
      await this.#relieve(queue);
      await this.#dropDead(queue);
    }
  }

  /** The position of the last event that is too old. What was written while the clock was ahead is as old as what came after it. */
  async #lastTooOld(): Promise<number> {
    const { store, retention } = this.#ports;
    const now = this.#age.now();
    for (let found = 0, after = 0; ; ) {
      const entries = await store.oldest(undefined, after, PIECE);
      const old = tooOld(
        entries.map(({ timeMs }) => timeMs),
        now,
        retention.ageMs,
      );
      found = entries[old.count - 1]?.position ?? found;
      if (!old.goesOn || entries.length < PIECE) return found;
      after = entries.at(-1)?.position ?? after;
    }
  }

  /** `isOver` says whether there is more than so much of what may be kept. */
  async #makeRoom(source: string | undefined, isOver: (part: number) => boolean): Promise<void> {
    if (!isOver(1)) return;
    // What waits goes only when nothing else is left.
    if (this.#ports.retention.handledFirst && ((await this.#letGoWhile(source, () => isOver(ROOM), true)) || !isOver(1))) return;
    await this.#letGoWhile(source, () => isOver(1));
  }

  /** The oldest first, as long as it is too much. What is under way is passed over: who takes long must not hold all that came after it. Says whether that was enough. */
  async #letGoWhile(source: string | undefined, isTooMuch: (entry: EventEntry) => boolean, onlyHandled = false): Promise<boolean> {
    const { store, tally } = this.#ports;
    for (let after = 0; ; ) {
      const write = { trimmed: [] as number[], deaths: [] as LogWrite["deaths"] };
      const entries = await store.oldest(source, after, PIECE);
      const enough = entries.findIndex((entry) => {
        if (!isTooMuch(entry)) return true;
        if ((onlyHandled && this.#isAwaited(entry)) || !this.#letGo(entry, write.deaths)) return false;
        write.trimmed.push(entry.position);
        tally.add(entry, entry.bytes, -1);
        return false;
      });
      if (write.trimmed.length > 0) await this.#commit(write);
      const last = entries.at(-1);
      if (enough !== -1) return true;
      if (last === undefined || entries.length < PIECE) return false;
      after = last.position;
    }
  }

  #isAwaited(entry: EventEntry): boolean {
    return [...this.#ports.queues.values()].some((queue) => queue.waitsFor(entry));
  }

  /** Of every consumer, or of none. */
  #letGo(entry: EventEntry, deaths: LogWrite["deaths"]): boolean {
    const queues = [...this.#ports.queues.values()];
    if (queues.some((queue) => queue.isUnderWay(entry))) return false;
    for (const queue of queues) this.#bury(queue, entry, EXPIRED, deaths);
    return true;
  }

  #bury(queue: ConsumerQueue, entry: EventEntry, reason: string, deaths: LogWrite["deaths"]): void {
    const attempts = queue.attemptsOf(entry);
    if (!queue.letGo(entry)) return;
    deaths.push({ consumer: queue.row.name, position: entry.position, reason, attempts, atMs: Math.floor(this.#ports.clock.now()) });
    queue.buried(entry.bytes);
  }

  async #commit({ trimmed, deaths }: Pick<LogWrite, "trimmed" | "deaths">): Promise<void> {
    await this.#ports.commit((write) => {
      write.trimmed.push(...trimmed);
      write.deaths.push(...deaths);
    });
    const byConsumer = Map.groupBy(deaths, ({ consumer }) => consumer);
    for (const [consumer, buried] of byConsumer)
      this.#tell(
        `${buried.length} events that waited for ${consumer} are dead letters now (${buried[0]?.reason}); "bulkhead events dead list" shows them`,
      );
  }

  #hasTooMuch(queue: ConsumerQueue): boolean {
    const { events, bytes } = queue.waiting;
    const { subscription } = this.#ports.retention;
    return events > subscription.events || bytes > subscription.bytes;
  }

  /** What waits for one consumer beyond its quota becomes dead letters, of the publisher first of whom most waits. */
  async #relieve(queue: ConsumerQueue): Promise<void> {
    while (this.#hasTooMuch(queue)) {
      const [most] = [...queue.sources.values()].sort((a, b) => b.waitingBytes - a.waitingBytes);
      if (most === undefined || !(await this.#relieveOf(queue, most))) return;
    }
  }

  /** Says whether anything of the publisher could go. */
  async #relieveOf(queue: ConsumerQueue, { source, cursor }: SourceQueue): Promise<boolean> {
    const { types, until } = queue.row;
    let hasRelieved = false;
    for (let after = cursor; ; ) {
      const page = await this.#ports.store.readSource({ source, types, after, until, limit: PIECE, maxBytes: PAGE_BYTES });
      const deaths: LogWrite["deaths"] = [];
      for (const event of page.events) {
        const entry = { ...event, timeMs: Date.parse(event.time), bytes: sizeOf(event) };
        if (this.#hasTooMuch(queue) && !queue.isUnderWay(entry)) this.#bury(queue, entry, TOO_MUCH, deaths);
      }
      if (deaths.length > 0) await this.#commit({ trimmed: [], deaths });
      hasRelieved ||= deaths.length > 0;
      if (page.isEnd || !this.#hasTooMuch(queue)) return hasRelieved;
      after = page.scannedTo;
    }
  }

  #hasTooManyDead({ deadLetters }: ConsumerQueue): boolean {
    const { dead } = this.#ports.retention;
    return deadLetters.events > dead.events || deadLetters.bytes > dead.bytes;
  }

  async #dropDead(queue: ConsumerQueue): Promise<void> {
    const { store, retention } = this.#ports;
    const now = this.#age.now();
    for (;;) {
      const letters = await store.deadLetters({ of: queue.row.name, after: 0, limit: PIECE });
      const dropped: DeadLetter[] = [];
      const left = { ...queue.deadLetters };
      const old = tooOld(
        letters.map(({ atMs }) => atMs),
        now,
        retention.dead.ageMs,
      );
      for (const letter of letters) {
        if (dropped.length >= old.count && left.events <= retention.dead.events && left.bytes <= retention.dead.bytes) break;
        left.events -= 1;
        left.bytes -= sizeOf(letter.event);
        dropped.push(letter);
      }
      if (dropped.length === 0) return;
      await this.drop(dropped);
      this.#tell(`${dropped.length} dead letters of ${queue.row.name} are gone for good: they were too old or too many`);
    }
  }

  #tell(message: string): void {
    this.#ports.log.write({ level: "warning", plugin: "host", message });
  }
}

/** How many from the beginning are too old, and whether those that come behind may be so too. */
function tooOld(times: readonly number[], now: number, ageMs: number): { readonly count: number; readonly goesOn: boolean } {
  let count = 0;
  for (const [i, timeMs] of times.entries()) {
    if (timeMs < now - ageMs) count = i + 1;
    else if (timeMs <= now) return { count, goesOn: false };
  }
  return { count, goesOn: true };
}
