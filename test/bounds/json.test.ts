// JSON of strangers: what passes for JSON is what JSON.parse takes, however it is cut, and what would cost too much is known before it is parsed.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonText, isJsonWithin, JsonCheck, MAX_JSON_DEPTH } from "../../host/bounds/json.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
const checked = (bytes: Uint8Array, piece: number): boolean => {
  const check = new JsonCheck();
  for (let at = 0; at < bytes.length; at += piece) if (!check.feed(bytes.subarray(at, at + piece))) return false;
  return check.end();
};
const pieces: number[] = [];
const pace = <T>(work: () => Promise<T>): Promise<T> => {
  pieces.push(1);
  return work();
};

describe("the check of JSON", () => {
  it("agrees with the parser on what is JSON and what is not, in pieces of any size", () => {
    const tokens = fc.constantFrom(
      ...'{}[],:"\\ \n\t0123456789-+.eEtrufalsn/b\u0000é\u{1f600}'.split(""),
      "true",
      "null",
      "1e9",
      '"a"',
      '"\\u00e9"',
      "-0.5",
    );
    const texts = fc.oneof(
      fc.json(),
      fc.array(tokens, { maxLength: 24 }).map((parts) => parts.join("")),
      fc.tuple(fc.json(), fc.nat(), tokens).map(([text, at, token]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + token + text.slice(place + 1);
      }),
    );
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 9 }), (text, piece) => {
        const whole = text.toWellFormed();
        expect(checked(utf8(whole), piece), whole).toBe(parses(whole));
      }),
      { numRuns: 20_000 },
    );
  });

  it("refuses what is nested deeper than anybody needs", () => {
    const nested = (depth: number): Uint8Array => utf8("[".repeat(depth) + "]".repeat(depth));
    expect(checked(nested(MAX_JSON_DEPTH), 100)).toBe(true);
    expect(checked(nested(MAX_JSON_DEPTH + 1), 100)).toBe(false);
  });

  it("takes a long text in paced pieces, and bytes that are no text not at all", async () => {
    const long = utf8(`[${"{},".repeat(100_000)}"ü"]`);
    expect(await isJsonText(long, pace)).toBe(true);
    expect(pieces.length).toBeGreaterThan(4);
    expect(await isJsonText(long.subarray(0, -1), pace)).toBe(false);
    const broken = long.slice();
    broken[broken.length - 3] = 0xff;
    expect(await isJsonText(broken, pace)).toBe(false);
    expect(isJsonText(Uint8Array.of(0x22, 0xff, 0x22), pace)).toBe(false);
    expect(isJsonText(utf8('"ünïcode"'), pace)).toBe(true);
    expect(isJsonText(utf8("{} {}"), pace)).toBe(false);
    const nested = (depth: number): Uint8Array => utf8("[".repeat(depth) + "]".repeat(depth));
    expect(isJsonText(nested(MAX_JSON_DEPTH), pace)).toBe(true);
    for (const depth of [MAX_JSON_DEPTH + 1, 2_000, 5_000]) expect(await isJsonText(nested(depth), pace), `${depth}`).toBe(false);
  });
});

describe("the measure of JSON", () => {
  it("counts values and depth, never what stands in texts", () => {
    const limits = { maxValues: 10, maxDepth: 3 };
    for (const text of ['{"a":[1,2,3],"b":"[[[[,,,,,,,,,,,,"}', '["\\"[[[[[",",,,,,,,,,,,,,,"]', "[[[1]]]", "1"])
      expect(isJsonWithin(utf8(text), limits), text).toBe(true);
    for (const text of ["[1,2,3,4,5,6,7,8,9,10,11]", "[[[[1]]]]", "[{},{},{},{},{}]"])
      expect(isJsonWithin(utf8(text), limits), text).toBe(false);
  });

  it("never calls a text bounded of which the parser makes more", () => {
    const count = (value: unknown): number =>
      typeof value === "object" && value !== null ? 1 + Object.values(value).reduce<number>((sum, inner) => sum + count(inner), 0) : 1;
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.integer({ min: 1, max: 30 }), (text, maxValues) => {
        if (isJsonWithin(utf8(text.toWellFormed()), { maxValues, maxDepth: 100 }))
          expect(count(JSON.parse(text))).toBeLessThanOrEqual(maxValues);
      }),
    );
  });
});
