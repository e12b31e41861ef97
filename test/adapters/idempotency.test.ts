// What was answered under a key is answered again; who has how many keys is bounded.

import { beforeEach, describe, expect, it } from "vitest";
import { IDEMPOTENCY_LIMITS, IdempotentCalls, keyOf } from "../../host/adapters/http/idempotency.ts";
import { refusal } from "../../host/bounds/refusals.ts";
import { HostError } from "../../host/core/errors.ts";
import { utf8 } from "../support/scripted-cell.ts";

let nowMs: number;
let runs: number;
let replays: number;
let calls: IdempotentCalls;

const callsWith = (limits: object = {}): IdempotentCalls =>
  new IdempotentCalls({ monotonicMs: () => nowMs }, { ...IDEMPOTENCY_LIMITS, ...limits });

beforeEach(() => {
  [nowMs, runs, replays] = [1_000, 0, 0];
  calls = callsWith();
});

interface Given {
  readonly principal?: string;
  readonly service?: string;
  readonly key?: string;
  readonly payload?: string;
  readonly answers?: Uint8Array;
  readonly fails?: Error;
}

const once = ({
  principal = "ada",
  service = "p.x",
  key = "k",
  payload = "{}",
  answers = utf8("done"),
  fails,
}: Given = {}): Promise<Uint8Array> =>
  calls.once(
    { principal, service, key, payload: utf8(payload) },
    async () => {
      runs += 1;
      if (fails !== undefined) throw fails;
      return answers;
    },
    () => {
      replays += 1;
    },
  );

const text = async (answer: Promise<Uint8Array>): Promise<string> => new TextDecoder().decode(await answer);

describe("a call with a key", () => {
  it("is made once, and answered again for ten minutes", async () => {
    expect(await text(once())).toBe("done");
    nowMs += 599_999;
    expect(await text(once({ answers: utf8("other") }))).toBe("done");
    expect([runs, replays]).toEqual([1, 1]);
    nowMs += 1;
    expect(await text(once({ answers: utf8("other") }))).toBe("other");
    expect([runs, replays]).toEqual([2, 1]);
  });

  it("is another one for another principal, service or key", async () => {
    await once();
    await once({ principal: "bob" });
    await once({ service: "p.y" });
    await once({ key: "l" });
    expect([runs, replays]).toEqual([4, 0]);
  });

  it("is refused with 422 when another input comes under its key, also while it runs", async () => {
    await once();
    await expect(once({ payload: "{ }" })).rejects.toMatchObject({ statusCode: 422, hostCode: "conflict" });
    const running = once({ key: "l" });
    await expect(once({ key: "l", payload: "[]" })).rejects.toMatchObject({ statusCode: 422 });
    await running;
    expect(runs).toBe(2);
  });

  it("is refused with conflict while it runs", async () => {
    const first = once();
    await expect(once()).rejects.toMatchObject({ code: "conflict" });
    await first;
    expect(await text(once())).toBe("done");
    expect(runs).toBe(1);
  });

  it.each([
    new HostError("plugin-failed", "m"),
    new HostError("deadline-exceeded", "m"),
    new HostError("internal", "m"),
    refusal("not-found", "m"),
  ])("that may have run and failed with $code fails the same way again", async (fails) => {
    const { code, reason } = fails;
    await expect(once({ fails })).rejects.toBe(fails);
    await expect(once()).rejects.toMatchObject({ code, reason, message: "m" });
    expect([runs, replays]).toEqual([1, 1]);
  });

  it.each([
    new HostError("rate-limited", "m"),
    new HostError("queue-full", "m"),
    new HostError("permission-denied", "m"),
    new HostError("plugin-not-running", "m"),
    refusal("unavailable", "m"),
  ])("that did not run and was refused with $code may be made again", async (fails) => {
    await expect(once({ fails })).rejects.toBe(fails);
    expect(await text(once())).toBe("done");
    expect([runs, replays]).toEqual([2, 0]);
  });

  it("keeps a copy of the answer, whatever becomes of it", async () => {
    const answers = utf8("done");
    await once({ answers });
    answers.fill(0);
    expect(await text(once())).toBe("done");
  });

  it("is not made again although its answer was too large to be kept", async () => {
    const answers = new Uint8Array(IDEMPOTENCY_LIMITS.maxBytes / 16 + 1);
    expect(await once({ answers })).toHaveLength(answers.length);
    await expect(once()).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("too large") });
    expect(runs).toBe(1);
    expect(calls.size.bytes).toBeLessThan(2_000);
  });
});

describe("keys", () => {
  it("are 1 to 255 visible ASCII characters", () => {
    expect(keyOf(undefined)).toBeUndefined();
    for (const key of ["a", "!~", "x".repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"']) expect(keyOf(key)).toBe(key);
    for (const key of ["", " ", "a b", "a, b", "é", "x".repeat(256), "a\u007f", ["a", "b"]])
      expect(() => keyOf(key), String(key)).toThrow(expect.objectContaining({ statusCode: 400 }));
  });

  it("of one principal never push out those of another", async () => {
    calls = callsWith({ maxEntries: 40 });
    await once({ principal: "bob", key: "kept" });
    for (let i = 0; i < 200; i += 1) await once({ principal: "ada", key: `k${i}` });
    expect(calls.size.entries).toBe(11);
    runs = 0;
    await once({ principal: "bob", key: "kept" });
    await once({ principal: "ada", key: "k199" });
    expect(runs).toBe(0);
    await once({ principal: "ada", key: "k0" });
    expect(runs).toBe(1);
  });

  it("are bounded in number and bytes however many principals bring them, and the heaviest gives way", async () => {
    calls = callsWith({ maxEntries: 100, maxBytes: 200_000 });
    await once({ principal: "light", key: "kept" });
    for (let i = 0; i < 50; i += 1)
      for (let j = 0; j < 10; j += 1) {
        await once({ principal: `p${i}`, key: `k${j}`, answers: new Uint8Array(5_000) });
        expect(calls.size.entries).toBeLessThanOrEqual(100);
        expect(calls.size.bytes).toBeLessThanOrEqual(200_000);
      }
    runs = 0;
    await once({ principal: "light", key: "kept" });
    expect(runs).toBe(0);
    nowMs += 600_000;
    await once({ principal: "late" });
    expect(calls.size.entries).toBe(1);
  });

  it("of calls that run are bounded as well", async () => {
    calls = callsWith({ maxEntries: 8 });
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    const hanging = (key: string, principal = "ada") =>
      calls.once(
        { principal, service: "p.x", key, payload: utf8("") },
        () => promise,
        () => {},
      );
    const running = [hanging("a"), hanging("b")];
    await expect(hanging("c")).rejects.toMatchObject({ code: "rate-limited" });
    running.push(hanging("c", "bob"));
    resolve(utf8(""));
    await Promise.all(running);
  });
});
