// What a plugin has read of its storage on the host's side, kept in its cell: for hosts that are the only ones to write there. What is written is read anew, and
// what lives for a time is not kept for longer. A plugin asks one thing at a time, so nothing is read while something is written.

import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes } from "../../core/types.ts";
import type { StorageVersioned, WitFunction, WitResult } from "../../core/wit.ts";
import { decodeAll, decodeResult, encodeResultView } from "../../engine/guest/blocks.ts";

/** What an entry takes beside its key and value, about. */
const ENTRY_BYTES = 128;

type Ask = (functionName: string, args: readonly Bytes[]) => Promise<Bytes>;
type Found = StorageVersioned | undefined;

export class ReadCache {
  readonly #maxBytes: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #ask: Ask;
  /** The one that was used longest ago first. Without a value for a key that has none. */
  readonly #entries = new Map<string, Found>();
  #bytes = 0;

  constructor(maxBytes: number, clock: Pick<Clock, "now">, ask: Ask) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
    this.#ask = ask;
  }

  /** As the host answers, or at once. */
  ask(functionName: string, args: readonly Bytes[]): Promise<Bytes> {
    switch (functionName) {
      case "storage.get":
        return this.#read(args, (found) => encodeResultView("storage.get", found?.value));
      case "storage.get-versioned":
        return this.#read(args, (found) => encodeResultView("storage.get-versioned", found));
      case "storage.get-many":
        return this.#readMany(args);
      case "storage.set":
      case "storage.delete":
        return this.#write(functionName, args, () => [decodeAll(functionName, args)[0]]);
      case "storage.apply":
        return this.#write(functionName, args, () => keysOf(decodeAll("storage.apply", args)[0]));
      case "storage.commit":
        return this.#write(functionName, args, () => keysOf(decodeAll("storage.commit", args)[1]));
      default:
        return this.#ask(functionName, args);
    }
  }

  async #read(args: readonly Bytes[], answer: (found: Found) => Bytes): Promise<Bytes> {
    const key = keyIn(args);
    const known = key === undefined ? undefined : this.#find(key);
    if (known !== undefined) return answer(known.found).slice();
    const asked = await this.#ask("storage.get-versioned", args);
    if (asked[0] !== 0 || key === undefined) return asked;
    const found = decodeResult("storage.get-versioned", asked) as WitResult<"storage.get-versioned">;
    this.#keep(key, found);
    return answer(found).slice();
  }

  /** The host's answer says neither versions nor for how long, so nothing of it is kept. */
  #readMany(args: readonly Bytes[]): Promise<Bytes> {
    const keys = decoded(() => decodeAll("storage.get-many", args)[0]) ?? [];
    const known = keys.map((key) => this.#find(key));
    if (keys.length === 0 || known.includes(undefined)) return this.#ask("storage.get-many", args);
    const values = known.map((one) => one?.found?.value);
    return Promise.resolve(encodeResultView("storage.get-many", values).slice());
  }

  /** Whether it was made or not, what is there is read anew. */
  #write(functionName: WitFunction, args: readonly Bytes[], keys: () => readonly string[]): Promise<Bytes> {
    const changed = decoded(keys);
    if (changed === undefined) this.#clear();
    for (const key of changed ?? []) this.#drop(key);
    return this.#ask(functionName, args);
  }

  #find(key: string): { readonly found: Found } | undefined {
    if (!this.#entries.has(key)) return undefined;
    const found = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, found);
    if (found?.expiresAt === undefined || found.expiresAt > this.#clock.now()) return { found };
    this.#drop(key);
    return undefined;
  }

  #keep(key: string, found: Found): void {
    this.#drop(key);
    const bytes = sizeOf(key, found);
    if (bytes > this.#maxBytes) return;
    this.#entries.set(key, found && { ...found, value: found.value.slice() });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    if (!this.#entries.has(key)) return;
    this.#bytes -= sizeOf(key, this.#entries.get(key));
    this.#entries.delete(key);
  }

  #clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}

const sizeOf = (key: string, found: Found): number => ENTRY_BYTES + Buffer.byteLength(key) + (found?.value.length ?? 0);
const keysOf = (changes: readonly { readonly key: string }[]): string[] => changes.map(({ key }) => key);
const keyIn = (args: readonly Bytes[]): string | undefined => decoded(() => decodeAll("storage.get", args)[0]);

/** Undefined for what the host refuses, with words for it. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
