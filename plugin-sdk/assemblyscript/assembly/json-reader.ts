// Reads JSON from UTF-8 bytes into typed values and says what is wrong and where. Strict (RFC 8259), never aborts on any input.
// After the first failure the cursor stands at the end, so that every loop winds down by itself; values read after it are blank.

import { Json, JsonKind, describeKind } from "./json";
import { blank, decodeUtf8, encodeInto } from "./memory";
import { Result, fail, ok } from "./result";

const MAX_DEPTH = 128;

export class JsonReader {
  private at: i32;
  private end: i32;
  private depth: i32 = 0;
  private problem: string = "";
  private path: string = "";
  private keyStart: i32 = 0;
  private keyEnd: i32 = 0;
  private escaped: bool = false;

  constructor(
    private readonly bytes: StaticArray<u8>,
    start: i32 = 0,
    end: i32 = -1,
  ) {
    this.at = start;
    this.end = end < 0 ? bytes.length : end;
  }

  /** Reads one value and nothing after it; fails with invalid-message. */
  whole<T>(): Result<T> {
    this.space();
    if (this.at == this.end) return fail<T>("it is empty", "invalid-message");
    const value = this.value<T>();
    this.space();
    if (this.at < this.end) this.broken("the end");
    if (!this.problem.length) return ok<T>(value);
    return fail<T>((this.path.length ? this.path : "it") + " " + this.problem, "invalid-message");
  }

  value<T>(): T {
    this.space();
    if (isNullable<T>()) {
      if (this.peek() == 0x6e) {
        this.literal("null");
        return blank<T>();
      }
    }
    if (isReference<T>()) return changetype<T>(this.reference<nonnull<T>>());
    if (isBoolean<T>()) return <T>this.bool();
    if (isInteger<T>()) return this.integer<T>();
    if (isFloat<T>()) return <T>this.number();
    ERROR("this type has no JSON form");
    return blank<T>();
  }

  private reference<T>(): T {
    if (isString<T>()) return changetype<T>(this.text());
    if (isArray<T>()) return this.array<T>();
    if (idof<T>() == idof<Json>()) {
      const start = this.at;
      this.skip();
      return changetype<T>(new Json(this.bytes, start, this.at));
    }
    if (isDefined(changetype<T>(0).__decode)) return this.object<T>();
    if (changetype<T>(0) instanceof Map) return this.map<T>();
    ERROR("this class has no JSON form: write @json above it");
    return blank<T>();
  }

  private object<T>(): T {
    if (!this.open(0x7b, "an object")) return blank<T>();
    const object = instantiate<T>();
    let seen: u64 = 0;
    if (!this.closes(0x7d)) {
      do {
        if (!this.key()) return object;
        const start = this.keyStart;
        const end = this.keyEnd;
        const field = object.__decode(this);
        if (field) seen |= (<u64>1) << (field - 1);
        else this.skip();
        if (this.problem.length) {
          this.prefix(decodeUtf8(this.bytes, start, end));
          return object;
        }
      } while (this.another(0x7d));
    }
    if (this.problem.length) return object;
    const missing = object.__missing(seen);
    if (missing.length) {
      this.fail("is missing");
      this.prefix(missing);
    }
    return object;
  }

  private map<T>(): T {
    if (!this.open(0x7b, "an object")) return blank<T>();
    const map = instantiate<T>();
    if (this.closes(0x7d)) return map;
    do {
      if (!this.key()) return map;
      const name = this.keyText();
      this.entry<valueof<T>>(map, name);
      if (this.problem.length) {
        this.prefix(name);
        return map;
      }
    } while (this.another(0x7d));
    return map;
  }

  private entry<V>(map: Map<string, V>, name: string): void {
    const value = this.value<V>();
    if (!this.problem.length) map.set(name, value);
  }

  private array<T extends unknown[]>(): T {
    if (!this.open(0x5b, "an array")) return blank<T>();
    const array = instantiate<T>();
    if (this.closes(0x5d)) return array;
    do {
      const value = this.value<valueof<T>>();
      if (this.problem.length) {
        this.prefix(array.length.toString());
        return array;
      }
      array.push(value);
    } while (this.another(0x5d));
    return array;
  }

  /** Called by the `__decode` of @json classes. */
  keyIs(name: string): bool {
    if (this.escaped) return this.unescape(this.keyStart, this.keyEnd) == name;
    const length = this.keyEnd - this.keyStart;
    if (length != name.length) return false;
    for (let i = 0; i < length; i++) {
      if (unchecked(this.bytes[this.keyStart + i]) != <u8>name.charCodeAt(i)) return false;
    }
    return true;
  }

  keyText(): string {
    return this.escaped ? this.unescape(this.keyStart, this.keyEnd) : decodeUtf8(this.bytes, this.keyStart, this.keyEnd);
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

  text(): string {
    if (this.peek() != 0x22) {
      this.mismatch("a string");
      return "";
    }
    const start = this.at + 1;
    this.scanText();
    if (this.problem.length) return "";
    return this.escaped ? this.unescape(start, this.at - 1) : decodeUtf8(this.bytes, start, this.at - 1);
  }

  private bool(): bool {
    const byte = this.peek();
    if (byte == 0x74) this.literal("true");
    else if (byte == 0x66) this.literal("false");
    else this.mismatch("true or false");
    return byte == 0x74;
  }

  private number(): f64 {
    if (!this.isNumber()) {
      this.mismatch("a number");
      return 0;
    }
    const start = this.at;
    this.scanNumber();
    return this.problem.length ? 0 : f64.parse(decodeUtf8(this.bytes, start, this.at));
  }

  private integer<T>(): T {
    if (!this.isNumber()) {
      this.mismatch("a whole number");
      return 0;
    }
    const bits = (<u64>sizeof<T>()) << 3;
    const most: u64 = isSigned<T>() ? ((<u64>1) << (bits - 1)) - 1 : u64.MAX_VALUE >> (64 - bits);
    const least: i64 = isSigned<T>() ? -1 - <i64>most : 0;
    const start = this.at;
    const whole = this.scanNumber();
    if (this.problem.length) return 0;
    if (!whole) {
      // 1.0 and 1e3 are whole numbers too, and some languages write them so.
      const value = f64.parse(decodeUtf8(this.bytes, start, this.at));
      if (Math.trunc(value) == value && value >= <f64>least && value <= <f64>most && Math.abs(value) <= 9_007_199_254_740_991) {
        return <T>value;
      }
    } else {
      const negative = unchecked(this.bytes[start]) == 0x2d;
      let value: u64 = 0;
      let fits = true;
      for (let i = start + <i32>negative; i < this.at; i++) {
        const digit = <u64>(unchecked(this.bytes[i]) - 0x30);
        if (value > (u64.MAX_VALUE - digit) / 10) fits = false;
        value = value * 10 + digit;
      }
      if (fits && (negative ? value <= <u64>0 - <u64>least : value <= most)) return <T>(negative ? <u64>0 - value : value);
    }
    this.fail(`must be a whole number from ${least} to ${most}, not ${decodeUtf8(this.bytes, start, min(this.at, start + 40))}`);
    return 0;
  }

  private isNumber(): bool {
    const byte = this.peek();
    return byte == 0x2d || (byte >= 0x30 && byte <= 0x39);
  }

  /** Passes over a number and says whether it has neither fraction nor exponent. */
  private scanNumber(): bool {
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

  private digits(): void {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    if (this.at == start) this.broken("a digit");
  }

  /** Passes over a string and leaves its bounds in keyStart and keyEnd. */
  private scanText(): void {
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

  /** A lone surrogate becomes U+FFFD, as it would on its way out. */
  private unescape(start: i32, end: i32): string {
    const plain = new StaticArray<u8>(end - start);
    let length = 0;
    for (let i = start; i < end; i++) {
      const byte = unchecked(this.bytes[i]);
      if (byte != 0x5c) {
        unchecked((plain[length++] = byte));
        continue;
      }
      const kind = unchecked(this.bytes[++i]);
      if (kind != 0x75) {
        unchecked((plain[length++] = <u8>simpleEscape(kind)));
        continue;
      }
      let code = this.hex4(i + 1);
      i += 4;
      if ((code & 0xf800) == 0xd800) {
        const pairs = code < 0xdc00 && i + 6 < end && unchecked(this.bytes[i + 1]) == 0x5c && unchecked(this.bytes[i + 2]) == 0x75;
        const low = pairs ? this.hex4(i + 3) : 0;
        if ((low & 0xfc00) == 0xdc00) {
          code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
          i += 6;
        } else code = 0xfffd;
      }
      length += encodeInto(plain, length, String.fromCodePoint(code));
    }
    return decodeUtf8(plain, 0, length);
  }

  private hex4(at: i32): i32 {
    let unit = 0;
    for (let i = at; i < at + 4; i++) unit = (unit << 4) | hexValue(unchecked(this.bytes[i]));
    return unit;
  }

  private literal(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.peek() != <u8>word.charCodeAt(i)) {
        this.broken(word);
        return;
      }
      this.at++;
    }
  }

  private space(): void {
    while (this.at < this.end) {
      const byte = unchecked(this.bytes[this.at]);
      if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return;
      this.at++;
    }
  }

  private peek(): u8 {
    return this.at < this.end ? unchecked(this.bytes[this.at]) : 0;
  }

  private mismatch(wanted: string): void {
    const kind = this.kind();
    if (kind == JsonKind.Number && !this.isNumber()) this.broken("a value");
    else this.fail(`must be ${wanted}, not ${describeKind(kind)}`);
  }

  private broken(wanted: string): void {
    if (this.problem.length) return;
    const at = this.at;
    this.fail(at < this.end ? `is broken at byte ${at}: ${wanted} expected` : `ends too early: ${wanted} expected`);
  }

  private fail(problem: string): void {
    if (this.problem.length) return;
    this.problem = problem;
    this.at = this.end;
  }

  private prefix(name: string): void {
    this.path = this.path.length ? name + "." + this.path : name;
  }
}

function hexValue(byte: u8): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The character of a two-character escape, 0 for what is none. */
function simpleEscape(kind: u8): i32 {
  if (kind == 0x22 || kind == 0x5c || kind == 0x2f) return kind;
  if (kind == 0x62) return 0x08;
  if (kind == 0x66) return 0x0c;
  if (kind == 0x6e) return 0x0a;
  if (kind == 0x72) return 0x0d;
  return kind == 0x74 ? 0x09 : 0;
}
