// Places in a stranger's source, from the stack that QuickJS writes. All of it is a stranger's word: cut, escaped, and no more than shown.

import { escapeControls } from "../core/names.ts";

/** A program as it was evaluated, for who looks for a place in it. */
export interface Program {
  readonly source: string;
  readonly file: string;
}

/** Line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly frames: readonly string[];
}

const MAX_FRAMES = 16;
const MAX_FRAME_LENGTH = 200;
const MAX_STACK_LENGTH = 16_384;
const FRAME = /^at .{0,150}(?:\(native\)|:\d{1,9}:\d{1,9}\)?)$/;
const POSITION = /:(\d{1,9}):(\d{1,9})\)?$/;
/** Our own code in the sandbox. */
const INTERNAL = "bulkhead:";

/**
 * The innermost frame with a position, and all of them. Without one it is the last line of the program: where its value is made. `isLoop` says that it was ended
 * in the midst of something: QuickJS then tells the beginning of a function that has not yet called any other, and the loop after that is meant.
 */
export function placeIn(stack: string, program: Program, isLoop = false): Place {
  const lines = stack.slice(0, MAX_STACK_LENGTH).split("\n");
  const frames = lines
    .map((line) => line.trim())
    .filter((line) => FRAME.test(line) && !line.includes(INTERNAL))
    .slice(0, MAX_FRAMES)
    .map((line) => escapeControls(line.slice(0, MAX_FRAME_LENGTH)));
  const lineCount = program.source.split("\n").length;
  for (const frame of frames) {
    const [, line, column] = (frame.includes(`${program.file}:`) && POSITION.exec(frame)) || [];
    if (line === undefined || column === undefined) continue;
    const found = { line: Number(line), column: Number(column) };
    if (found.line <= lineCount) return { file: program.file, frames, ...(isLoop ? loopAfter(found, program.source) : found) };
  }
  return { file: program.file, frames, ...endOf(program.source) };
}

interface Position {
  readonly line: number;
  readonly column: number;
}

function endOf(source: string): Position {
  const lines = source.trimEnd().split("\n");
  const last = lines.at(-1) ?? "";
  return { line: lines.length, column: last.length - last.trimStart().length + 1 };
}

const TOKENS = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|[\w$]+/g;
const LOOPS: ReadonlySet<string> = new Set(["for", "while", "do"]);
const BEGINS_FUNCTION = /^(?:async\b|function\b)/;

function loopAfter(position: Position, source: string): Position {
  const start = offsetOf(position, source);
  const isStart = start === 0 || BEGINS_FUNCTION.test(source.slice(start, start + 16));
  if (!isStart) return position;
  TOKENS.lastIndex = start;
  for (let token = TOKENS.exec(source); token !== null; token = TOKENS.exec(source))
    if (LOOPS.has(token[0])) return positionOf(token.index, source);
  return position;
}

function offsetOf({ line, column }: Position, source: string): number {
  let start = 0;
  for (let i = 1; i < line; i += 1) start = source.indexOf("\n", start) + 1;
  return start + column - 1;
}

function positionOf(offset: number, source: string): Position {
  const before = source.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
