// Extism variables: volatile bytes by name, kept for the life of one instance, keys counted.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";

// A Map entry costs about this much beside its key and value, so that short variables are not free.
const ENTRY_BYTES = 128;
const sizeOf = (key: string, value: Bytes): number => ENTRY_BYTES + 2 * key.length + value.length;

export class GuestVars {
  readonly #maxBytes: number;
  readonly #values = new Map<string, Bytes>();
  #totalBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): Bytes | undefined {
    return this.#values.get(key);
  }

  entries(): (readonly [key: string, value: Bytes])[] {
    return [...this.#values];
  }

  /** Undefined removes. Throws HostError `quota-exceeded` and keeps the old value when all would not fit. */
  set(key: string, value: Bytes | undefined): void {
    const old = this.#values.get(key);
    const freed = old === undefined ? 0 : sizeOf(key, old);
    if (value === undefined) {
      this.#values.delete(key);
      this.#totalBytes -= freed;
      return;
    }
    const total = this.#totalBytes - freed + sizeOf(key, value);
    if (total > this.#maxBytes) {
      throw new HostError("quota-exceeded", `variables would hold ${total} bytes; the limit is ${this.#maxBytes} (limits.varMiB)`);
    }
    this.#values.set(key, value);
    this.#totalBytes = total;
  }
}
