// The rows of the shared state in memory: its rules, its quotas and who watches it. What makes a revision, and where a change is written first, is decided elsewhere.

import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StateChange, StateEntry, StateWrite } from "../../core/ports/state.ts";
import type { KeyRange } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";

export interface Row extends StateEntry {
  /** Milliseconds since 1970; infinite for what stays. */
  readonly endsAt: number;
}

export interface StateRowsOptions {
  readonly clock: Clock;
  /** Of all plugins together. */
  readonly maxBytes: number;
  readonly maxKeys: number;
  /** Called now and then as long as there is something whose time may be over. */
  onSweep(): void;
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

export class StateRows {
  readonly #options: StateRowsOptions;
  readonly #rows = new Map<string, Row>();
  readonly #sorted: string[] = [];
  readonly #used = new Map<string, Used>();
  readonly #all: Used = { bytes: 0, keys: 0 };
  readonly #watchers = new Set<(change: StateChange) => void>();
  #cancelSweep: (() => void) | undefined;

  constructor(options: StateRowsOptions) {
    this.#options = options;
  }

  /** Undefined for what is not there, and for what has ended. */
  get(key: string): Row | undefined {
    const row = this.#rows.get(key);
    return row !== undefined && row.endsAt > this.#options.clock.now() ? row : undefined;
  }

  /** The revision of what is written there, whether it has ended or not; 0 for nothing. */
  revisionOf(key: string): number {
    return this.#rows.get(key)?.revision ?? 0;
  }

  /** As `get`, and undefined for another revision than the one that is expected, if one is. */
  expected(key: string, revision: number | undefined): Row | undefined {
    const row = this.get(key);
    return revision === undefined || row?.revision === revision ? row : undefined;
  }

  /** Whether somebody may write there what he wants to. Throws HostError `quota-exceeded`, `invalid-message`. */
  takes(key: string, value: Bytes, write: StateWrite): boolean {
    requireWritable(key, value, write.ttlMs);
    if (write.expected !== undefined && write.expected !== (this.get(key)?.revision ?? 0)) return false;
    const refusal = this.#refusal(key, value.length + key.length, write);
    if (refusal !== undefined) throw refusal;
    return true;
  }

  /** Until when a value is there that is set now. */
  endOf(ttlMs: number | undefined): number {
    return ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() + ttlMs;
  }

  /** Written, and told to whoever watches. */
  change(key: string, row: Row | undefined, revision: number): void {
    this.put(key, row);
    for (const tell of this.#watchers) tell({ key, revision, deleted: row === undefined });
  }

  /** Those that have ended. */
  ended(): string[] {
    const now = this.#options.clock.now();
    return [...this.#rows].flatMap(([key, { endsAt }]) => (endsAt <= now ? [key] : []));
  }

  /** All keys, whatever their number. */
  all(prefix: string): string[] {
    return this.#sorted.filter((key) => key.startsWith(prefix) && this.get(key) !== undefined);
  }

  keys({ prefix, after, limit }: KeyRange, isVisible: (key: string) => boolean): string[] {
    requireLimit(limit);
    const found: string[] = [];
    let at = this.#place(prefix);
    if (after !== undefined) at = Math.max(at, this.#place(after) + (this.#rows.has(after) ? 1 : 0));
    for (; found.length < limit; at += 1) {
      const key = this.#sorted[at];
      if (key?.startsWith(prefix) !== true) break;
      if (this.get(key) !== undefined && isVisible(key)) found.push(key);
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

  /** Written, and told to nobody. */
  put(key: string, row: Row | undefined): void {
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

  #refusal(key: string, size: number, { owner, maxBytes, maxKeys }: StateWrite): HostError | undefined {
    const old = this.#rows.get(key);
    const [oldBytes, oldKeys] = old === undefined ? [0, 0] : [sizeOf(key, old), 1];
    const [mineBytes, mineKeys] = old?.owner === owner ? [oldBytes, oldKeys] : [0, 0];
    const used = this.#used.get(owner) ?? { bytes: 0, keys: 0 };
    const bytes = used.bytes - mineBytes + size;
    const keys = used.keys - mineKeys + 1;
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
    if (this.#all.bytes - oldBytes + size > all.maxBytes)
      return full(`the state is full, of all plugins together; the limit is ${all.maxBytes} bytes (drivers.state.maxMiB), ${remedy}`);
    return undefined;
  }

  #planSweep(): void {
    this.#cancelSweep ??= this.#options.clock.after(SWEEP_MS, () => {
      this.#cancelSweep = undefined;
      this.#options.onSweep();
      if ([...this.#rows.values()].some(({ endsAt }) => endsAt !== Number.POSITIVE_INFINITY)) this.#planSweep();
    });
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
