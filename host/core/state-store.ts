// Last values that plugins share. In memory and bounded; who may read or write what is decided in host-functions.ts.

import { HostError } from "./errors.ts";
import { isStateKey, printable } from "./names.ts";
import type { Bytes } from "./types.ts";

const MAX_VALUE_BYTES = 64 * 1024;
const MAX_TOTAL_BYTES = 16 * 1024 * 1024;
const MAX_KEYS = 10_000;
const MAX_LISTED_KEYS = 1_000;

export class StateStore {
  readonly #values = new Map<string, Bytes>();
  #totalBytes = 0;

  get(key: string): Bytes | undefined {
    return this.#values.get(requireStateKey(key));
  }

  /** Fails with `quota-exceeded` above 64 KiB a value, 10,000 keys or 16 MiB in all; the old value then stays. */
  set(key: string, value: Bytes): void {
    requireStateKey(key);
    if (value.length > MAX_VALUE_BYTES) {
      throw new HostError("quota-exceeded", `state value of ${key} has ${value.length} bytes; the limit is ${MAX_VALUE_BYTES}`);
    }
    if (this.#values.size >= MAX_KEYS && !this.#values.has(key)) {
      throw new HostError("quota-exceeded", `state has ${MAX_KEYS} keys, which is the limit; delete keys first`);
    }
    const total = this.#totalBytes - (this.#values.get(key)?.length ?? 0) + value.length;
    if (total > MAX_TOTAL_BYTES) {
      throw new HostError("quota-exceeded", `state would hold ${total} bytes; the limit is ${MAX_TOTAL_BYTES}, delete keys first`);
    }
    this.#values.set(key, value);
    this.#totalBytes = total;
  }

  delete(key: string): boolean {
    this.#totalBytes -= this.#values.get(requireStateKey(key))?.length ?? 0;
    return this.#values.delete(key);
  }

  /** At most 1,000 keys below `prefix` that pass `visible`, sorted. */
  keys(prefix: string, visible: (key: string) => boolean): string[] {
    return [...this.#values.keys()]
      .filter((key) => key.startsWith(prefix) && visible(key))
      .sort()
      .slice(0, MAX_LISTED_KEYS);
  }
}

function requireStateKey(key: string): string {
  if (isStateKey(key)) return key;
  throw new HostError("invalid-message", `"${printable(key)}" is no state key; write up to 255 of A-Z a-z 0-9 _ - in dotted segments`);
}
