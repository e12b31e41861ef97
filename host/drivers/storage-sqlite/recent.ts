// Values that the one who writes has read or set of late, so that a counter or a setting is not looked up each time. Only values that do not end by themselves.

import type { Bytes } from "../../core/types.ts";

const MAX_BYTES = 131_072;
const MAX_VALUE_BYTES = 4_096;
/** Of the map and the array, beside key and value. */
const ENTRY_BYTES = 200;

export class Recent {
  readonly #values = new Map<string, Bytes>();
  #bytes = 0;

  /** Changes when another value is kept. */
  get(key: string): Bytes | undefined {
    return this.#values.get(key);
  }

  /** Keeps a copy. When there is no room it begins anew. */
  keep(key: string, value: Bytes): void {
    const before = this.#values.get(key);
    if (before?.length === value.length) {
      before.set(value);
      return;
    }
    this.forget(key);
    if (value.length > MAX_VALUE_BYTES) return;
    const bytes = sizeOf(key, value);
    if (this.#bytes + bytes > MAX_BYTES) this.clear();
    this.#values.set(key, new Uint8Array(value));
    this.#bytes += bytes;
  }

  forget(key: string): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#bytes -= sizeOf(key, value);
  }

  clear(): void {
    this.#values.clear();
    this.#bytes = 0;
  }
}

const sizeOf = (key: string, value: Bytes): number => 2 * key.length + value.length + ENTRY_BYTES;
