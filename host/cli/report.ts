// How the command speaks to people: on standard error, with what a plugin sent escaped; in colours on a terminal only.

import { styleText } from "node:util";
import Table from "cli-table3";
import type { HostErrorCode } from "../core/errors.ts";
import { describeCause, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { LogSink } from "../core/ports/log.ts";
import { EXIT } from "./exit-codes.ts";

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A value as JSON, or whatever `show` makes of it for people, on standard output. */
export function print(json: boolean | undefined, value: unknown, show: () => string): void {
  process.stdout.write(`${json === true ? JSON.stringify(value, null, 2) : show()}\n`);
}

/** How something ended: a sentence on standard error, or with --json a value on standard output. */
export function conclude(json: boolean | undefined, value: unknown, sentence: string): void {
  if (json === true) print(true, value, () => "");
  else say(sentence);
}

/** Cells must be escaped already where they hold a stranger's text. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const bold = head.map((text) => styleText("bold", text, { stream: process.stdout }));
  const made = new Table({ head: bold, style: { head: [], border: [], compact: true } });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

const USAGE_ERRORS: ReadonlySet<HostErrorCode> = new Set(["invalid-message", "invalid-manifest"]);

/** Prints the failure with its detail and returns the exit code for it. */
export function reportFailure(thrown: unknown): number {
  const error = toHostError(thrown);
  say(styleText("red", `bulkhead: ${error.code}: ${escapeControls(error.message)}`, { stream: process.stderr }));
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
