// The shared state as a table in memory: its rules, its quotas and who watches it. What is to outlive the host is written to a journal first.

import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StateChange, StateDriver, StateEntry, StateWrite } from "../../core/ports/state.ts";
import type { KeyRange } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";

export interface Row extends StateEntry {
  /** Milliseconds since 1970; infinite for what stays. */
  readonly endsAt: number;
}

/** Writes down what changes; what it throws leaves everything as it was. */
export interface Journal {
  /** Undefined for a key that is gone. */
  write(key: string, row: Row | undefined, revision: number): void;
}

export interface StateTableOptions {
  readonly clock: Clock;
  /** Of all plugins together. */
  readonly maxBytes: number;
  readonly maxKeys: number;
  readonly journal?: Journal | undefined;
}

interface Used {
  bytes: number;
  keys: number;
}

const SWEEP_MS = 60_000;
const MAX_VALUE_BYTES = 64 * 1_024;
const MAX_LISTED = 1_000;

// State keys are ASCII, which JavaScript sorts as bytes.
const sizeOf = (key: string, { value }: Row): number => key.length + value.length;

export class StateTable implements StateDriver {
  readonly #options: StateTableOptions;
  readonly #rows = new Map<string, Row>();
  readonly #sorted: string[] = [];
  readonly #used = new Map<string, Used>();
  readonly #all: Used = { bytes: 0, keys: 0 };
  readonly #watchers = new Set<(change: StateChange) => void>();
  #revision = 0;
  #cancelSweep: (() => void) | undefined;

  constructor(options: StateTableOptions) {
    this.#options = options;
  }

  /** What was written down before; told to nobody. */
  restore(rows: Iterable<readonly [string, Row]>, revision: number): void {
    for (const [key, row] of rows) this.#put(key, row);
    this.#revision = revision;
  }

  get(key: string): StateEntry | undefined {
    return this.#live(key);
  }

  set(key: string, value: Bytes, { owner, expected, ttlMs, maxBytes, maxKeys }: StateWrite): number | undefined {
    requireWritable(key, value, ttlMs);
    const before = this.#live(key);
    if (expected !== undefined && expected !== (before?.revision ?? 0)) return undefined;
    const endsAt = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() + ttlMs;
    const row: Row = { value, owner, revision: this.#revision + 1, endsAt };
    this.#requireRoom(key, row, { maxBytes, maxKeys });
    this.#change(key, row);
    return row.revision;
  }

  delete(key: string, expected: number | undefined): number | undefined {
    const before = this.#live(key);
    if (before === undefined || (expected !== undefined && expected !== before.revision)) return undefined;
    this.#change(key, undefined);
    return this.#revision;
  }

  /** All keys, whatever their number. */
  all(prefix: string): string[] {
    return this.#sorted.filter((key) => key.startsWith(prefix) && this.#live(key) !== undefined);
  }

  keys({ prefix, after, limit }: KeyRange, isVisible: (key: string) => boolean): string[] {
    requireLimit(limit);
    const found: string[] = [];
    let at = this.#place(prefix);
    if (after !== undefined) at = Math.max(at, this.#place(after) + (this.#rows.has(after) ? 1 : 0));
    for (; found.length < limit; at += 1) {
      const key = this.#sorted[at];
      if (key?.startsWith(prefix) !== true) break;
      if (this.#live(key) !== undefined && isVisible(key)) found.push(key);
    }
    return found;
  }

  watch(onChange: (change: StateChange) => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** No more sweeps. */
  close(): void {
    this.#cancelSweep?.();
    this.#watchers.clear();
  }

  #live(key: string): Row | undefined {
    const row = this.#rows.get(key);
    return row !== undefined && row.endsAt > this.#options.clock.now() ? row : undefined;
  }

  #change(key: string, row: Row | undefined): void {
    const revision = this.#revision + 1;
    this.#options.journal?.write(key, row, revision);
    this.#revision = revision;
    this.#put(key, row);
    for (const tell of this.#watchers) tell({ key, revision, deleted: row === undefined });
  }

  #put(key: string, row: Row | undefined): void {
    const old = this.#rows.get(key);
    if (old !== undefined) this.#count(key, old, -1);
    if (row === undefined) {
      if (this.#rows.delete(key)) this.#sorted.splice(this.#place(key), 1);
      return;
    }
    if (old === undefined) this.#sorted.splice(this.#place(key), 0, key);
    this.#rows.set(key, row);
    this.#count(key, row, 1);
    if (row.endsAt !== Number.POSITIVE_INFINITY) this.#planSweep();
  }

  #count(key: string, row: Row, sign: 1 | -1): void {
    const own = this.#used.get(row.owner) ?? { bytes: 0, keys: 0 };
    this.#used.set(row.owner, own);
    for (const used of [own, this.#all]) {
      used.bytes += sign * sizeOf(key, row);
      used.keys += sign;
    }
    if (own.keys === 0) this.#used.delete(row.owner);
  }

  #requireRoom(key: string, row: Row, own: { readonly maxBytes: number; readonly maxKeys: number }): void {
    const refusal = this.#refusal(key, row, own);
    if (refusal === undefined) return;
    this.#sweep();
    const again = this.#refusal(key, row, own);
    if (again !== undefined) throw again;
  }

  #refusal(key: string, row: Row, { maxBytes, maxKeys }: { readonly maxBytes: number; readonly maxKeys: number }): HostError | undefined {
    const { owner } = row;
    const old = this.#rows.get(key);
    const [oldBytes, oldKeys] = old === undefined ? [0, 0] : [sizeOf(key, old), 1];
    const mine = old?.owner === owner ? [oldBytes, oldKeys] : [0, 0];
    const used = this.#used.get(owner) ?? { bytes: 0, keys: 0 };
    const bytes = used.bytes - (mine[0] ?? 0) + sizeOf(key, row);
    const keys = used.keys - (mine[1] ?? 0) + 1;
    const remedy = "delete keys or raise it";
    const full = (what: string): HostError => new HostError("quota-exceeded", what);
    if (keys > maxKeys) return full(`${owner} would have ${keys} keys in the state; its limit is ${maxKeys} (limits.stateKeys), ${remedy}`);
    if (bytes > maxBytes)
      return full(`${owner} would have ${bytes} bytes in the state; its limit is ${maxBytes} (limits.stateMiB), ${remedy}`);
    const all = this.#options;
    if (this.#all.keys - oldKeys + 1 > all.maxKeys)
      return full(
        `the state has ${this.#all.keys} keys, of all plugins together; the limit is ${all.maxKeys} (drivers.state.maxKeys), ${remedy}`,
      );
    if (this.#all.bytes - oldBytes + sizeOf(key, row) > all.maxBytes)
      return full(`the state is full, of all plugins together; the limit is ${all.maxBytes} bytes (drivers.state.maxMiB), ${remedy}`);
    return undefined;
  }

  #planSweep(): void {
    this.#cancelSweep ??= this.#options.clock.after(SWEEP_MS, () => {
      this.#cancelSweep = undefined;
      this.#sweep();
      if ([...this.#rows.values()].some(({ endsAt }) => endsAt !== Number.POSITIVE_INFINITY)) this.#planSweep();
    });
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    for (const [key, { endsAt }] of this.#rows) if (endsAt <= now) this.#change(key, undefined);
  }

  /** Where a key stands, or would stand. */
  #place(key: string): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function requireWritable(key: string, value: Bytes, ttlMs: number | undefined): void {
  if (value.length > MAX_VALUE_BYTES)
    throw new HostError("quota-exceeded", `state value of ${key} has ${value.length} bytes; the limit is ${MAX_VALUE_BYTES}`);
  if (ttlMs !== undefined && ttlMs < 1)
    throw new HostError("invalid-message", `ttl-ms of ${key} is ${ttlMs}; write 1 or more, or none for ever`);
}

function requireLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED)
    throw new HostError("invalid-message", `limit is ${limit}; write 1 to ${MAX_LISTED}`);
}
