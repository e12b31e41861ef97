// What a guest writes to its standard output or error, as lines of its log.

import type { LogLevel } from "../../core/ports/log.ts";
import type { Bytes } from "../../core/types.ts";
import { type CellScope, writeLog } from "./cell-functions.ts";

// As long as a line of the log may be, counted in bytes.
const MAX_LINE_BYTES = 8_192;
const NEWLINE = 10;

// One for all: making one costs more than the line, and a guest may write as many empty lines as it has bytes.
const decoder = new TextDecoder();

export class LogLines {
  readonly #scope: CellScope;
  readonly #level: LogLevel;
  readonly #onLine: (line: string) => void;
  readonly #line = new Uint8Array(MAX_LINE_BYTES);
  #length = 0;

  constructor(scope: CellScope, level: LogLevel, onLine: (line: string) => void = () => {}) {
    this.#scope = scope;
    this.#level = level;
    this.#onLine = onLine;
  }

  write(bytes: Bytes): void {
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = Math.min(newline < 0 ? bytes.length : newline, at + MAX_LINE_BYTES - this.#length);
      this.#line.set(bytes.subarray(at, end), this.#length);
      this.#length += end - at;
      at = end === newline ? end + 1 : end;
      if (end === newline || this.#length === MAX_LINE_BYTES) this.#end();
    }
  }

  /** Logs what has no end of line. */
  flush(): void {
    if (this.#length > 0) this.#end();
  }

  #end(): void {
    const line = decoder.decode(this.#line.subarray(0, this.#length));
    this.#length = 0;
    writeLog(this.#scope, this.#level, line);
    this.#onLine(line);
  }
}
