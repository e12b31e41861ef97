// Puts members into the text of a JSON object without parsing it, so that what was written stays as it was written: numbers, escapes, members that are
// there twice. The text must be JSON; whether it is, others check.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_LIST, CLOSE_LIST, OPEN_RECORD, CLOSE_RECORD] = [0x5b, 0x5d, 0x7b, 0x7d];
/** About half a millisecond's work. */
const PIECE_BYTES = 65_536;
// `\u0061`, the longest way to write one byte.
const MAX_ESCAPE_LENGTH = 6;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export type Members = Readonly<Record<string, unknown>>;

export const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Whether the text, if it is JSON, is an object. */
export function isObjectText(text: Uint8Array): boolean {
  let at = 0;
  while (isSpace(text[at])) at += 1;
  return text[at] === OPEN_RECORD;
}

/** The object with `over` in place of its members of the same names, and with `under` where it has none. Lets others go first after each half millisecond. */
export async function spliced(object: Uint8Array, over: Members, under: Members): Promise<Uint8Array> {
  const kept = await withoutMembers(object, new Set(Object.keys(over)), new Set(Object.keys(under)));
  const rest = Object.entries(under).filter(([name]) => !kept.found.has(name) && !Object.hasOwn(over, name));
  const parts = [memberText(rest), ...kept.spans, memberText(Object.entries(over))].filter(({ length }) => length > 0);
  const text = Buffer.allocUnsafeSlow(parts.reduce((bytes, part) => bytes + part.length + 1, 1) + (parts.length === 0 ? 1 : 0));
  let at = 0;
  for (const part of parts) {
    text[at] = at === 0 ? OPEN_RECORD : COMMA;
    text.set(part, at + 1);
    at += part.length + 1;
  }
  if (at === 0) text[at++] = OPEN_RECORD;
  text[at] = CLOSE_RECORD;
  return text;
}

/** Members without the braces. */
const memberText = (members: [string, unknown][]): Uint8Array =>
  encoder.encode(members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(","));

/** The runs of members that have none of the names `dropped`, and which of `wanted` are among them. */
async function withoutMembers(
  text: Uint8Array,
  dropped: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): Promise<{ spans: Uint8Array[]; found: ReadonlySet<string> }> {
  const spans: Uint8Array[] = [];
  const found = new Set<string>();
  const longest = Math.max(0, ...[...dropped, ...wanted].map((name) => encoder.encode(name).length)) * MAX_ESCAPE_LENGTH + 2;
  let spanStart = -1;
  let spanEnd = -1;
  const closeSpan = (): void => {
    if (spanStart >= 0) spans.push(text.subarray(spanStart, spanEnd));
    spanStart = -1;
  };
  let pauseAt = PIECE_BYTES;
  const scan = new MemberScan(text);
  for (;;) {
    const member = scan.next(pauseAt);
    if (member === "end") break;
    if (member === "more") {
      await new Promise((resolve) => setImmediate(resolve));
      pauseAt = scan.at + PIECE_BYTES;
      continue;
    }
    const name = member.keyEnd - member.start > longest ? undefined : nameOf(text.subarray(member.start, member.keyEnd));
    if (name !== undefined && dropped.has(name)) closeSpan();
    else {
      if (name !== undefined && wanted.has(name)) found.add(name);
      if (spanStart < 0) spanStart = member.start;
      spanEnd = member.end;
    }
  }
  closeSpan();
  return { spans, found };
}

const nameOf = (key: Uint8Array): string => JSON.parse(decoder.decode(key)) as string;

interface Member {
  readonly start: number;
  readonly keyEnd: number;
  /** Of the value, with spaces behind it. */
  readonly end: number;
}

/** Finds the outermost members of an object, one after the other. */
class MemberScan {
  readonly #text: Uint8Array;
  at: number;
  #depth = 0;
  #start = -1;
  #keyEnd = -1;

  constructor(text: Uint8Array) {
    this.#text = text;
    this.at = text.indexOf(OPEN_RECORD) + 1;
  }

  /** Stops at `pauseAt` or a little behind it. */
  next(pauseAt: number): Member | "more" | "end" {
    for (; this.at < this.#text.length; this.at += 1) {
      const byte = this.#text[this.at];
      if (byte === QUOTE) this.#skipString();
      else if (byte === OPEN_LIST || byte === OPEN_RECORD) this.#depth += 1;
      else if (byte === COMMA && this.#depth === 0) return this.#member();
      else if (byte === CLOSE_LIST || byte === CLOSE_RECORD) {
        this.#depth -= 1;
        if (this.#depth < 0 && this.#start >= 0) return this.#member();
        if (this.#depth < 0) return "end";
      }
      if (this.at >= pauseAt) {
        this.at += 1;
        return "more";
      }
    }
    return "end";
  }

  #member(): Member {
    const member = { start: this.#start, keyEnd: this.#keyEnd, end: this.at };
    this.#start = -1;
    this.at += 1;
    return member;
  }

  /** Of strings in the object itself, the first of each member is its key. */
  #skipString(): void {
    const start = this.at;
    for (this.at += 1; this.#text[this.at] !== QUOTE && this.at < this.#text.length; this.at += 1)
      if (this.#text[this.at] === BACKSLASH) this.at += 1;
    if (this.#depth !== 0 || this.#start >= 0) return;
    this.#start = start;
    this.#keyEnd = this.at + 1;
  }
}
