// The turns of one plugin as transactions: what a turn stores, what it publishes and which events it has handled is one commit of the plugin's store at its end,
// or nothing.

import { OUTBOX, outboxKey, packed, Remembered, sequenceOf, unpacked } from "../../bounds/turn-rows.ts";
import { type Merging, RESERVED, requireOwn, TurnWrites } from "../../bounds/turn-writes.ts";
import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { KeyRange, ScanRange, StorageCommit, StorageDriver } from "../../core/ports/storage.ts";
import type { Bytes, HandledEvents } from "../../core/types.ts";
import type { StorageChange, StorageCommitOutcome, StorageEntry, StorageLogged, StorageVersioned } from "../../core/wit.ts";

const PAGE = 1_000;
const PAGE_BYTES = 4 * 1_024 * 1_024;
/** Rows of events that were handed out go with the next commit, or by themselves after a while. */
const TIDY_MS = 1_000;

/** An event that waits to be handed out. */
export interface OutboxRow {
  readonly key: string;
  /** Type, content type and data as they were published, and the id. */
  readonly parts: readonly Bytes[];
}

export class TurnTransaction {
  readonly #driver: StorageDriver;
  readonly #clock: Clock;
  readonly #writes: TurnWrites;
  readonly #published: Bytes[] = [];
  readonly #remembered = new Map<string, Remembered>();
  /** Rows whose events were committed and may not have been handed out. */
  #waiting: string[] = [];
  /** Rows whose events were handed out. */
  #done: string[] = [];
  #nextRow = 0;
  /** The last version that was given out within a turn, whether it was committed or not. */
  #version = 0;
  #cancelTidying: (() => void) | undefined;
  #isClosed = false;

  constructor(driver: StorageDriver, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
    this.#writes = new TurnWrites(() => clock.now());
  }

  /** The store as the turn sees it. */
  readonly storage: StorageDriver = {
    get: (key) => {
      const written = this.#writes.get(key);
      return written === null ? this.#driver.get(key) : written?.value;
    },
    getVersioned: (key) => this.#getVersioned(key),
    set: (key, value) => {
      const wasThere = this.#getVersioned(key) !== undefined;
      if (wasThere || value !== undefined) this.#write([{ key, value, ttlMs: undefined }]);
      return wasThere;
    },
    commit: (commit) => this.#commitWithin(commit),
    keys: (range) => merged(this.#writes.keys(range), (asked: KeyRange) => this.#driver.keys(asked)),
    scan: (range) => merged(this.#writes.scan(range), (asked: ScanRange) => this.#driver.scan(asked)),
    changes: (after, limit) => this.#changes(after, limit),
    close: () => {
      this.#isClosed = true;
      this.#tidy();
      this.#driver.close();
    },
  };

  /** Events of earlier turns that may not have been handed out, the oldest first; to be asked before anything runs. */
  left(): OutboxRow[] {
    const rows = [...this.#rowsBelow(OUTBOX)].map(({ key, value }) => ({ key, parts: unpacked(value) }));
    const last = rows.at(-1);
    this.#nextRow = last === undefined ? 0 : sequenceOf(last.key) + 1;
    return rows;
  }

  /** They were handed out. */
  forget(rows: readonly OutboxRow[]): void {
    this.#done.push(...rows.map(({ key }) => key));
    this.#tidy();
  }

  /** Which of the events that a turn is to handle were handled before. */
  handledBefore(events: HandledEvents): number[] {
    return this.#memoryOf(events.subscription).among(events);
  }

  /** The turn has published an event, which has got this id. */
  publish(args: readonly Bytes[], id: string): void {
    this.#published.push(packed([...args, new TextEncoder().encode(id)]));
  }

  /**
   * Commits the turn, and that it has handled the first so many of its events. Says whether there is anything to hand out. Throws HostError: then nothing is
   * committed, `conflict` when somebody else has changed meanwhile what the turn has found.
   */
  commit(trace: string | undefined, events: HandledEvents | undefined, handled: number): boolean {
    const ids = events?.ids.slice(0, handled) ?? [];
    const memory = events === undefined ? undefined : this.#memoryOf(events.subscription);
    const rows = this.#published.map((value, i): StorageChange => ({ key: outboxKey(this.#nextRow + i), value, ttlMs: undefined }));
    const own = this.#writes.changes;
    const needed = [...own, ...rows, ...(memory?.changes(ids) ?? [])];
    try {
      if (needed.length > 0) this.#commit([...needed, ...this.#done.map(removed)], trace);
      memory?.add(ids);
      this.#nextRow += rows.length;
      this.#waiting.push(...rows.map(({ key }) => key));
      return rows.length > 0;
    } finally {
      this.rollback();
    }
  }

  /** Everything that was committed has been handed out. */
  handedOut(): void {
    this.#done.push(...this.#waiting.splice(0));
    if (!this.#isClosed) this.#cancelTidying ??= this.#clock.after(TIDY_MS, () => this.#tidy());
  }

  /** Forgets what the turn has done. */
  rollback(): void {
    this.#writes.clear();
    this.#published.length = 0;
  }

  #commit(changes: readonly StorageChange[], trace: string | undefined): void {
    const { committed, version } = this.#driver.commit({ checks: this.#writes.checks, changes, trace, above: this.#version - 1 });
    if (!committed) throw new HostError("conflict", "what the turn had found in its storage was changed by somebody else before it ended");
    this.#version = Math.max(this.#version, version);
    this.#done = [];
  }

  #tidy(): void {
    this.#cancelTidying?.();
    this.#cancelTidying = undefined;
    if (this.#done.length === 0) return;
    try {
      this.#driver.commit({ checks: [], changes: this.#done.map(removed) });
      this.#done = [];
    } catch {
      // They go with the next commit, and who hands out events knows what it has handed out.
    }
  }

  #memoryOf(subscription: string): Remembered {
    const known = this.#remembered.get(subscription);
    if (known !== undefined) return known;
    const memory = new Remembered(subscription);
    memory.restore([...this.#rowsBelow(Remembered.prefix(subscription))]);
    this.#remembered.set(subscription, memory);
    return memory;
  }

  *#rowsBelow(prefix: string): Generator<StorageEntry> {
    let after: string | undefined;
    do {
      const { entries, next } = this.#driver.scan({ prefix, after, limit: PAGE, reverse: false, maxBytes: PAGE_BYTES });
      yield* entries;
      after = next;
    } while (after !== undefined);
  }

  #getVersioned(key: string): StorageVersioned | undefined {
    const written = this.#writes.get(key);
    return written === null ? this.#driver.getVersioned(key) : written;
  }

  #write(changes: readonly StorageChange[]): number {
    // The first is given out by the store, to begin above all that it ever gave.
    if (this.#version === 0) this.#version = this.#driver.commit({ checks: [], changes: [OPENED] }).version;
    const version = this.#version + 1;
    this.#writes.write(changes, version);
    this.#version = version;
    return version;
  }

  #commitWithin({ checks, changes }: StorageCommit): StorageCommitOutcome {
    for (const { key } of checks) requireOwn(key);
    const isHeld = checks.every(({ key, version }) => (this.#getVersioned(key)?.version ?? 0) === version);
    if (!isHeld) return { committed: false, version: 0 };
    const found = checks.filter(({ key }) => this.#writes.get(key) === null);
    const version = changes.length === 0 ? 0 : this.#write(changes);
    for (const check of found) this.#writes.found(check);
    return { committed: true, version };
  }

  #changes(after: number, limit: number): readonly StorageLogged[] {
    for (let from = after; ; ) {
      const page = this.#driver.changes(from, limit);
      const own = page.filter(({ key }) => !key.startsWith(RESERVED));
      const last = page.at(-1);
      if (own.length > 0 || last === undefined) return own;
      from = last.seq;
    }
  }
}

const OPENED: StorageChange = { key: `${RESERVED}opened`, value: new Uint8Array(0), ttlMs: undefined };
const removed = (key: string): StorageChange => ({ key, value: undefined, ttlMs: undefined });

function merged<Range, Page>(merging: Merging<Range, Page>, ask: (range: Range) => Page): Page {
  for (let step = merging.next(); ; ) {
    if (step.done === true) return step.value;
    step = merging.next(ask(step.value));
  }
}
