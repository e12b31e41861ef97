// The shared state as a table in memory, which gives revisions itself. What is to outlive the host is written to a journal first.

import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StateChange, StateDriver, StateEntry, StateWrite } from "../../core/ports/state.ts";
import type { KeyRange } from "../../core/ports/storage.ts";
import type { Bytes } from "../../core/types.ts";
import { type Row, StateRows } from "./rows.ts";

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

export class StateTable implements StateDriver {
  readonly #journal: Journal | undefined;
  readonly #rows: StateRows;
  #revision = 0;

  constructor({ journal, ...options }: StateTableOptions) {
    this.#journal = journal;
    this.#rows = new StateRows({ ...options, onSweep: () => this.#sweep() });
  }

  /** What was written down before; told to nobody. */
  restore(rows: Iterable<readonly [string, Row]>, revision: number): void {
    for (const [key, row] of rows) this.#rows.put(key, row);
    this.#revision = revision;
  }

  get(key: string): StateEntry | undefined {
    return this.#rows.get(key);
  }

  set(key: string, value: Bytes, write: StateWrite): number | undefined {
    if (!this.#takes(key, value, write)) return undefined;
    const { owner, ttlMs } = write;
    return this.#change(key, { value, owner, revision: this.#revision + 1, endsAt: this.#rows.endOf(ttlMs) });
  }

  delete(key: string, expected: number | undefined): number | undefined {
    return this.#rows.expected(key, expected) && this.#change(key, undefined);
  }

  /** All keys, whatever their number. */
  all(prefix: string): string[] {
    return this.#rows.all(prefix);
  }

  keys(range: KeyRange, isVisible: (key: string) => boolean): string[] {
    return this.#rows.keys(range, isVisible);
  }

  watch(onChange: (change: StateChange) => void): () => void {
    return this.#rows.watch(onChange);
  }

  /** No more sweeps. */
  close(): void {
    this.#rows.close();
  }

  #takes(key: string, value: Bytes, write: StateWrite): boolean {
    try {
      return this.#rows.takes(key, value, write);
    } catch (thrown) {
      if (!(thrown instanceof HostError && thrown.code === "quota-exceeded") || this.#rows.ended().length === 0) throw thrown;
      this.#sweep();
      return this.#rows.takes(key, value, write);
    }
  }

  #change(key: string, row: Row | undefined): number {
    const revision = this.#revision + 1;
    this.#journal?.write(key, row, revision);
    this.#revision = revision;
    this.#rows.change(key, row, revision);
    return revision;
  }

  #sweep(): void {
    for (const key of this.#rows.ended()) this.#change(key, undefined);
  }
}
