// Where lines go: those that plugins write, and those that the host writes about them.

import type { LogLevel } from "../wit.ts";

export type { LogLevel } from "../wit.ts";

export interface LogLine {
  readonly level: LogLevel;
  /** The plugin that wrote it, or "host". */
  readonly plugin: string;
  readonly message: string;
  readonly traceparent?: string | undefined;
  /** "guest" for what the plugin wrote itself; else the line is the host's, and `plugin` whom it is about. */
  readonly by?: "guest" | undefined;
  /** Of a line of the host's own: the plugin that it is about, or that brought it about. */
  readonly about?: string | undefined;
  /** The record of the turn that it is about (bulkhead records). */
  readonly record?: string | undefined;
  /** What led to it, for the operator only: an error or a text. */
  readonly cause?: unknown;
}

/** Takes lines and never throws or waits. */
export interface LogSink {
  write(line: LogLine): void;
}

/** A line that was written. */
export interface LoggedLine extends LogLine {
  /** From 1 on, since the host started. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cause: string | undefined;
}
