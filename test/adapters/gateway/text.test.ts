// Strangers' words as text, and text of a path or a query as values.

import { describe, expect, it } from "vitest";
import { plainText } from "../../../host/adapters/gateway/text.ts";
import { typedText } from "../../../host/adapters/gateway/typed-text.ts";

/** As a page reads it. */
const shown = (text: string): string => text.replace(/&#(\d+);/g, (_all, code) => String.fromCodePoint(Number(code)));

describe("plain text", () => {
  it.each(["1 to 1000, 100 if absent", "a dotted path into the event's data", "Größe in °C (metrisch), 50 %"])(
    "leaves %j alone",
    (text) => {
      expect(plainText(text)).toBe(text);
    },
  );

  it.each(["<b>", "a *b* _c_", "[a](b)", "`x`", "a & b", "# h", "- l", "12. l", "=x", "a | b", "~~a~~", "\\*", "x */ y", "![i](u)"])(
    "writes %j so that nothing of it is markup and it still reads the same",
    (text) => {
      expect(plainText(text)).not.toMatch(/[<>*_`[\]|~\\!]|&(?!#\d+;)|^[-+=#]|^\d+[.)]|\*\//);
      expect(shown(plainText(text))).toBe(text);
    },
  );

  it("is one line without what is invisible or changes directions", () => {
    const text = shown(plainText("a\nb\u202ec\u200bd\u{e0041}e\u00ad"));
    expect(text).toBe("a\\u{a}b\\u{202e}c\\u{200b}d\\u{e0041}e\\u{ad}");
  });
});

describe("text in the types of a schema", () => {
  const of = (property: unknown, text: unknown, more: object = {}): unknown =>
    typedText({ properties: { a: property }, ...more }, { a: text }).a;

  it.each([
    [{ type: "integer" }, "12", 12],
    [{ type: "integer" }, "-3", -3],
    [{ type: ["integer", "null"] }, "7", 7],
    [{ type: "number" }, "1.5e3", 1_500],
    [{ type: "boolean" }, "true", true],
    [{ type: "boolean" }, "false", false],
    [{ type: "array", items: { type: "integer" } }, ["1", "2"], [1, 2]],
    [{ type: "array", items: { type: "boolean" } }, "true", [true]],
    [{ type: "array" }, "a", ["a"]],
  ])("by %j makes of %j %j", (schema, text, value) => expect(of(schema, text)).toEqual(value));

  it.each([
    [{ type: "integer" }, "1.5"],
    [{ type: "integer" }, "1e3"],
    [{ type: "integer" }, "012"],
    [{ type: "integer" }, "0x10"],
    [{ type: "integer" }, " 1"],
    [{ type: "integer" }, ""],
    [{ type: "integer" }, "9007199254740993"],
    [{ type: "integer" }, "9".repeat(400)],
    [{ type: "number" }, "Infinity"],
    [{ type: "number" }, "1e999"],
    [{ type: "number" }, "NaN"],
    [{ type: "boolean" }, "True"],
    [{ type: "boolean" }, "1"],
    [{ type: "string" }, "12"],
    [{ type: ["integer", "string"] }, "12"],
    [{ enum: [1, 2] }, "1"],
    [{}, "1"],
    [true, "1"],
    [{ type: "integer" }, ["1", "2"]],
  ])("by %j leaves %j as it is", (schema, text) => expect(of(schema, text)).toEqual(text));

  it("follows a reference to what the schema defines, and no other", () => {
    expect(of({ $ref: "#/$defs/n" }, "5", { $defs: { n: { type: "integer" } } })).toBe(5);
    expect(of({ $ref: "http://evil.example" }, "5")).toBe("5");
  });

  it("knows no properties but the schema's own, and keeps every name", () => {
    const members = JSON.parse('{"__proto__":"1","constructor":"2","b":"3"}') as Record<string, unknown>;
    expect(JSON.stringify(typedText({ properties: { b: { type: "integer" } } }, members))).toBe(
      '{"__proto__":"1","constructor":"2","b":3}',
    );
    expect(typedText(undefined, { a: "1" })).toEqual({ a: "1" });
    expect(typedText(true, { a: "1" })).toEqual({ a: "1" });
  });
});
