// The files of a log that are not written any more: `<path>.1` is the youngest, and none has a number above `keep`.

import { lstatSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";

export class KeptFiles {
  readonly #path: string;
  readonly #keep: number;

  constructor(path: string, keep: number) {
    this.#path = path;
    this.#keep = keep;
  }

  /** Leaves `files` at most, of `maxBytes` together, and of what is too much the youngest. Throws when that is not possible. */
  trim(files: number, maxBytes: number): void {
    let bytes = 0;
    for (const number of this.#numbers()) {
      bytes += lstatSync(this.#name(number), { throwIfNoEntry: false })?.size ?? 0;
      if (number > files || bytes > maxBytes) rmSync(this.#name(number), { force: true });
    }
  }

  /** Keeps what was written until now, after `trim` has made room for it. Links are moved, whatever they lead to. Throws when that is not possible. */
  take(): void {
    for (let number = this.#keep - 1; number >= 1; number -= 1) move(this.#name(number), this.#name(number + 1));
    move(this.#path, this.#name(1));
  }

  #name(number: number): string {
    return `${this.#path}.${number}`;
  }

  /** Youngest first. */
  #numbers(): number[] {
    const prefix = `${basename(this.#path)}.`;
    return readdirSync(dirname(this.#path))
      .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,8}$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b);
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (thrown) {
    // Somebody has removed it.
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
  }
}
