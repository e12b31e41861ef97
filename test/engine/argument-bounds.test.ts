// What a guest may hand to a host function is bounded by its type before it is parsed; what is within the bounds of its type is taken.

import { describe, expect, it } from "vitest";
import type { WitFunction } from "../../host/core/wit.ts";
import { blockCodec } from "../../host/engine/guest/blocks.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const empty = new Uint8Array(0);
const records = (count: number): string => `[${"{},".repeat(count)}{}]`;
const refusal = (name: WitFunction, ...args: Uint8Array[]): string => {
  try {
    blockCodec.decode(name, args);
    return "taken";
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : "";
  }
};

describe("arguments of host functions", () => {
  it("are refused above what their type may have, before they are parsed", () => {
    const parse = JSON.parse;
    let parsed = 0;
    JSON.parse = (...args: Parameters<typeof parse>): unknown => {
      parsed += 1;
      return parse(...args);
    };
    try {
      expect(refusal("storage.apply", utf8(records(1e6)))).toContain("more than 16384 values");
      expect(refusal("storage.apply", utf8(records(5e6)))).toContain("the limit of its type is 8388608");
      expect(refusal("storage.get-many", utf8(`[${'"a",'.repeat(20_000)}"a"]`))).toContain("more than 16384 values");
      expect(refusal("storage.get-many", utf8("[".repeat(50)))).toContain("nests deeper than 8");
      expect(refusal("storage.commit", utf8(records(1e6)), utf8("[]"))).toContain("more than 16384 values");
      expect(refusal("storage.commit", utf8(records(5e6)), empty)).toContain("the limit of its type is 8388608");
      expect(refusal("storage.commit", utf8("[".repeat(50)), utf8("[]"))).toContain("nests deeper than 8");
      expect(refusal("storage.scan", utf8("a"), empty, utf8(records(400)), utf8("true"))).not.toBe("taken");
      expect(refusal("storage.changes", utf8(records(400)), utf8("1"))).toContain("the limit of its type is 128");
      expect(refusal("services.call", utf8("a.b"), empty, utf8(records(400)))).toContain("the limit of its type is 128");
      expect(refusal("services.call", utf8("a.b"), empty, utf8("[[1]]"))).toContain("more than 1 values or nests deeper than 0");
      expect(refusal("storage.keys", utf8("a"), empty, utf8(records(100_000)))).not.toBe("taken");
      expect(refusal("http.fetch", utf8(records(1e6)), empty)).toContain("the limit of its type is 131072");
      expect(refusal("http.fetch", utf8(records(10_000)), empty)).toContain("more than 4096 values");
      expect(refusal("log.write", utf8(`"${"x".repeat(1_000)}"`), utf8("line"))).toContain("the limit of its type is 128");
      for (const name of ["state.get", "state.keys", "storage.get", "storage.get-versioned", "config.get", "events.publish"] as const)
        expect(refusal(name, utf8(".".repeat(1e6)), empty, empty), name).toContain("the limit of its type is 4096");
      expect(parsed).toBe(0);
    } finally {
      JSON.parse = parse;
    }
  });

  it("are taken up to there", () => {
    const value = Buffer.alloc(1_500).toString("base64");
    const changes = Array.from({ length: 1_000 }, (_, i) => ({ key: `${"k".repeat(500)}${i}`, value, "ttl-ms": 1 }));
    expect(refusal("storage.apply", utf8(JSON.stringify(changes)))).toBe("taken");
    expect(refusal("storage.get-many", utf8(JSON.stringify(changes.map(({ key }) => key))))).toBe("taken");
    const checks = changes.map(({ key }) => ({ key, version: Number.MAX_SAFE_INTEGER }));
    expect(refusal("storage.commit", utf8(JSON.stringify(checks)), utf8(JSON.stringify(changes)))).toBe("taken");
    expect(refusal("services.call", utf8("a.b"), empty, utf8(" 1000 "))).toBe("taken");
    const headers = Array.from({ length: 200 }, (_, i) => ({ name: `x-${i}`, value: "v".repeat(100) }));
    expect(
      refusal("http.fetch", utf8(JSON.stringify({ method: "GET", url: `https://a.example/${"p".repeat(8_000)}`, headers })), empty),
    ).toBe("taken");
    expect(refusal("log.write", utf8('"info"'), utf8("x".repeat(100_000)))).toBe("taken");
  });
});
