// Walks over JSON in UTF-8 bytes, checks its syntax and says what is wrong and where. Strict (RFC 8259), never aborts on any input.
// After the first failure the cursor stands at the end, so that every loop winds down by itself. Knows no types; json-reader.ts does.

import { hexValue, simpleEscape, unescape } from "./json-text";
import { decodeUtf8 } from "./memory";

const MAX_DEPTH = 128;

export enum JsonKind {
  Null,
  Bool,
  Number,
  Text,
  Array,
  Object,
}

function describeKind(kind: JsonKind): string {
  if (kind == JsonKind.Null) return "null";
  if (kind == JsonKind.Bool) return "true or false";
  if (kind == JsonKind.Number) return "a number";
  if (kind == JsonKind.Text) return "a string";
  return kind == JsonKind.Array ? "an array" : "an object";
}

export class JsonScanner {
  protected at: i32;
  protected end: i32;
  protected depth: i32 = 0;
  protected problem: string = "";
  protected path: string = "";
  protected keyStart: i32 = 0;
  protected keyEnd: i32 = 0;
  protected escaped: bool = false;

  constructor(
    protected readonly bytes: StaticArray<u8>,
    start: i32 = 0,
    end: i32 = -1,
  ) {
    this.at = start;
    this.end = end < 0 ? bytes.length : end;
  }

  /** Called by the `__decode` of @json classes. */
  keyIs(name: string): bool {
    if (this.escaped) return unescape(this.bytes, this.keyStart, this.keyEnd) == name;
    const length = this.keyEnd - this.keyStart;
    if (length != name.length) return false;
    for (let i = 0; i < length; i++) {
      if (unchecked(this.bytes[this.keyStart + i]) != <u8>name.charCodeAt(i)) return false;
    }
    return true;
  }

  keyText(): string {
    return this.escaped ? unescape(this.bytes, this.keyStart, this.keyEnd) : decodeUtf8(this.bytes, this.keyStart, this.keyEnd);
  }

  kind(): JsonKind {
    this.space();
    const byte = this.peek();
    if (byte == 0x7b) return JsonKind.Object;
    if (byte == 0x5b) return JsonKind.Array;
    if (byte == 0x22) return JsonKind.Text;
    if (byte == 0x74 || byte == 0x66) return JsonKind.Bool;
    if (byte == 0x6e) return JsonKind.Null;
    return JsonKind.Number;
  }

  /** Begins an object or array that the caller walks with `key`, `element`, `skip` and `another`. */
  open(bracket: u8, what: string): bool {
    this.space();
    if (this.peek() != bracket) {
      this.mismatch(what);
      return false;
    }
    if (++this.depth > MAX_DEPTH) {
      this.fail(`is nested deeper than ${MAX_DEPTH}`);
      return false;
    }
    this.at++;
    return true;
  }

  closes(bracket: u8): bool {
    this.space();
    if (this.peek() != bracket) return false;
    this.at++;
    this.depth--;
    return true;
  }

  /** The next key of an object; false when there is none, which is a failure. */
  key(): bool {
    this.space();
    if (this.peek() != 0x22) {
      this.broken("a key");
      return false;
    }
    this.scanText();
    this.space();
    if (this.peek() != 0x3a) {
      this.broken("a colon");
      return false;
    }
    this.at++;
    return !this.problem.length;
  }

  /** True after a comma, false after the closing bracket or a failure. */
  another(bracket: u8): bool {
    if (this.closes(bracket)) return false;
    if (this.peek() == 0x2c) {
      this.at++;
      return true;
    }
    this.broken(bracket == 0x7d ? "a comma or }" : "a comma or ]");
    return false;
  }

  /** Where the next value begins. */
  valueStart(): i32 {
    this.space();
    return this.at;
  }

  position(): i32 {
    return this.at;
  }

  /** Checks a value and passes over it. */
  skip(): void {
    this.space();
    const byte = this.peek();
    if (byte == 0x7b) {
      if (!this.open(0x7b, "an object") || this.closes(0x7d)) return;
      do {
        if (!this.key()) return;
        this.skip();
      } while (this.another(0x7d));
    } else if (byte == 0x5b) {
      if (!this.open(0x5b, "an array") || this.closes(0x5d)) return;
      do this.skip();
      while (this.another(0x5d));
    } else if (byte == 0x22) this.scanText();
    else if (byte == 0x74) this.literal("true");
    else if (byte == 0x66) this.literal("false");
    else if (byte == 0x6e) this.literal("null");
    else this.scanNumber();
  }

  protected isNumber(): bool {
    const byte = this.peek();
    return byte == 0x2d || (byte >= 0x30 && byte <= 0x39);
  }

  /** Passes over a number and says whether it has neither fraction nor exponent. */
  protected scanNumber(): bool {
    if (!this.isNumber()) {
      this.broken("a value");
      return false;
    }
    let whole = true;
    if (this.peek() == 0x2d) this.at++;
    if (this.peek() == 0x30) this.at++;
    else this.digits();
    if (this.peek() == 0x2e) {
      whole = false;
      this.at++;
      this.digits();
    }
    if ((this.peek() | 0x20) == 0x65) {
      whole = false;
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      this.digits();
    }
    return whole;
  }

  protected digits(): void {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    if (this.at == start) this.broken("a digit");
  }

  /** Passes over a string and leaves its bounds in keyStart and keyEnd. */
  protected scanText(): void {
    this.escaped = false;
    const start = ++this.at;
    const end = this.end;
    while (this.at < end) {
      const byte = unchecked(this.bytes[this.at]);
      if (byte == 0x22) {
        this.keyStart = start;
        this.keyEnd = this.at++;
        return;
      }
      if (byte < 0x20) {
        this.broken("no raw control character");
        return;
      }
      if (byte == 0x5c) {
        this.escaped = true;
        this.at++;
        const kind = this.peek();
        if (kind == 0x75) {
          for (let i = 0; i < 4; i++) {
            this.at++;
            if (hexValue(this.peek()) < 0) {
              this.broken("four hexadecimal digits");
              return;
            }
          }
        } else if (simpleEscape(kind) == 0) {
          this.broken("an escape");
          return;
        }
      }
      this.at++;
    }
    this.broken('the closing "');
  }

  protected literal(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.peek() != <u8>word.charCodeAt(i)) {
        this.broken(word);
        return;
      }
      this.at++;
    }
  }

  protected space(): void {
    while (this.at < this.end) {
      const byte = unchecked(this.bytes[this.at]);
      if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return;
      this.at++;
    }
  }

  protected peek(): u8 {
    return this.at < this.end ? unchecked(this.bytes[this.at]) : 0;
  }

  protected mismatch(wanted: string): void {
    const kind = this.kind();
    if (kind == JsonKind.Number && !this.isNumber()) this.broken("a value");
    else this.fail(`must be ${wanted}, not ${describeKind(kind)}`);
  }

  protected broken(wanted: string): void {
    if (this.problem.length) return;
    const at = this.at;
    this.fail(at < this.end ? `is broken at byte ${at}: ${wanted} expected` : `ends too early: ${wanted} expected`);
  }

  protected fail(problem: string): void {
    if (this.problem.length) return;
    this.problem = problem;
    this.at = this.end;
  }

  protected prefix(name: string): void {
    this.path = this.path.length ? name + "." + this.path : name;
  }
}
