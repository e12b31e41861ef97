// Reads JSON into typed values, and names the field that does not fit. Values read after a failure are blank; `whole` shows none of them.

import { decodeBase64 } from "./base64";
import { Json } from "./json";
import { Digits, numberOf } from "./json-number";
import { JsonScanner } from "./json-scanner";
import { unescape } from "./json-text";
import { blank, decodeUtf8 } from "./memory";
import { Result, fail, ok } from "./result";

export class JsonReader extends JsonScanner {
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
    if (idof<T>() == idof<Uint8Array>()) return changetype<T>(this.base64());
    if (isDefined(changetype<T>(0).__read)) {
      const some = instantiate<T>();
      some.__read(this);
      return some;
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

  text(): string {
    if (this.peek() != 0x22) {
      this.mismatch("a string");
      return "";
    }
    const start = this.at + 1;
    this.scanText();
    if (this.problem.length) return "";
    return this.escaped ? unescape(this.bytes, start, this.at - 1) : decodeUtf8(this.bytes, start, this.at - 1);
  }

  private base64(): Uint8Array {
    const text = this.text();
    const bytes = decodeBase64(text);
    if (bytes !== null) return bytes;
    this.fail("must be base64 text");
    return new Uint8Array(0);
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
    const value = this.problem.length ? 0 : numberOf(this.bytes, start, this.at);
    if (!isFinite(value)) this.fail("must be a number that fits in 64 bits");
    return value;
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
      const value = numberOf(this.bytes, start, this.at);
      if (Math.trunc(value) == value && value >= <f64>least && value <= <f64>most && Math.abs(value) <= 9_007_199_254_740_991) {
        return <T>value;
      }
    } else {
      const negative = unchecked(this.bytes[start]) == 0x2d;
      const digits = new Digits(this.bytes, start + <i32>negative, this.at);
      if (digits.fits && (negative ? digits.value <= <u64>0 - <u64>least : digits.value <= most)) {
        return <T>(negative ? <u64>0 - digits.value : digits.value);
      }
    }
    this.fail(`must be a whole number from ${least} to ${most}, not ${decodeUtf8(this.bytes, start, min(this.at, start + 40))}`);
    return 0;
  }
}
