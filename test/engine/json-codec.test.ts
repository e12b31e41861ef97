// The JSON form of WIT types, as a guest may send it: exactly of the shape, or refused with the place that does not fit.

import { describe, expect, it } from "vitest";
import { jsonCodec } from "../../host/engine/guest/json-codec.ts";
import type { Shape } from "../../host/engine/guest/wit-shapes.ts";

const change: Shape = {
  record: [
    ["key", "key", "string"],
    ["value", "value", { option: "bytes" }],
    ["ttl-ms", "ttlMs", { option: "u64" }],
  ],
};
const changes: Shape = { list: change };

describe("the JSON of WIT types", () => {
  it("reads records by their names in wit/, with absent options as none, and writes them back", () => {
    const { read, write } = jsonCodec(changes);
    const value = read([{ key: "a", value: "aGk=", "ttl-ms": 5 }, { key: "b" }], "it");
    expect(value).toEqual([
      { key: "a", value: Buffer.from("hi"), ttlMs: 5 },
      { key: "b", value: undefined, ttlMs: undefined },
    ]);
    expect(write(value)).toEqual([
      { key: "a", value: "aGk=", "ttl-ms": 5 },
      { key: "b", value: null, "ttl-ms": null },
    ]);
  });

  it.each<[Shape, unknown, string]>([
    [changes, {}, "it is not"],
    [changes, [null], "it[0] is not"],
    [changes, [{ key: "a" }, []], "it[1] is not"],
    [changes, [{ value: null }], "it[0].key is not"],
    [changes, [{ key: null }], "it[0].key is not"],
    [changes, [{ key: "\ud800" }], "it[0].key is not"],
    [changes, [{ key: "a", value: "aGk" }], "it[0].value is not"],
    [changes, [{ key: "a", value: "a=k=" }], "it[0].value is not"],
    [changes, [{ key: "a", value: [1] }], "it[0].value is not"],
    [changes, [{ key: "a", "ttl-ms": -1 }], "it[0].ttl-ms is not"],
    [changes, [{ key: "a", "ttl-ms": 1.5 }], "it[0].ttl-ms is not"],
    [changes, [{ key: "a", "ttl-ms": 2 ** 53 }], "it[0].ttl-ms is not"],
    [changes, [{ key: "a", "ttl-ms": "5" }], "it[0].ttl-ms is not"],
    [changes, [{ key: "a", ttlMs: 5 }], "it[0] is not"],
    [changes, [JSON.parse('{"key":"a","__proto__":{}}')], "it[0] is not"],
    [{ enum: ["one"] }, "toString", "it is not"],
    [{ enum: ["one"] }, ["one"], "it is not"],
    ["u8", 256, "it is not"],
    ["u16", 65_536, "it is not"],
    ["u32", 2 ** 32, "it is not"],
    ["s32", -(2 ** 31) - 1, "it is not"],
    ["bool", 0, "it is not"],
    ["f64", "1", "it is not"],
    ["string", 1, "it is not"],
  ])("refuses of %j the value %j", (shape, value, where) => {
    expect(() => jsonCodec(shape).read(value, "it")).toThrow(expect.objectContaining({ code: "invalid-message" }));
    expect(() => jsonCodec(shape).read(value, "it")).toThrow(where);
  });

  it.each<[Shape, unknown]>([
    ["u8", 255],
    ["u64", Number.MAX_SAFE_INTEGER],
    ["s32", -(2 ** 31)],
    ["bool", false],
    ["string", "🌍"],
    [{ option: "u32" }, 0],
    [{ enum: ["one", "two"] }, "two"],
  ])("takes of %j the value %j", (shape, value) => {
    expect(jsonCodec(shape).read(value, "it")).toBe(value);
  });
});
