// Reads and writes a store of keys and bytes as a test wants to see it: the plugin's storage, or the shared state.

import type { Bytes } from "../core/types.ts";
import { bytesOf, type Content, Payload } from "./payload.ts";

export interface Store {
  get(key: string): Bytes | undefined;
  set(key: string, value: Bytes): void;
  delete(key: string): boolean;
  /** In their order. */
  keys(prefix: string): string[];
}

/** Fails as the host functions do: `invalid-message` for a bad key, `quota-exceeded` for what is too much. */
export class Values {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get(key: string): Uint8Array | undefined {
    return this.#find(key)?.bytes;
  }

  text(key: string): string | undefined {
    return this.#find(key)?.text();
  }

  /** Throws HostError `invalid-message` when it is no JSON text. That it is a `T` is the caller's word. */
  json<T = unknown>(key: string): T | undefined {
    return this.#find(key)?.json<T>();
  }

  keys(prefix: string = ""): string[] {
    return this.#store.keys(prefix);
  }

  set(key: string, value: Content): void {
    this.#store.set(key, bytesOf(value));
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    return this.#store.delete(key);
  }

  #find(key: string): Payload | undefined {
    const bytes = this.#store.get(key);
    return bytes === undefined ? undefined : new Payload(bytes);
  }
}
