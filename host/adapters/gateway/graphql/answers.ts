// What goes into a service and what comes out of it, between GraphQL's values and bytes; counted before it is parsed, and before it is told as often as a query asks for it.

import { isJsonWithin } from "../../../bounds/json.ts";
import { parseJsonInput } from "../../../bounds/json-input.ts";
import { isRecord, type SchemaObject } from "../../../bounds/json-schema/words.ts";
import { HostError } from "../../../core/errors.ts";
import type { Bytes } from "../../../core/types.ts";
import { isAnswer, type ServiceField } from "./fields.ts";
import type { DocumentNode, SelectionSetNode } from "./package.ts";

/** Of one answer. */
export const MAX_ANSWER_BYTES: number = 1_024 * 1_024;
const JSON_LIMITS = { maxValues: 100_000, maxDepth: 256 } as const;
/** Of all answers of a request, as they are told. */
export const MAX_TOLD_BYTES: number = 4 * 1_024 * 1_024;
/** What a value counts besides its bytes: a small one takes as long to tell. */
const VALUE_BYTES = 16;
export const NOTHING: Bytes = new Uint8Array(0);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Throws HostError `invalid-message`. */
export function payloadOf({ service, input, consumes }: ServiceField, given: Readonly<Record<string, unknown>>): Bytes {
  if (input === "members") return Buffer.from(JSON.stringify(given));
  if (!Object.hasOwn(given, "input")) return NOTHING;
  if (consumes === undefined) return Buffer.from(JSON.stringify(given.input));
  if (typeof given.input !== "string" || !BASE64.test(given.input))
    throw new HostError("invalid-message", `input of ${service} is no base64`);
  return Buffer.from(given.input, "base64");
}

/** Throws HostError `quota-exceeded` for more than 1 MiB or 100,000 values, `plugin-failed` for what is not what the field says. */
export function answerOf(output: Bytes, field: ServiceField): unknown {
  const { service, produces } = field;
  const tooMuch = (what: string): HostError =>
    new HostError("quota-exceeded", `${service} answered ${what}, which is more than GraphQL tells`);
  if (output.length > MAX_ANSWER_BYTES) throw tooMuch(`${output.length} bytes`);
  if (produces !== undefined) return Buffer.from(output).toString("base64");
  if (output.length === 0) return null;
  if (!isJsonWithin(output, JSON_LIMITS)) throw tooMuch(`more than ${JSON_LIMITS.maxValues} values, or ${JSON_LIMITS.maxDepth} deep`);
  const value = parsed(output, service);
  if (!isAnswer(value, field)) throw new HostError("plugin-failed", `${service} answered something else than it declares`);
  return value;
}

function parsed(output: Bytes, service: string): unknown {
  try {
    return parseJsonInput(output, "the answer");
  } catch (cause) {
    throw new HostError("plugin-failed", `${service} answered no JSON, or a key __proto__`, { cause });
  }
}

/** What is left of a request's answer. A query may ask for the same part of a service's answer many times, which costs the service nothing. */
export class ToldBytes {
  #left = MAX_TOLD_BYTES;
  /** Of JSON that is told whole. */
  readonly #known = new WeakMap<object, number>();
  readonly #fragments: ReadonlyMap<string, SelectionSetNode>;

  constructor({ definitions }: DocumentNode) {
    this.#fragments = new Map(
      definitions.flatMap((one) => (one.kind === "FragmentDefinition" ? [[one.name.value, one.selectionSet]] : [])),
    );
  }

  /** Counts what is selected of a value. Throws HostError `quota-exceeded` as soon as it is too much. */
  take(value: unknown, selected: SelectionSetNode | undefined): void {
    this.#spend(VALUE_BYTES);
    if (Array.isArray(value)) for (const one of value) this.take(one, selected);
    else if (selected === undefined) this.#spend(this.#bytesOf(value));
    else if (isRecord(value)) this.#members(value, selected);
  }

  #members(value: SchemaObject, selected: SelectionSetNode | undefined): void {
    for (const selection of selected?.selections ?? []) {
      // What selects nothing takes its time, too.
      this.#spend(1);
      if (selection.kind === "InlineFragment") this.#members(value, selection.selectionSet);
      else if (selection.kind === "FragmentSpread") this.#members(value, this.#fragments.get(selection.name.value));
      else {
        const { alias, name, selectionSet } = selection;
        this.#spend((alias ?? name).value.length);
        this.take(Object.hasOwn(value, name.value) ? value[name.value] : null, selectionSet);
      }
    }
  }

  #bytesOf(value: unknown): number {
    if (typeof value !== "object" || value === null) return Buffer.byteLength(JSON.stringify(value));
    const known = this.#known.get(value) ?? Buffer.byteLength(JSON.stringify(value));
    this.#known.set(value, known);
    return known;
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0)
      throw new HostError(
        "quota-exceeded",
        `the answers come to more than ${MAX_TOLD_BYTES} bytes, which is the limit; ask for less at once`,
      );
  }
}
