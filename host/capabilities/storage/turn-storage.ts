// The storage of a plugin whose turns are transactions, where it is on the host's side: what a turn writes is seen by that turn alone, and is one commit at its end,
// together with the events that it published and those that it has handled. The same as cell/inside/turn-transaction.ts does in a cell, answered later.

import { MAX_BATCH_BYTES } from "../../bounds/storage-rules.ts";
import { OUTBOX, outboxKey, packed, Remembered, sequenceOf, unpacked } from "../../bounds/turn-rows.ts";
import { type Merging, RESERVED, requireOwn, TurnWrites } from "../../bounds/turn-writes.ts";
import { HostError } from "../../core/errors.ts";
import type { KeyRange, RemoteCommit, RemoteSet, RemoteStorage, ScanRange } from "../../core/ports/storage.ts";
import type { Bytes, HandledEvents, MaybePromise } from "../../core/types.ts";
import type { StorageChange, StorageCheck, StorageCommitOutcome, StorageEntry, StorageLogged, StorageVersioned } from "../../core/wit.ts";

const PAGE = 1_000;
const PAGE_BYTES = 4 * 1_024 * 1_024;

/** An event that waits to be handed out. */
export interface OutboxRow {
  readonly key: string;
  /** Type, content type and data as they were published, and the id. */
  readonly parts: readonly Bytes[];
}

/** What a turn has come to. */
export interface TurnEnd {
  readonly trace: string;
  readonly published: readonly (readonly Bytes[])[];
  readonly events: HandledEvents | undefined;
  /** How many of the events. */
  readonly handled: number;
}

export class TurnStorage implements RemoteStorage {
  readonly #store: () => MaybePromise<RemoteStorage>;
  readonly #writes: TurnWrites;
  readonly #remembered = new Map<string, Remembered>();
  /** Rows whose events were handed out. */
  #done: string[] = [];
  #nextRow = 0;
  /** The last version that was given out within a turn, whether it was committed or not. */
  #version = 0;

  /** `store` gives the plugin's own part of the store, as it is at that moment. */
  constructor(store: () => MaybePromise<RemoteStorage>, now: () => number) {
    this.#store = store;
    this.#writes = new TurnWrites(now);
  }

  async read(keys: readonly string[], maxBytes: number): Promise<readonly (StorageVersioned | undefined)[]> {
    const written = keys.map((key) => this.#writes.get(key));
    const missing = keys.filter((_, i) => written[i] === null);
    const stored = missing.length === 0 ? [] : [...(await (await this.#store()).read(missing, maxBytes))];
    const found = written.map((one) => (one === null ? stored.shift() : one));
    const bytes = found.reduce((sum, one) => sum + (one?.value.length ?? 0), 0);
    if (keys.length > 1 && bytes > maxBytes)
      throw new HostError("quota-exceeded", `the values have ${bytes} bytes in all; the limit is ${maxBytes}; read fewer at once`);
    return found;
  }

  async set({ key, value }: RemoteSet): Promise<boolean> {
    const [found] = await this.read([key], MAX_BATCH_BYTES);
    if (found !== undefined || value !== undefined) await this.#write([{ key, value, ttlMs: undefined }]);
    return found !== undefined;
  }

  /** Of the turn: what it checks is checked now, and what the turn has not written itself once more when it ends. */
  async commit({ checks, changes }: RemoteCommit): Promise<StorageCommitOutcome> {
    for (const { key } of checks) requireOwn(key);
    const stored = checks.filter(({ key }) => this.#writes.get(key) === null);
    const written = checks.filter((check) => !stored.includes(check));
    const isHeld = written.every(({ key, version }) => (this.#writes.get(key)?.version ?? 0) === version);
    if (!isHeld || !(await this.#holds(stored))) return { committed: false, version: 0 };
    const version = changes.length === 0 ? 0 : await this.#write(changes);
    for (const check of stored) this.#writes.found(check);
    return { committed: true, version };
  }

  async keys(range: KeyRange): Promise<readonly string[]> {
    const store = await this.#store();
    return merged(this.#writes.keys(range), async (asked: KeyRange) => [...(await store.keys(asked))]);
  }

  async scan(range: ScanRange): ReturnType<RemoteStorage["scan"]> {
    const store = await this.#store();
    return merged(this.#writes.scan(range), (asked: ScanRange) => store.scan(asked));
  }

  async changes(after: number, limit: number): Promise<readonly StorageLogged[]> {
    const store = await this.#store();
    for (let from = after; ; ) {
      const page = await store.changes(from, limit);
      const own = page.filter(({ key }) => !key.startsWith(RESERVED));
      const last = page.at(-1);
      if (own.length > 0 || last === undefined) return own;
      from = last.seq;
    }
  }

  /** The store is its owner's to close. */
  async close(): Promise<void> {}

  /** Forgets what the turn has done. */
  rollback(): void {
    this.#writes.clear();
  }

  /** Events of earlier turns that may not have been handed out, the oldest first. Nothing that is remembered of earlier turns is taken for granted any more. */
  async left(): Promise<OutboxRow[]> {
    this.#remembered.clear();
    const rows = await this.#rowsBelow(OUTBOX);
    const last = rows.at(-1);
    this.#nextRow = last === undefined ? 0 : sequenceOf(last.key) + 1;
    const handedOut = new Set(this.#done);
    // A key that is free again may be another event's next.
    this.#done = rows.map(({ key }) => key).filter((key) => handedOut.has(key));
    return rows.filter(({ key }) => !handedOut.has(key)).map(({ key, value }) => ({ key, parts: unpacked(value) }));
  }

  /** Which of the events that a turn is to handle were handled before. */
  async handledBefore(events: HandledEvents): Promise<number[]> {
    return (await this.#memoryOf(events.subscription)).among(events);
  }

  /**
   * Commits the turn. Resolves with the rows of what it published. Rejects with HostError: then nothing is committed, `conflict` when somebody else has
   * changed meanwhile what the turn has found; or with what cannot be known, when the store does not answer.
   */
  async end({ trace, published, events, handled }: TurnEnd, commit: RemoteStorage["commit"]): Promise<readonly string[]> {
    const ids = events?.ids.slice(0, handled) ?? [];
    const memory = ids.length === 0 || events === undefined ? undefined : await this.#memoryOf(events.subscription);
    const keys = published.map((_, i) => outboxKey(this.#nextRow + i));
    const rows = published.map((parts, i): StorageChange => ({ key: keys[i] ?? "", value: packed(parts), ttlMs: undefined }));
    const needed = [...this.#writes.changes, ...rows, ...(memory?.changes(ids) ?? [])];
    const checks = this.#writes.checks;
    this.rollback();
    if (needed.length === 0) return keys;
    const tidied = this.#done;
    const { committed, version } = await commit({ checks, changes: [...needed, ...tidied.map(removed)], trace, above: this.#version - 1 });
    if (!committed) throw new HostError("conflict", "what the turn had found in its storage was changed by somebody else before it ended");
    this.#version = Math.max(this.#version, version);
    this.#done = this.#done.filter((key) => !tidied.includes(key));
    this.#nextRow += rows.length;
    memory?.add(ids);
    return keys;
  }

  /** Their events were handed out. */
  handedOut(rows: readonly string[]): void {
    this.#done.push(...rows);
  }

  /** Removes rows whose events were handed out. */
  async tidy(): Promise<void> {
    const done = this.#done;
    if (done.length === 0) return;
    await (await this.#store()).commit({ checks: [], changes: done.map(removed) });
    this.#done = this.#done.filter((key) => !done.includes(key));
  }

  async #holds(checks: readonly StorageCheck[]): Promise<boolean> {
    return checks.length === 0 || (await (await this.#store()).commit({ checks, changes: [] })).committed;
  }

  async #write(changes: readonly StorageChange[]): Promise<number> {
    // The first is given out by the store, to begin above all that it ever gave.
    if (this.#version === 0) this.#version = (await (await this.#store()).commit({ checks: [], changes: [OPENED] })).version;
    const version = this.#version + 1;
    this.#writes.write(changes, version);
    this.#version = version;
    return version;
  }

  async #memoryOf(subscription: string): Promise<Remembered> {
    const known = this.#remembered.get(subscription);
    if (known !== undefined) return known;
    const memory = new Remembered(subscription);
    memory.restore(await this.#rowsBelow(Remembered.prefix(subscription)));
    this.#remembered.set(subscription, memory);
    return memory;
  }

  async #rowsBelow(prefix: string): Promise<StorageEntry[]> {
    const store = await this.#store();
    const found: StorageEntry[] = [];
    let after: string | undefined;
    do {
      const { entries, next } = await store.scan({ prefix, after, limit: PAGE, reverse: false, maxBytes: PAGE_BYTES });
      found.push(...entries);
      after = next;
    } while (after !== undefined);
    return found;
  }
}

const OPENED: StorageChange = { key: `${RESERVED}opened`, value: new Uint8Array(0), ttlMs: undefined };
const removed = (key: string): StorageChange => ({ key, value: undefined, ttlMs: undefined });

async function merged<Range, Page>(merging: Merging<Range, Page>, ask: (range: Range) => Promise<Page>): Promise<Page> {
  for (let step = merging.next(); ; ) {
    if (step.done === true) return step.value;
    step = merging.next(await ask(step.value));
  }
}
