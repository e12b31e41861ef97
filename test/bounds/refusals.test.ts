// How a guest's refusal is read, whatever the guest says.

import { describe, expect, it } from "vitest";
import { isDeclarable, MAX_REFUSAL_BYTES, readRefusal, refusal, toldOnPurpose } from "../../host/bounds/refusals.ts";
import { HOST_ERROR_CODES, HostError } from "../../host/core/errors.ts";
import { escapeControls } from "../../host/core/names.ts";
import { utf8 } from "../support/scripted-cell.ts";

const read = (json: string, declared: readonly string[] = []) => readRefusal("p", utf8(`\u0001${json}`), declared);

describe("a refusal", () => {
  it("has its reason, its message, and the time to wait where that is for something unavailable", () => {
    expect(read('{"code":"not-found","message":"no d1"}')).toEqual({ code: "refused", reason: "not-found", message: "no d1" });
    expect(read('{"code":"unavailable","message":"m","retryAfterMs":1500}')).toMatchObject({ reason: "unavailable", retryAfterMs: 1_500 });
    expect(read('{"code":"not-found","message":"m","retryAfterMs":1500}')).not.toHaveProperty("retryAfterMs");
    expect(read('{"code":"out-of-stock","message":"m"}', ["out-of-stock"])).toMatchObject({ code: "refused", reason: "out-of-stock" });
  });

  it("cannot have a code of the host's, nor a reason that nobody declared", () => {
    for (const code of HOST_ERROR_CODES.filter((one) => one !== "conflict"))
      expect(read(JSON.stringify({ code, message: "m" })), code).toEqual({ code: "plugin-failed", message: expect.stringContaining(code) });
    expect(read('{"code":"conflict","message":"m"}')).toMatchObject({ code: "refused", reason: "conflict" });
    expect(read('{"code":"out-of-stock","message":"m"}')).toMatchObject({
      code: "plugin-failed",
      message: expect.stringContaining("out-of-stock"),
    });
    for (const code of ["__proto__", "constructor", "Not-Found", "", "a b", "\u001b[2J", "x".repeat(5_000)])
      expect(read(JSON.stringify({ code, message: "m" })).code, code).toBe("plugin-failed");
    expect(HOST_ERROR_CODES.filter(isDeclarable)).toEqual(["conflict"]);
  });

  it("waits for no longer than a day, and for whole milliseconds", () => {
    for (const wait of ["-1", "0", "86400001", "1e300", "1.5", '"1"', "null"])
      expect(read(`{"code":"unavailable","message":"m","retryAfterMs":${wait}}`), wait).toEqual({
        code: "refused",
        reason: "unavailable",
        message: "m",
      });
  });

  it("is a failure when it is none, however it is broken", () => {
    const broken = [
      "",
      "{}",
      "[]",
      "null",
      "1",
      '"x"',
      "{",
      '{"code":1,"message":"m"}',
      '{"code":"not-found"}',
      '{"code":"not-found","message":1}',
      "\u0001",
    ];
    for (const json of broken) expect(read(json), json).toEqual({ code: "plugin-failed", message: expect.stringContaining("no refusal") });
    expect(readRefusal("p", Uint8Array.of(1, 0xff, 0xfe), []).code).toBe("plugin-failed");
  });

  it("is counted before it is parsed", () => {
    const [deep, many] = [`${"[".repeat(16_000)}${"]".repeat(16_000)}`, `{${'"a":1,'.repeat(1_000)}"code":"not-found","message":"m"}`];
    for (const json of [deep, many, `{"code":"not-found","message":{"a":{"b":1}}}`]) expect(read(json).code).toBe("plugin-failed");
    const long = JSON.stringify({ code: "not-found", message: "x".repeat(MAX_REFUSAL_BYTES) });
    expect(read(long)).toEqual({ code: "plugin-failed", message: expect.stringContaining(String(MAX_REFUSAL_BYTES)) });
  });

  it("has a message of 4,096 characters at most, without control characters", () => {
    expect(read(JSON.stringify({ code: "not-found", message: "é".repeat(5_000) })).message).toHaveLength(4_096);
    expect(read(JSON.stringify({ code: "not-found", message: "a\u001b[2Jb\n" })).message).toBe(escapeControls("a\u001b[2Jb\n"));
    const escaped = `{"code":"not-found","message":"${"\\u00e9".repeat(4_096)}"}`;
    expect(read(escaped)).toMatchObject({ code: "refused", message: "é".repeat(4_096) });
  });
});

describe("a refusal of the program's own", () => {
  it("is made with a reason, and with a time for what is unavailable only", () => {
    expect(refusal("not-found", "m")).toMatchObject({ code: "refused", reason: "not-found", message: "m" });
    expect(refusal("unavailable", "m", { retryAfterMs: 5 })).toMatchObject({ retryAfterMs: 5 });
    for (const make of [
      () => refusal("permission-denied", "m"),
      () => refusal("Not Found", "m"),
      () => refusal("not-found", "m", { retryAfterMs: 5 }),
      () => refusal("unavailable", "m", { retryAfterMs: 0 }),
    ])
      expect(make).toThrow(expect.objectContaining({ code: "invalid-message" }));
  });

  it("is told to the caller when its reason is known, and is a fault otherwise", () => {
    expect(toldOnPurpose(refusal("not-found", "m"), [])).toMatchObject({ code: "refused", reason: "not-found" });
    expect(toldOnPurpose(refusal("sold-out", "m"), ["sold-out"])).toMatchObject({ reason: "sold-out" });
    for (const thrown of [refusal("sold-out", "m"), new HostError("refused", "m"), new HostError("internal", "m"), new Error("m"), null])
      expect(toldOnPurpose(thrown, [])).toBeUndefined();
    const odd = new HostError("rate-limited", "m", { retryAfterMs: Number.NaN, reason: "not-found" });
    expect(toldOnPurpose(odd, [])).toMatchObject({ code: "rate-limited", reason: undefined, retryAfterMs: undefined });
  });
});
