// Members put into random JSON texts, against a slow reference that parses them: the same object comes out, and what was written is still written so.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spliced } from "../../host/adapters/http/splice.ts";
import { check } from "./runs.ts";

const space = fc.constantFrom("", "", " ", "\n\t");
// No lone backslash: once V8 14.6 has seen an object with that key, JSON.parse takes every escaped key of one letter for it.
const name = fc.constantFrom("id", "a", "", "ü", '"', "__proto__", "a}", ",");
/** A name as somebody may write it. */
const written = fc.tuple(name, fc.boolean()).map(([text, isEscaped]) => {
  const escaped = [...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  return isEscaped ? `"${escaped}"` : JSON.stringify(text);
});
const value = fc.oneof(
  fc.constantFrom("9007199254740993", "1.0", "-0", "[]", "{}", '{"id":1,"a":[2,"}"]}', '"\\\\"', '"\\""', '"],{"', "null"),
  fc.json({ maxDepth: 2 }),
);
const member = fc
  .tuple(written, space, value, space)
  .map(([key, before, of, behind]) => ({ key, text: `${key}${before}:${before}${of}${behind}` }));
const members = fc.tuple(fc.array(member, { maxLength: 6 }), space);
const added = fc.dictionary(name, fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 2 })), { maxKeys: 3, noNullPrototype: true });

const encoder = new TextEncoder();
const entriesOf = (text: string): [string, unknown][] => Object.entries(JSON.parse(text) as object);

describe("members put into a JSON text", () => {
  it("make the object that parsing would make, and change no other letter of it", async () => {
    let dropped = 0;
    await check(fc.tuple(members, added, added), 3_000, async ([[own, gap], over, under]) => {
      const text = `${gap}{${gap}${own.map((one) => one.text).join(`,${gap}`)}}${gap}`;
      const result = Buffer.from(await spliced(encoder.encode(text), over, under)).toString();
      const expected = new Map([...Object.entries(under), ...entriesOf(text), ...Object.entries(over)]);
      expect(new Map(entriesOf(result)), `${text} → ${result}`).toEqual(expected);
      for (const { key, text: asWritten } of own) {
        const isDropped = Object.hasOwn(over, JSON.parse(key) as string);
        if (isDropped) dropped += 1;
        else expect(result).toContain(asWritten.trimEnd());
      }
    });
    expect(dropped).toBeGreaterThan(100);
  });

  it("never stand twice where a parameter replaces what was written twice", async () => {
    const text = '{"id":1,"x":0,"\\u0069d":2,"id":{"id":3}}';
    expect(Buffer.from(await spliced(encoder.encode(text), { id: "7" }, { x: "1" })).toString()).toBe('{"x":0,"id":"7"}');
  });

  it("are put into a long text in pieces", async () => {
    const text = `{"a":"${"x".repeat(200_000)}","id":${"[".repeat(900)}${"]".repeat(900)},"b":[${"1,".repeat(200_000)}1]}`;
    let turns = 0;
    const count = setInterval(() => (turns += 1), 0);
    const result = Buffer.from(await spliced(encoder.encode(text), { id: "7" }, {})).toString();
    clearInterval(count);
    const { id: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect(JSON.parse(result)).toEqual({ ...rest, id: "7" });
    expect(turns).toBeGreaterThan(0);
  });
});
