// wasi:io: streams and errors. Standard output and error are lines of the plugin's log; there is no standard input.
// Source of names and meanings: the WIT packages wasi:io and wasi:cli, 0.2.

import { HostError } from "../../core/errors.ts";
import type { LogLevel } from "../../core/ports/log.ts";
import type { Bytes } from "../../core/types.ts";
import { LogLines } from "../guest/log-lines.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { err, ok, Resource, type WitResultValue } from "./resources.ts";
import { Pollable, poll } from "./wasi-poll.ts";

/** What one write to a stream may have; the guest is told by check-write. */
const MAX_WRITE_BYTES = 65_536;
const MAX_LAST_LINES = 12;
const MAX_LAST_LINE_LENGTH = 300;
const EMPTY: Bytes = new Uint8Array(0);
const CLOSED = err({ tag: "closed" });

/** Why a stream failed. Nothing here makes one; the class has to be there. */
class IoError extends Resource {
  toDebugString(): string {
    return "the stream failed";
  }
}

/** A stream of bytes to read. */
export class InputStream extends Resource {
  readonly #host: ComponentHost;
  #left: Bytes;

  constructor(host: ComponentHost, bytes: Bytes = EMPTY) {
    super(host.ledger);
    this.#host = host;
    this.#left = bytes;
    Resource.holds(this, bytes.length);
  }

  read(length: bigint): WitResultValue {
    this.#host.count();
    if (this.#left.length === 0) return CLOSED;
    const { payloadBytes } = this.#host.environment.limits;
    const part = this.#left.subarray(0, Math.min(Number(length), payloadBytes));
    this.#left = this.#left.subarray(part.length);
    if (this.#left.length === 0) Resource.holds(this, 0);
    return ok(part);
  }

  blockingRead(length: bigint): WitResultValue {
    return this.read(length);
  }

  skip(length: bigint): WitResultValue {
    const read = this.read(length);
    return read.tag === "ok" ? ok(BigInt((read.val as Bytes).length)) : read;
  }

  blockingSkip(length: bigint): WitResultValue {
    return this.skip(length);
  }

  subscribe(): Pollable {
    return new Pollable(this.#host);
  }
}

/** A stream of bytes to write, into whatever takes them. */
export class OutputStream extends Resource {
  readonly #host: ComponentHost;
  /** Undefined once nothing more is taken. */
  #sink: ((bytes: Bytes) => void) | undefined;

  constructor(host: ComponentHost, sink: (bytes: Bytes) => void) {
    super(host.ledger);
    this.#host = host;
    this.#sink = sink;
  }

  /** Nothing more is taken. */
  static close(stream: OutputStream): void {
    stream.#sink = undefined;
  }

  checkWrite(): WitResultValue {
    this.#host.count();
    return this.#sink === undefined ? CLOSED : ok(BigInt(MAX_WRITE_BYTES));
  }

  write(bytes: Bytes): WitResultValue {
    this.#host.count();
    if (this.#sink === undefined) return CLOSED;
    if (bytes.length > MAX_WRITE_BYTES) {
      const { plugin } = this.#host.environment;
      const message = `${plugin} wrote ${bytes.length} bytes to a stream at once; check-write allows ${MAX_WRITE_BYTES}`;
      this.#host.control.doom(new HostError("plugin-failed", message));
      throw new WebAssembly.RuntimeError("ended by the host");
    }
    this.#sink(bytes);
    return ok(undefined);
  }

  flush(): WitResultValue {
    this.#host.count();
    return this.#sink === undefined ? CLOSED : ok(undefined);
  }

  blockingFlush(): WitResultValue {
    return this.flush();
  }

  blockingWriteAndFlush(bytes: Bytes): WitResultValue {
    return this.write(bytes);
  }

  writeZeroes(length: bigint): WitResultValue {
    return this.write(new Uint8Array(length > BigInt(MAX_WRITE_BYTES) ? MAX_WRITE_BYTES + 1 : Number(length)));
  }

  blockingWriteZeroesAndFlush(length: bigint): WitResultValue {
    return this.writeZeroes(length);
  }

  splice(from: InputStream, length: bigint): WitResultValue {
    const most = length > BigInt(MAX_WRITE_BYTES) ? BigInt(MAX_WRITE_BYTES) : length;
    const read = from.read(most);
    if (read.tag === "err") return read;
    const written = this.write(read.val as Bytes);
    return written.tag === "ok" ? ok(BigInt((read.val as Bytes).length)) : written;
  }

  blockingSplice(from: InputStream, length: bigint): WitResultValue {
    return this.splice(from, length);
  }

  subscribe(): Pollable {
    return new Pollable(this.#host);
  }
}

export function wasiIo(host: ComponentHost): Interfaces {
  return {
    "wasi:io/error": { Error: IoError },
    "wasi:io/streams": { InputStream, OutputStream },
    "wasi:io/poll": { Pollable, poll: (pollables: readonly Pollable[]) => poll(host, pollables) },
  };
}

/** Standard output and error, as lines of the plugin's log. */
export class LogStreams {
  readonly #host: ComponentHost;
  readonly #lines: Readonly<Record<"info" | "warning", LogLines>>;
  readonly #lastWords: string[] = [];

  constructor(host: ComponentHost) {
    this.#host = host;
    const { scope } = host.environment;
    this.#lines = {
      info: new LogLines(scope, "info"),
      warning: new LogLines(scope, "warning", (line) => {
        if (line.trim() !== "") this.#lastWords.push(line.slice(0, MAX_LAST_LINE_LENGTH));
        if (this.#lastWords.length > MAX_LAST_LINES) this.#lastWords.shift();
      }),
    };
  }

  /** The last lines written to standard error since `begin`. */
  get lastWords(): readonly string[] {
    return this.#lastWords;
  }

  begin(): void {
    this.#lastWords.length = 0;
  }

  /** Logs what has no end of line. */
  flush(): void {
    for (const lines of Object.values(this.#lines)) lines.flush();
  }

  open(level: Extract<LogLevel, "info" | "warning">): OutputStream {
    return new OutputStream(this.#host, (bytes) => this.#lines[level].write(bytes));
  }
}
