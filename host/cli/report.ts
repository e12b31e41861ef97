// How the command speaks to people: on standard error, with what a plugin sent escaped.

import type { HostErrorCode } from "../core/errors.ts";
import { describeCause, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { LogSink } from "../core/ports.ts";
import { EXIT } from "./exit-codes.ts";

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const USAGE_ERRORS: ReadonlySet<HostErrorCode> = new Set(["invalid-message", "invalid-manifest"]);

/** Prints the failure with its detail and returns the exit code for it. */
export function reportFailure(thrown: unknown): number {
  const error = toHostError(thrown);
  say(`bulkhead: ${error.code}: ${escapeControls(error.message)}`);
  for (const line of (error.detail ?? "").split("\n")) if (line !== "") say(`  ${escapeControls(line)}`);
  if (error.code === "internal" && error.cause instanceof Error) say(`  ${error.cause.stack ?? error.cause.message}`);
  return USAGE_ERRORS.has(error.code) ? EXIT.usage : EXIT.failed;
}

/** Log lines for people, on standard error. */
export const stderrLog: LogSink = {
  write({ level, plugin, message, cause }) {
    say(`${level.toUpperCase()} ${plugin}: ${escapeControls(message)}${cause === undefined ? "" : `: ${describeCause(cause)}`}`);
  },
};
