// A JSON value of any shape, kept as the bytes it came in, and the two doors of the codec: parse and stringify.

import { JsonReader } from "./json-reader";
import { JsonKind } from "./json-scanner";
import { JsonWriter } from "./json-writer";
import { copyBytes, decodeUtf8, encodeUtf8, staticBytesBlock } from "./memory";
import { Result } from "./result";

const writer = new JsonWriter();

/** The writer with the JSON of `value` in it, or with its `problem`, until the next call. */
export function attempted<T>(value: T): JsonWriter {
  writer.reset();
  writer.value<T>(value);
  return writer;
}

/** The writer with the JSON of `value` in it, until the next call. Ends the turn for what has no form in JSON. */
export function written<T>(value: T): JsonWriter {
  const json = attempted<T>(value);
  if (json.problem.length) throw new Error(json.explain());
  return json;
}

export function jsonBlock<T>(value: T): u64 {
  const json = written<T>(value);
  return staticBytesBlock(json.bytes, json.length);
}

/**
 * Any JSON value. As a field of a @json class it takes whatever stands there, and passes it on unchanged: numbers keep all their
 * digits, objects the order of their keys.
 */
export class Json {
  /** For the SDK: `start` to `end` of `bytes` must be one valid JSON value. Use `Json.parse` and `Json.of`. */
  constructor(
    readonly bytes: StaticArray<u8>,
    readonly start: i32,
    readonly end: i32,
  ) {}

  /** Reads a JSON text into any type: Json itself, a @json class, arrays, maps, strings, numbers. Fails with invalid-message. */
  static parse<T>(text: string): Result<T> {
    return new JsonReader(encodeUtf8(text)).whole<T>();
  }

  static stringify<T>(value: T): string {
    const json = written<T>(value);
    return decodeUtf8(json.bytes, 0, json.length);
  }

  static of<T>(value: T): Json {
    const json = written<T>(value);
    const bytes = new StaticArray<u8>(json.length);
    copyBytes(json.bytes, 0, json.length, bytes, 0);
    return new Json(bytes, 0, json.length);
  }

  get kind(): JsonKind {
    return this.reader().kind();
  }

  /** The value as T; fails with invalid-message, naming the field that does not fit. */
  as<T>(): Result<T> {
    return this.reader().whole<T>();
  }

  /** A number, or a number in a string: the parameters of a URL arrive as strings. */
  asNumber<T>(): Result<T> {
    const text = this.as<string>();
    return text.isOk ? Json.parse<T>(text.value) : this.as<T>();
  }

  /** What stands at a path such as "data.rooms.0.name", or null. */
  at(path: string): Json | null {
    const names = path.split(".");
    let value: Json | null = this;
    for (let i = 0; i < names.length; i++) {
      if (value === null) return null;
      value = value.member(names[i]);
    }
    return value;
  }

  /** A field of an object or an element of an array; of two fields with one name the last. */
  private member(name: string): Json | null {
    const reader = this.reader();
    const kind = reader.kind();
    let found: Json | null = null;
    if (kind == JsonKind.Object) {
      reader.open(0x7b, "");
      if (reader.closes(0x7d)) return null;
      do {
        reader.key();
        const matches = reader.keyText() == name;
        const start = reader.valueStart();
        reader.skip();
        if (matches) found = new Json(this.bytes, start, reader.position());
      } while (reader.another(0x7d));
    } else if (kind == JsonKind.Array) {
      let index = 0;
      reader.open(0x5b, "");
      if (reader.closes(0x5d)) return null;
      do {
        const start = reader.valueStart();
        reader.skip();
        if (name == index.toString()) return new Json(this.bytes, start, reader.position());
        index++;
      } while (reader.another(0x5d));
    }
    return found;
  }

  /** Whether both mean the same: 1 equals 1.0, the order of keys does not matter. */
  equals(other: Json): bool {
    const kind = this.kind;
    if (kind != other.kind) return false;
    if (kind == JsonKind.Number) return this.as<f64>().value == other.as<f64>().value;
    if (kind == JsonKind.Text) return this.as<string>().value == other.as<string>().value;
    if (kind == JsonKind.Array) {
      const mine = this.as<Json[]>().value;
      const theirs = other.as<Json[]>().value;
      if (mine.length != theirs.length) return false;
      for (let i = 0; i < mine.length; i++) if (!mine[i].equals(theirs[i])) return false;
      return true;
    }
    if (kind == JsonKind.Object) {
      const mine = this.as<Map<string, Json>>().value;
      const theirs = other.as<Map<string, Json>>().value;
      if (mine.size != theirs.size) return false;
      const names = mine.keys();
      for (let i = 0; i < names.length; i++) {
        if (!theirs.has(names[i]) || !mine.get(names[i]).equals(theirs.get(names[i]))) return false;
      }
      return true;
    }
    return this.toString() == other.toString();
  }

  /** The JSON text. */
  toString(): string {
    return decodeUtf8(this.bytes, this.start, this.end);
  }

  private reader(): JsonReader {
    return new JsonReader(this.bytes, this.start, this.end);
  }
}
