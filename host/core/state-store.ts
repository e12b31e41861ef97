// Last values that plugins share. In memory and bounded; who may read or write what is decided in host-functions.ts.

import { HostError } from "./errors.ts";
import { isStateKey, printable } from "./names.ts";
import type { Bytes } from "./types.ts";

const MAX_VALUE_BYTES = 64 * 1024;
const MAX_TOTAL_BYTES = 16 * 1024 * 1024;
const MAX_LISTED_KEYS = 1_000;
// A Map entry costs about this much beside its key and value, so that empty values are not free.
const ENTRY_BYTES = 128;

export class StateStore {
  readonly #values = new Map<string, Bytes>();
  #totalBytes = 0;

  get(key: string): Bytes | undefined {
    return this.#values.get(requireStateKey(key));
  }

  /** Fails with `quota-exceeded` above 64 KiB a value or 16 MiB in all; the old value then stays. */
  set(key: string, value: Bytes): void {
    requireStateKey(key);
    if (value.length > MAX_VALUE_BYTES) {
      throw new HostError("quota-exceeded", `state value of ${key} has ${value.length} bytes; the limit is ${MAX_VALUE_BYTES}`);
    }
    const total = this.#totalBytes - this.#sizeOf(key) + ENTRY_BYTES + key.length + value.length;
    if (total > MAX_TOTAL_BYTES) {
      throw new HostError("quota-exceeded", `state would hold ${total} bytes; the limit is ${MAX_TOTAL_BYTES}, delete keys first`);
    }
    this.#values.set(key, value);
    this.#totalBytes = total;
  }

  delete(key: string): boolean {
    this.#totalBytes -= this.#sizeOf(requireStateKey(key));
    return this.#values.delete(key);
  }

  /** At most 1,000 keys below `prefix` that pass `visible`, sorted. */
  keys(prefix: string, visible: (key: string) => boolean): string[] {
    const found = [...this.#values.keys()].filter((key) => key.startsWith(prefix) && visible(key));
    return found.sort().slice(0, MAX_LISTED_KEYS);
  }

  #sizeOf(key: string): number {
    const value = this.#values.get(key);
    return value === undefined ? 0 : ENTRY_BYTES + key.length + value.length;
  }
}

function requireStateKey(key: string): string {
  if (isStateKey(key)) return key;
  throw new HostError("invalid-message", `"${printable(key)}" is no state key; write up to 255 of A-Z a-z 0-9 _ - in dotted segments`);
}
