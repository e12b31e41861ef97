// How the command speaks to people: on standard error, with what a plugin sent escaped; in colours on a terminal only.

import { styleText } from "node:util";
import Table from "cli-table3";
import { answerTo } from "../bounds/error-answers.ts";
import { describeCause, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { LogSink } from "../core/ports/log.ts";
import { fitted } from "./fit.ts";
import { say, writeJson, writeLines } from "./terminal.ts";

/** A value as JSON, or whatever `show` makes of it for people, on standard output. */
export function print(json: boolean | undefined, value: unknown, show: () => string): void {
  if (json === true) writeJson(JSON.stringify(value, null, 2));
  else writeLines(show());
}

/** How something ended: a sentence on standard error, or with --json a value on standard output. */
export function conclude(json: boolean | undefined, value: unknown, sentence: string): void {
  if (json === true) print(true, value, () => "");
  else say(sentence);
}

/** One text, which stays a line whatever it says, or several. */
type Cell = string | number | readonly string[];

/** As wide as the terminal at most. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const bold = head.map((text) => styleText("bold", text, { stream: process.stdout }));
  const made = new Table({ head: bold, style: { head: [], border: [], compact: true } });
  made.push(...fitted([[...head], ...rows.map((row) => row.map(shownCell))], process.stdout.columns).slice(1));
  return made.toString();
}

const shownCell = (cell: Cell): string => (Array.isArray(cell) ? cell : [String(cell)]).map(escapeControls).join("\n");

/** How this command is to be called from here: in a project that has it, not by a name that npx would look for elsewhere. */
export const commandName = (): string =>
  process.env.npm_lifecycle_event === "npx" || process.env.npm_command === "exec" ? "npx --no-install bulkhead" : "bulkhead";

/** Whether the caller asked for JSON, also where the arguments themselves are wrong. */
const wantsJson = (): boolean => process.argv.slice(2, indexOrEnd(process.argv, "--")).includes("--json");

const indexOrEnd = (list: readonly string[], item: string): number => (list.includes(item) ? list.indexOf(item) : list.length);

/** Prints the failure with its detail, with --json as JSON on standard output, and returns the exit code for it. */
export function reportFailure(thrown: unknown): number {
  const error = toHostError(thrown);
  const { code, message, detail, reason, retryAfterMs } = error;
  const exitCode = answerTo(error).exit;
  if (wantsJson()) {
    print(true, { error: { code, message, detail, reason, retryAfterMs } }, () => "");
    if (code !== "internal") return exitCode;
  }
  const shown = reason === undefined ? code : `${code} (${reason})`;
  say(styleText("red", `bulkhead: ${shown}: ${escapeControls(message)}`, { stream: process.stderr }));
  for (const line of (detail ?? "").split("\n")) if (line !== "") say(`  ${escapeControls(line)}`);
  if (code === "internal" && error.cause instanceof Error) say(`  ${error.cause.stack ?? error.cause.message}`);
  return exitCode;
}

/** Log lines for people, on standard error. */
export const stderrLog: LogSink = {
  write({ level, plugin, message, cause }) {
    say(
      `${level.toUpperCase()} ${plugin}: ${escapeControls(message)}${cause === undefined ? "" : `: ${escapeControls(describeCause(cause))}`}`,
    );
  },
};
