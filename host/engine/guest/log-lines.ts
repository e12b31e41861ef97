// What a guest writes to its standard output or error, as lines of its log.

import type { LogLevel } from "../../core/ports.ts";
import type { Bytes } from "../../core/types.ts";
import { type CellScope, writeLog } from "./cell-functions.ts";

// As long as a line of the log may be, counted in bytes.
const MAX_LINE_BYTES = 8_192;
const NEWLINE = 10;

export class LogLines {
  readonly #scope: CellScope;
  readonly #level: LogLevel;
  readonly #onLine: (line: string) => void;
  readonly #line: number[] = [];

  constructor(scope: CellScope, level: LogLevel, onLine: (line: string) => void = () => {}) {
    this.#scope = scope;
    this.#level = level;
    this.#onLine = onLine;
  }

  write(bytes: Bytes): void {
    for (const byte of bytes) {
      if (byte !== NEWLINE) this.#line.push(byte);
      if (byte === NEWLINE || this.#line.length === MAX_LINE_BYTES) this.#end();
    }
  }

  /** Logs what has no end of line. */
  flush(): void {
    if (this.#line.length > 0) this.#end();
  }

  #end(): void {
    const line = new TextDecoder().decode(Uint8Array.from(this.#line));
    this.#line.length = 0;
    writeLog(this.#scope, this.#level, line);
    this.#onLine(line);
  }
}
