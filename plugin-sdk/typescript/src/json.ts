// JSON in and out of a plugin: by the engine's own functions, but that nothing is lost in silence. What JSON.stringify would make null or {} is refused with its
// path, and integers of 64 bits stay what they are.

import { Failure } from "./host-error.ts";
import { TextDecoder, TextEncoder } from "./utf8.ts";

/** What the engine has beyond the language's library in TypeScript's declarations. */
const engine = JSON as typeof JSON & { rawJSON(text: string): object };
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

export interface JsonOptions {
  /** Integers beyond ±(2^53 − 1) become a bigint, exactly as they are written; without it they are rounded to a number. Costs a call for each value. */
  readonly bigint?: boolean;
}

const INTEGER = /^-?\d+$/;
const exact: Reviver = (_key, value, { source }) =>
  typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && INTEGER.test(source) ? BigInt(source) : value;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** UTF-8 of bytes that somebody sent. Throws Failure for what is none. */
export function textOf(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Failure(`${what} is not UTF-8 text`);
  }
}

/** Reads JSON. Throws Failure for what is none. The type is the sender's promise: check what matters. */
export function decodeJson<T = unknown>(bytes: Uint8Array, { bigint = false }: JsonOptions = {}, what = "the input"): T {
  const text = textOf(bytes, what);
  try {
    return (bigint ? JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) : JSON.parse(text)) as T;
  } catch {
    throw new Failure(`${what} is no JSON text`);
  }
}

const Typed = Object.getPrototypeOf(Uint8Array) as { readonly prototype: object };
/** What JSON.stringify makes an empty object of, or one of its indices, and what to write in its place. */
const WITHOUT_FORM: readonly (readonly [{ readonly prototype: object }, string])[] = [
  [Typed, "write an Array.from(…) of it, or the text of its toBase64()"],
  [ArrayBuffer, "write an Array.from(new Uint8Array(…)), or the text of its toBase64()"],
  [SharedArrayBuffer, "write an Array.from(new Uint8Array(…))"],
  [DataView, "write what it shows"],
  [Map, "write Object.fromEntries(…) or [...entries]"],
  [Set, "write an array: [...set]"],
  [WeakMap, "it cannot be listed"],
  [WeakSet, "it cannot be listed"],
  [Promise, "host functions wait by themselves, so there is nothing to await"],
  [RegExp, "write its source"],
  [Error, "write its message"],
];

class Formless extends TypeError {
  override readonly message = "something in it has no form in JSON";
}

let isStrict = false;

function withoutForm(this: object): object {
  if (isStrict) throw new Formless();
  return this;
}

// The engine looks for toJSON by itself, so that whatever has a form costs nothing. Outside of encodeJson all is as it ever was.
for (const [{ prototype }] of WITHOUT_FORM) Object.defineProperty(prototype, "toJSON", { value: withoutForm, writable: true, configurable: true });
Object.defineProperty(BigInt.prototype, "toJSON", {
  value(this: bigint) {
    return isStrict ? engine.rawJSON(this.toString()) : this.valueOf();
  },
  writable: true,
  configurable: true,
});

/** A number that JSON cannot say is null in the text; a search for a text is cheap, one for a pattern is not. */
const mayHideNumber = (text: string): boolean => text === "null" || [":null", ",null", "[null"].some((one) => text.includes(one));

/** Writes JSON. Throws TypeError, with the path, for what has no form there: NaN and infinities, an invalid Date, a Map, a Set, bytes, a function as a whole. */
export const encodeJson = (value: unknown): Uint8Array => encoder.encode(stringify(value));

function stringify(value: unknown): string {
  isStrict = true;
  try {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`a ${typeof value} has no form in JSON`);
    if (mayHideNumber(text)) explain(value);
    return text;
  } catch (thrown) {
    if (thrown instanceof Formless) explain(value);
    throw thrown;
  } finally {
    isStrict = false;
  }
}

/** Goes through all that is written, and throws at the first value that has no form. */
function explain(value: unknown): void {
  isStrict = false;
  const holders: object[] = [];
  const keys: string[] = [];
  JSON.stringify(value, function (this: Record<string, unknown>, key, found: unknown) {
    while (holders.length > 0 && holders.at(-1) !== this) {
      holders.pop();
      keys.pop();
    }
    const problem = problemOf(found, this[key]);
    if (problem !== undefined) throw new TypeError(`${pathOf(keys, key)} ${problem}`);
    if (typeof found === "bigint") return engine.rawJSON(found.toString());
    if (typeof found === "object" && found !== null) {
      holders.push(found);
      keys.push(key);
    }
    return found;
  });
}

function problemOf(value: unknown, written: unknown): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return `is ${value}, which JSON has no form for`;
  if (written instanceof Date && Number.isNaN(written.getTime())) return "is a Date without a time";
  if (typeof value !== "object" || value === null) return undefined;
  const found = WITHOUT_FORM.find(([type]) => Object.prototype.isPrototypeOf.call(type.prototype, value));
  if (found === undefined || (value as { toJSON?: unknown }).toJSON !== withoutForm) return undefined;
  return `is a ${Object.prototype.toString.call(value).slice("[object ".length, -1)}, which JSON has no form for: ${found[1]}`;
}

/** The first key is that of the whole, which has no name. */
function pathOf(keys: readonly string[], key: string): string {
  const path = [...keys, key].slice(1);
  return path.length === 0 ? "the value" : path.join(".");
}
