// One check of one value: where it stands, and what is left of its steps.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Automaton } from "./automaton.ts";
import { isRecord, type SchemaObject } from "./words.ts";

/** What a keyword says of a value: why it does not fit, or nothing. `walk.path` stays where that is. */
export type Keyword = (walk: Walk, value: unknown, operand: unknown, schema: SchemaObject) => string | undefined;

export interface Rule {
  readonly keyword: Keyword;
  readonly operand: unknown;
}

/** What a walk asks of the schema as a whole. */
export interface Rules {
  /** The keywords of a schema that say something about values, in the order in which they are looked at. */
  rulesOf(schema: SchemaObject): readonly Rule[];
  definition(reference: unknown): unknown;
  pattern(source: string): Automaton;
}

/** One check: how far it has come, and what is left of its steps. */
export class Walk {
  readonly path: PropertyKey[] = [];
  readonly #rules: Rules;
  readonly #maxSteps: number;
  #steps = 0;

  constructor(rules: Rules, maxSteps: number) {
    this.#rules = rules;
    this.#maxSteps = maxSteps;
  }

  /** Throws HostError `quota-exceeded` when there are not as many left; called before the work. */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps)
      throw new HostError(
        "quota-exceeded",
        `it takes more than ${this.#maxSteps} steps to check, at ${pointerOf(this.path) || "its root"}`,
      );
  }

  visit(schema: unknown, value: unknown): string | undefined {
    this.spend(1);
    if (!isRecord(schema)) return schema === false ? "must not be there" : undefined;
    const rules = this.#rules.rulesOf(schema);
    this.spend(rules.length);
    for (const { keyword, operand } of rules) {
      const message = keyword(this, value, operand, schema);
      if (message !== undefined) return message;
    }
    return undefined;
  }

  /** What is inside of the value, by its name or place. */
  visitAt(schema: unknown, value: unknown, key: PropertyKey): string | undefined {
    this.path.push(key);
    const message = this.visit(schema, value);
    if (message === undefined) this.path.pop();
    return message;
  }

  /** Whether it fits, wherever it does not. */
  fits(schema: unknown, value: unknown): boolean {
    const { length } = this.path;
    const isFit = this.visit(schema, value) === undefined;
    this.path.length = length;
    return isFit;
  }

  refer(reference: unknown, value: unknown): string | undefined {
    return this.visit(this.#rules.definition(reference), value);
  }

  matches(source: string, text: string): boolean {
    return this.#rules.pattern(source).finds(text, (steps) => this.spend(steps));
  }
}

const MAX_NAME_LENGTH = 64;

/** For people and programs: escaped as RFC 6901 says, and fit for a terminal. */
export function pointerOf(path: readonly PropertyKey[]): string {
  const names = path.map((key) => {
    const name = String(key);
    const cut = name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;
    return `/${printable(cut).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  });
  return names.join("");
}
