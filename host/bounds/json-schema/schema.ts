// Checks values by a JSON Schema that portable.ts has found portable: an interpreter that counts its steps, so that neither a stranger's schema nor a
// stranger's value decides how long that takes.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Automaton } from "./automaton.ts";
import { KEYWORDS } from "./keywords.ts";
import { compilePattern } from "./patterns.ts";
import { patternsOf } from "./portable.ts";
import { pointerOf, type Rule, type Rules, Walk } from "./walk.ts";
import { DEFINITIONS, definitionOf, isRecord, LISTS, MAPS, ONE, type SchemaObject } from "./words.ts";

/** What one check may take unless its caller says otherwise: 15 to 40 ms (docs/decisions/0028). */
export const MAX_STEPS = 1_000_000;

/** The first thing that is wrong. */
export interface Problem {
  /** Where in the value, as a JSON Pointer (RFC 6901); names of more than 64 characters are cut. */
  readonly pointer: string;
  /** In words, without the value. */
  readonly message: string;
}

/** A portable schema, ready to be asked. Its patterns are compiled here, once. */
export class JsonSchema implements Rules {
  readonly #root: unknown;
  readonly #rules = new WeakMap<SchemaObject, readonly Rule[]>();
  readonly #patterns = new Map<string, Automaton>();

  /** Throws HostError `invalid-message` for a pattern that is refused. Whether the rest is portable the caller has seen. */
  constructor(schema: unknown) {
    this.#root = schema;
    this.#compile(schema);
  }

  /** The first problem, or undefined when the value fits. Throws HostError `quota-exceeded` once that has taken `maxSteps`. */
  check(value: unknown, maxSteps: number = MAX_STEPS): Problem | undefined {
    const walk = new Walk(this, maxSteps);
    const message = walk.visit(this.#root, value);
    return message === undefined ? undefined : { pointer: pointerOf(walk.path), message };
  }

  rulesOf(schema: SchemaObject): readonly Rule[] {
    const known = this.#rules.get(schema);
    if (known !== undefined) return known;
    const rules = Object.entries(KEYWORDS).flatMap(([key, keyword]) =>
      Object.hasOwn(schema, key) ? [{ keyword, operand: schema[key] }] : [],
    );
    this.#rules.set(schema, rules);
    return rules;
  }

  definition(reference: unknown): unknown {
    return definitionOf(this.#root, reference);
  }

  pattern(source: string): Automaton {
    const known = this.#patterns.get(source);
    if (known === undefined) throw new HostError("internal", `the pattern "${printable(source)}" was not compiled`);
    return known;
  }

  #compile(schema: unknown): void {
    if (!isRecord(schema)) return;
    for (const [source] of patternsOf(schema)) if (!this.#patterns.has(source)) this.#patterns.set(source, compilePattern(source));
    for (const key of ONE) this.#compile(schema[key]);
    for (const key of LISTS) for (const inner of Array.isArray(schema[key]) ? schema[key] : []) this.#compile(inner);
    for (const key of [...MAPS, ...DEFINITIONS])
      for (const inner of isRecord(schema[key]) ? Object.values(schema[key]) : []) this.#compile(inner);
  }
}
