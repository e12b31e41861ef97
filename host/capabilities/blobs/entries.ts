// The finished blobs of one plugin: what is known of each by its name, the names in the order of their bytes, and what all of them count.

import type { BlobEntry } from "../../core/ports/blobs.ts";
import { inByteOrder, type NameRange, sizeOf } from "./rules.ts";

export class Entries {
  readonly #byName: Map<string, BlobEntry>;
  /** Kept in order: sorting them for each page would let a plugin with many blobs hold up the host. */
  readonly #names: string[];
  #bytes: number;

  constructor(entries: readonly BlobEntry[]) {
    this.#byName = new Map(entries.map((entry) => [entry.name, entry]));
    this.#names = [...this.#byName.keys()].sort(inByteOrder);
    this.#bytes = entries.reduce((bytes, entry) => bytes + sizeOf(entry), 0);
  }

  get size(): number {
    return this.#names.length;
  }

  /** Of contents, names, media types and metadata. */
  get bytes(): number {
    return this.#bytes;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  get(name: string): BlobEntry | undefined {
    return this.#byName.get(name);
  }

  /** In place of the one that has its name. */
  set(entry: BlobEntry): void {
    const former = this.#byName.get(entry.name);
    if (former === undefined) this.#names.splice(this.#placeOf(entry.name), 0, entry.name);
    else this.#bytes -= sizeOf(former);
    this.#byName.set(entry.name, entry);
    this.#bytes += sizeOf(entry);
  }

  delete(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    this.#byName.delete(name);
    this.#names.splice(this.#placeOf(name), 1);
    this.#bytes -= sizeOf(entry);
  }

  page({ prefix, after = "", limit }: NameRange): BlobEntry[] {
    const isWithin = inByteOrder(after, prefix) >= 0;
    let at = this.#placeOf(isWithin ? after : prefix);
    if (isWithin && after !== "" && this.#names[at] === after) at += 1;
    const found: BlobEntry[] = [];
    for (; found.length < limit; at += 1) {
      const entry = this.#byName.get(this.#names[at] ?? "");
      if (entry === undefined || !entry.name.startsWith(prefix)) break;
      found.push(entry);
    }
    return found;
  }

  /** Of the first name that is not below this one. */
  #placeOf(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (inByteOrder(this.#names[middle] ?? "", name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
