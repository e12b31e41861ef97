// All that the command writes goes through here: nothing leaves it that a terminal obeys or does not show, whoever said it. What a stranger said must have
// been escaped before where it could end a line (core/names.ts); here is what holds where that was forgotten.

import { shownJson } from "../bounds/shown-json.ts";
import { escapeControls } from "../core/names.ts";

interface Output {
  readonly isTTY: boolean;
  write(piece: string | Uint8Array): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/** Ends of lines, and on a terminal our own styles: bold, red, and their ends. */
const KEPT = /(\n)/;
const KEPT_ON_TERMINALS = new RegExp(`(\n|${String.fromCharCode(27)}\\[(?:1|22|31|39)m)`);

/** Lines of text, as they are written to a stream of people. */
export function shownLines(text: string, isTerminal: boolean): string {
  const parts = text.split(isTerminal ? KEPT_ON_TERMINALS : KEPT);
  return parts.map((part, i) => (i % 2 === 1 ? part : escapeControls(part))).join("");
}

/** Lines for people, or for the shell, on standard output; ends the last one. */
export function writeLines(text: string): void {
  process.stdout.write(`${shownLines(text, process.stdout.isTTY)}\n`);
}

/** A line for people on standard error. */
export function say(line: string): void {
  process.stderr.write(`${shownLines(line, process.stderr.isTTY)}\n`);
}

const ALTERNATE = "\u001b[?1049h\u001b[?25l";
const BACK = "\u001b[?25h\u001b[?1049l";
const TOP_LEFT = "\u001b[H\u001b[J";

/** A page that is drawn again and again on a terminal, and gives back what was there before. */
export class Screen {
  readonly #leave = (): void => void process.stdout.write(BACK);
  readonly #end = (): void => process.exit(0);

  constructor() {
    process.stdout.write(ALTERNATE);
    process.on("exit", this.#leave);
    process.on("SIGINT", this.#end);
  }

  /** As much as the terminal has room for. */
  draw(text: string): void {
    const lines = shownLines(text, true).split("\n");
    process.stdout.write(TOP_LEFT + lines.slice(0, process.stdout.rows - 1).join("\r\n"));
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#leave);
    process.off("SIGINT", this.#end);
    this.#leave();
  }
}

/** JSON text on standard output; ends its last line. */
export function writeJson(json: string): void {
  process.stdout.write(`${shownJson(json)}\n`);
}

/** Bytes as they are for a program that reads them; on a terminal as text, with nothing hidden in it. Resolves when there is room for more. */
export async function writeBytes(bytes: Uint8Array, to: Output = process.stdout): Promise<void> {
  const written = to.isTTY ? bytesAsLines(bytes) : bytes;
  if (!to.write(written)) await new Promise<void>((resolve) => to.once("drain", resolve));
}

const bytesAsLines = (bytes: Uint8Array): string =>
  new TextDecoder()
    .decode(bytes)
    .split(/([\n\t])/)
    .map((part, i) => (i % 2 === 1 ? part : escapeControls(part)))
    .join("");
