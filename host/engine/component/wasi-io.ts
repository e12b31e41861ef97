// wasi:io: streams, pollables and errors. Standard output and error are lines of the plugin's log; there is no standard input.
// Source of names and meanings: the WIT packages wasi:io and wasi:cli, 0.2.

import { HostError } from "../../core/errors.ts";
import type { LogLevel } from "../../core/ports.ts";
import type { Bytes } from "../../core/types.ts";
import { LogLines } from "../guest/log-lines.ts";
import type { ComponentHost, Interfaces } from "./component-host.ts";
import { err, ok, Resource, type WitResultValue } from "./resources.ts";

/** What one write to a stream may have; the guest is told by check-write. */
const MAX_WRITE_BYTES = 65_536;
const MAX_POLLABLES = 256;
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

/** Something to wait for. */
export class Pollable extends Resource {
  readonly #host: ComponentHost;
  readonly #readyAt: number;
  readonly #until: Promise<unknown> | undefined;
  #settled: boolean;

  /** Ready at a time of the monotonic clock in milliseconds, and not before `until` settles, if that is given. */
  constructor(host: ComponentHost, readyAt: number = Number.NEGATIVE_INFINITY, until?: Promise<unknown>) {
    super(host.ledger);
    this.#host = host;
    this.#readyAt = readyAt;
    this.#until = until;
    this.#settled = until === undefined;
    const settle = (): void => {
      this.#settled = true;
    };
    until?.then(settle, settle);
  }

  ready(): boolean {
    this.#host.count();
    return this.isReady;
  }

  get isReady(): boolean {
    return this.#settled && this.#host.environment.scope.clock.monotonicMs() >= this.#readyAt;
  }

  async block(): Promise<void> {
    await waitForAny(this.#host, [this]);
  }

  /** Calls `wake` once it may be ready, and returns what to call when nobody waits any more. */
  watch(wake: () => void): () => void {
    const { scope, limits } = this.#host.environment;
    if (this.#until !== undefined) {
      this.#until.then(wake, wake);
      return () => {};
    }
    // A turn that sleeps beyond its deadline is ended by that, so no timer has to stay longer.
    return scope.clock.after(Math.min(Math.max(0, this.#readyAt - scope.clock.monotonicMs()), limits.deadlineMs), wake);
  }
}

async function waitForAny(host: ComponentHost, pollables: readonly Pollable[]): Promise<void> {
  host.count();
  while (!pollables.some(({ isReady }) => isReady)) {
    const { promise, resolve } = Promise.withResolvers<Bytes>();
    const cancels = pollables.map((pollable) => pollable.watch(() => resolve(EMPTY)));
    await host.wait(promise).finally(() => {
      for (const cancel of cancels) cancel();
    });
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
    this.holds(bytes.length);
  }

  read(length: bigint): WitResultValue {
    this.#host.count();
    if (this.#left.length === 0) return CLOSED;
    const { payloadBytes } = this.#host.environment.limits;
    const part = this.#left.subarray(0, Math.min(Number(length), payloadBytes));
    this.#left = this.#left.subarray(part.length);
    if (this.#left.length === 0) this.holds(0);
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

  close(): void {
    this.#sink = undefined;
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

async function poll(host: ComponentHost, pollables: readonly Pollable[]): Promise<Uint32Array> {
  if (pollables.length === 0 || pollables.length > MAX_POLLABLES) {
    const message = `${host.environment.plugin} polls ${pollables.length} pollables; 1 to ${MAX_POLLABLES} are allowed`;
    host.control.doom(new HostError("plugin-failed", message));
    throw new WebAssembly.RuntimeError("ended by the host");
  }
  await waitForAny(host, pollables);
  return Uint32Array.from([...pollables.keys()].filter((i) => pollables[i]?.isReady));
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
