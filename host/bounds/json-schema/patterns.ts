// Regular expressions of strangers, matched in time that grows with the text and not with what an author was able to think of. The syntax is
// RE2's, read and compiled by re2js.

import { createRequire } from "node:module";
import type { RE2JS } from "re2js";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import { Automaton, type Instruction, OP } from "./automaton.ts";

const MAX_PATTERN_LENGTH = 200;
/** Instructions of the automaton, of which each may be looked at for each character. */
const MAX_PROGRAM = 4_096;
/** Each repetition is written out that often. One in the other are multiplied, which the compiler bounds by 1,000. */
const MAX_REPETITIONS = 1_000;

const load = createRequire(import.meta.url);
let compiler: typeof RE2JS | undefined;

/**
 * Throws HostError `invalid-message` for what RE2 does not have (references back, looking ahead or behind), for letters of either case, and for what would
 * need more than 4,096 instructions. The compiler is loaded by the first pattern that anybody has.
 */
export function compilePattern(source: string): Automaton {
  if (source.length > MAX_PATTERN_LENGTH) throw refused(source, `it has ${source.length} characters; the limit is ${MAX_PATTERN_LENGTH}`);
  if (repetitionsIn(source) > MAX_REPETITIONS) throw refused(source, `its counted repetitions come to more than ${MAX_REPETITIONS}`);
  if (IGNORES_CASE.test(source.replace(/\\./gs, ""))) throw refused(source, "it ignores case; write the letters of both cases");
  const { inst, start } = programOf(source);
  if (inst.length > MAX_PROGRAM) throw refused(source, `it takes ${inst.length} instructions; the limit is ${MAX_PROGRAM}`);
  if (inst.some(({ op }) => op > OP.ANY_BUT_NEWLINE)) throw refused(source, "it looks behind");
  return new Automaton(inst, start);
}

/** Each way to ignore case makes the tables of its letters anew. */
const IGNORES_CASE = /\(\?[a-zA-Z-]*i[a-zA-Z-]*[:)]/;

interface Program {
  readonly inst: readonly Instruction[];
  readonly start: number;
}

function programOf(source: string): Program {
  compiler ??= (load("re2js") as { readonly RE2JS: typeof RE2JS }).RE2JS;
  try {
    return compiler.compile(compiler.translateRegExp(source)).re2().prog as Program;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, "") : "";
    throw refused(source, `RE2 does not read it: ${printable(why)}`);
  }
}

const refused = (source: string, why: string): HostError =>
  new HostError("invalid-message", `the pattern "${printable(source)}" is refused: ${why}`);

const repetitionsIn = (source: string): number =>
  [...source.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].reduce((sum, [, least, most]) => sum + Number(most || least), 0);
