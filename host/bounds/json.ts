// JSON of strangers, looked at before it is parsed: how much of it there is, and whether it is JSON at all, in pieces, without making a single value.

import { isUtf8 } from "node:buffer";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_LIST, CLOSE_LIST, OPEN_RECORD, CLOSE_RECORD] = [0x5b, 0x5d, 0x7b, 0x7d];

export interface JsonLimits {
  readonly maxValues: number;
  readonly maxDepth: number;
}

/**
 * Whether what JSON.parse would make of the text is bounded: values and keys are counted by what stands between them, so that of a text that is no
 * JSON nothing is said. A few milliseconds for a megabyte.
 */
export function isJsonWithin(text: Uint8Array, { maxValues, maxDepth }: JsonLimits): boolean {
  let values = 1;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) {
      for (at += 1; at < text.length && text[at] !== QUOTE; at += 1) if (text[at] === BACKSLASH) at += 1;
    } else if (byte === COMMA) values += 1;
    else if (byte === OPEN_LIST || byte === OPEN_RECORD) {
      values += 1;
      depth += 1;
      if (depth > maxDepth) return false;
    } else if (byte === CLOSE_LIST || byte === CLOSE_RECORD) depth -= 1;
    if (values > maxValues) return false;
  }
  return true;
}

/** A document that nests deeper is refused: whoever parses it would need as much stack. */
export const MAX_JSON_DEPTH = 1_000;

// What may come next. The states of a number say what has been read of it.

type State =
  | "value"
  | "value-or-end"
  | "key"
  | "key-or-end"
  | "colon"
  | "after"
  | "string"
  | "escape"
  | "hex"
  | "literal"
  | "minus"
  | "zero"
  | "whole"
  | "point"
  | "fraction"
  | "e"
  | "sign"
  | "exponent";

const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const LITERALS: ReadonlyMap<number, string> = new Map(["true", "false", "null"].map((word) => [word.charCodeAt(0), word]));
/** States in which a number may end. */
const WHOLE_NUMBERS: ReadonlySet<State> = new Set(["zero", "whole", "fraction", "exponent"]);
const U = 0x75;
const SPACE = 0x20;

const isSpace = (byte: number): boolean => byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isHex = (byte: number): boolean => isDigit(byte) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);

/** Accepts what JSON.parse accepts of well-formed UTF-8, up to MAX_JSON_DEPTH; takes the text in pieces. */
export class JsonCheck {
  #state: State = "value";
  /** Whether each open list or record is a record. */
  readonly #records: boolean[] = [];
  /** Whether the string that is read is a key. */
  #isKey = false;
  /** Hexadecimal digits, or letters of a word, that are still to come. */
  #left = "";

  /** False as soon as the text cannot become JSON. */
  feed(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#state === "string") {
        while (at < bytes.length && isPlain(bytes[at])) at += 1;
        if (at === bytes.length) return true;
      }
      if (!this.#take(bytes[at] ?? 0)) return false;
    }
    return true;
  }

  /** Whether what came is all of one JSON text. */
  end(): boolean {
    return this.#records.length === 0 && (this.#state === "after" || WHOLE_NUMBERS.has(this.#state));
  }

  #take(byte: number): boolean {
    switch (this.#state) {
      case "string":
        if (byte === QUOTE) this.#state = this.#isKey ? "colon" : "after";
        else if (byte === BACKSLASH) this.#state = "escape";
        else return false;
        return true;
      case "escape":
        if (byte === U) {
          this.#left = "0000";
          this.#state = "hex";
        } else if (ESCAPES.has(byte)) this.#state = "string";
        else return false;
        return true;
      case "hex":
        this.#left = this.#left.slice(1);
        if (this.#left === "") this.#state = "string";
        return isHex(byte);
      case "literal": {
        const isRight = this.#left.charCodeAt(0) === byte;
        this.#left = this.#left.slice(1);
        if (this.#left === "") this.#state = "after";
        return isRight;
      }
      case "value":
      case "value-or-end":
      case "key":
      case "key-or-end":
      case "colon":
      case "after":
        return isSpace(byte) || this.#takeToken(byte);
      default:
        return this.#takeNumber(byte);
    }
  }

  #takeToken(byte: number): boolean {
    const state = this.#state;
    if (state === "after") return this.#takeAfter(byte);
    if (state === "colon") {
      this.#state = "value";
      return byte === 0x3a;
    }
    if (state === "key" || state === "key-or-end") {
      if (byte === CLOSE_RECORD && state === "key-or-end") return this.#close(byte);
      return byte === QUOTE && this.#open(true);
    }
    if (byte === CLOSE_LIST) return state === "value-or-end" && this.#close(byte);
    if (byte === QUOTE) return this.#open(false);
    if (byte === OPEN_LIST || byte === OPEN_RECORD) {
      if (this.#records.length === MAX_JSON_DEPTH) return false;
      this.#records.push(byte === OPEN_RECORD);
      this.#state = byte === OPEN_RECORD ? "key-or-end" : "value-or-end";
      return true;
    }
    const word = LITERALS.get(byte);
    if (word !== undefined) {
      this.#left = word.slice(1);
      this.#state = "literal";
      return true;
    }
    this.#state = byte === 0x2d ? "minus" : byte === 0x30 ? "zero" : "whole";
    return byte === 0x2d || isDigit(byte);
  }

  #takeAfter(byte: number): boolean {
    if (byte !== COMMA) return this.#close(byte);
    const isRecord = this.#records.at(-1);
    if (isRecord === undefined) return false;
    this.#state = isRecord ? "key" : "value";
    return true;
  }

  #open(isKey: boolean): boolean {
    this.#isKey = isKey;
    this.#state = "string";
    return true;
  }

  #close(byte: number): boolean {
    const isRecord = this.#records.pop();
    if (isRecord === undefined) return false;
    this.#state = "after";
    return byte === (isRecord ? CLOSE_RECORD : CLOSE_LIST);
  }

  #takeNumber(byte: number): boolean {
    const next = this.#nextOfNumber(byte);
    if (next !== undefined) {
      this.#state = next;
      return true;
    }
    if (!WHOLE_NUMBERS.has(this.#state)) return false;
    this.#state = "after";
    return isSpace(byte) || this.#takeAfter(byte);
  }

  #nextOfNumber(byte: number): State | undefined {
    const isE = byte === 0x65 || byte === 0x45;
    switch (this.#state) {
      case "minus":
        return byte === 0x30 ? "zero" : isDigit(byte) ? "whole" : undefined;
      case "zero":
        return byte === 0x2e ? "point" : isE ? "e" : undefined;
      case "whole":
        return isDigit(byte) ? "whole" : byte === 0x2e ? "point" : isE ? "e" : undefined;
      case "point":
        return isDigit(byte) ? "fraction" : undefined;
      case "fraction":
        return isDigit(byte) ? "fraction" : isE ? "e" : undefined;
      case "e":
        return byte === 0x2b || byte === 0x2d ? "sign" : isDigit(byte) ? "exponent" : undefined;
      default:
        return isDigit(byte) ? "exponent" : undefined;
    }
  }
}

const isPlain = (byte = 0): boolean => byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH;

// Below that, one call of the parser costs less than anything else, and what it makes is small.
const PARSE_BYTES = 4_096;
/** About half a millisecond's work. */
const PIECE_BYTES = 65_536;

/**
 * Whether the bytes are one JSON text. A long one is looked at in pieces, each of them by way of `pace`, which may let others go first and must
 * call what it is given; the bytes must not change meanwhile.
 */
export function isJsonText(bytes: Uint8Array, pace: <T>(piece: () => Promise<T>) => Promise<T>): boolean | Promise<boolean> {
  if (bytes.length > PARSE_BYTES) return isLongJsonText(bytes, pace);
  // Only what is long enough can nest too deep.
  if (bytes.length > 2 * MAX_JSON_DEPTH && !isJsonWithin(bytes, { maxValues: PARSE_BYTES, maxDepth: MAX_JSON_DEPTH })) return false;
  try {
    JSON.parse(strictly(bytes));
    return true;
  } catch {
    return false;
  }
}

async function isLongJsonText(bytes: Uint8Array, pace: <T>(piece: () => Promise<T>) => Promise<T>): Promise<boolean> {
  if (!isUtf8(bytes)) return false;
  const check = new JsonCheck();
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (!(await pace(async () => check.feed(bytes.subarray(at, at + PIECE_BYTES))))) return false;
    // Even when nobody has to wait for this, the event loop goes round.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return check.end();
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const strictly = (bytes: Uint8Array): string => decoder.decode(bytes);
