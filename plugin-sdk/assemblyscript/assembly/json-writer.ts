// Writes values as JSON straight into UTF-8 bytes. Classes take part through the `__encode` that transform.js adds to @json classes.

import { encodeBase64 } from "./base64";
import { Json } from "./json";
import { copyBytes, encodeInto } from "./memory";

const FIRST_BYTES = 1024;
const KEPT_BYTES = 65_536;
const COUNTED_LENGTH = 1024;
const HEX = "0123456789abcdef";

export class JsonWriter {
  bytes: StaticArray<u8> = new StaticArray<u8>(FIRST_BYTES);
  length: i32 = 0;
  /** What has no form in JSON, with its path; empty where all has. */
  problem: string = "";
  private path: string = "";

  /** Starts anew; keeps the buffer unless a large value blew it up. */
  reset(): void {
    this.length = 0;
    this.problem = "";
    this.path = "";
    if (this.bytes.length > KEPT_BYTES) this.bytes = new StaticArray<u8>(FIRST_BYTES);
  }

  value<T>(value: T): void {
    if (isReference<T>()) {
      if (isNullable<T>()) {
        if (changetype<usize>(value) == 0) {
          this.ascii("null");
          return;
        }
      }
      this.reference<nonnull<T>>(changetype<nonnull<T>>(value));
    } else if (isBoolean<T>()) {
      this.ascii(value ? "true" : "false");
    } else if (isInteger<T>()) {
      if (isSigned<T>()) {
        if (value < 0) this.byte(0x2d);
        this.digits(value < 0 ? <u64>0 - <u64>(<i64>value) : <u64>value);
      } else {
        this.digits(<u64>value);
      }
    } else if (isFloat<T>()) {
      this.float(<f64>value);
    } else {
      ERROR("this type has no JSON form");
    }
  }

  private reference<T>(value: T): void {
    if (isString<T>()) {
      this.text(changetype<string>(value));
    } else if (isArray<T>()) {
      this.array<T>(value);
    } else if (idof<T>() == idof<Json>()) {
      const json = changetype<Json>(value);
      this.raw(json.bytes, json.start, json.end);
    } else if (idof<T>() == idof<Uint8Array>()) {
      this.text(encodeBase64(changetype<Uint8Array>(value)));
    } else if (isDefined(value.__write)) {
      value.__write(this);
    } else if (isDefined(value.__encode)) {
      this.byte(0x7b);
      value.__encode(this);
      this.close(0x7d);
    } else if (value instanceof Map) {
      this.map<indexof<T>, valueof<T>>(value);
    } else {
      ERROR("this class has no JSON form: write @json above it");
    }
  }

  private array<T extends unknown[]>(array: T): void {
    this.byte(0x5b);
    for (let i = 0; i < array.length; i++) {
      this.value<valueof<T>>(array[i]);
      if (this.problem.length) return this.prefix(i.toString());
      this.byte(0x2c);
    }
    this.close(0x5d);
  }

  private map<K, V>(map: Map<K, V>): void {
    const keys = map.keys();
    const values = map.values();
    this.byte(0x7b);
    for (let i = 0; i < keys.length; i++) {
      this.text(changetype<string>(keys[i]));
      this.byte(0x3a);
      this.value<V>(values[i]);
      if (this.problem.length) return this.prefix(changetype<string>(keys[i]));
      this.byte(0x2c);
    }
    this.close(0x7d);
  }

  /** The name of a field that needs no escaping, and its colon. */
  key(name: string): void {
    this.room(name.length + 3);
    this.byte(0x22);
    this.ascii(name);
    this.byte(0x22);
    this.byte(0x3a);
  }

  field<T>(name: string, value: T): void {
    // Whatever comes behind a problem is not looked at.
    if (this.problem.length) return;
    this.key(name);
    this.value<T>(value);
    if (this.problem.length) return this.prefix(name);
    this.byte(0x2c);
  }

  /** A closing bracket takes the place of the last comma, so that no one has to know which field is the first. */
  private close(bracket: u8): void {
    if (unchecked(this.bytes[this.length - 1]) == 0x2c) this.length--;
    this.byte(bracket);
  }

  private digits(value: u64): void {
    this.room(20);
    const start = this.length;
    do {
      unchecked((this.bytes[this.length++] = <u8>(0x30 + (value % 10))));
      value /= 10;
    } while (value);
    for (let i = start, j = this.length - 1; i < j; i++, j--) {
      const digit = unchecked(this.bytes[i]);
      unchecked((this.bytes[i] = this.bytes[j]));
      unchecked((this.bytes[j] = digit));
    }
  }

  private prefix(name: string): void {
    this.path = this.path.length ? name + "." + this.path : name;
  }

  /** What is wrong, for people. */
  explain(): string {
    return (this.path.length ? this.path : "the value") + " " + this.problem;
  }

  /** As in JavaScript: a whole number has no ".0". NaN and the infinities are a problem. */
  private float(value: f64): void {
    if (!isFinite(value)) this.problem = "is " + value.toString() + ", which JSON has no form for";
    else if (Math.abs(value) <= 9_007_199_254_740_991 && Math.trunc(value) == value) this.value<i64>(<i64>value);
    else this.ascii(value.toString());
  }

  text(text: string): void {
    const length = text.length;
    // Counting the bytes takes a pass of its own, which only pays where three bytes a character would be much memory.
    let needed = this.length + 2 + (length > COUNTED_LENGTH ? String.UTF8.byteLength(text) : length * 3);
    this.room(needed - this.length);
    this.byte(0x22);
    let run = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x80) {
        if (unit >= 0x20 && unit != 0x22 && unit != 0x5c) {
          unchecked((this.bytes[this.length++] = <u8>unit));
        } else {
          needed += 5;
          this.room(needed - this.length);
          this.escape(unit);
        }
        continue;
      }
      run = i + 1;
      while (run < length && text.charCodeAt(run) >= 0x80) run++;
      this.length += encodeInto(this.bytes, this.length, text.substring(i, run));
      i = run - 1;
    }
    this.byte(0x22);
  }

  private escape(unit: i32): void {
    this.byte(0x5c);
    if (unit == 0x22 || unit == 0x5c) this.byte(<u8>unit);
    else if (unit == 0x0a) this.byte(0x6e);
    else if (unit == 0x0d) this.byte(0x72);
    else if (unit == 0x09) this.byte(0x74);
    else {
      this.ascii("u00");
      this.byte(<u8>HEX.charCodeAt(unit >> 4));
      this.byte(<u8>HEX.charCodeAt(unit & 15));
    }
  }

  private raw(bytes: StaticArray<u8>, start: i32, end: i32): void {
    this.room(end - start);
    copyBytes(bytes, start, end, this.bytes, this.length);
    this.length += end - start;
  }

  private ascii(text: string): void {
    this.room(text.length);
    for (let i = 0; i < text.length; i++) unchecked((this.bytes[this.length++] = <u8>text.charCodeAt(i)));
  }

  private byte(byte: u8): void {
    this.room(1);
    unchecked((this.bytes[this.length++] = byte));
  }

  private room(more: i32): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = new StaticArray<u8>(max(needed, this.bytes.length * 2));
    copyBytes(this.bytes, 0, this.length, grown, 0);
    this.bytes = grown;
  }
}
