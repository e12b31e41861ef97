// What a cell keeps of what its plugin has read of a storage on the host's side: never anything but what is there, and never more than it may.

import { beforeEach, describe, expect, it } from "vitest";
import { ReadCache } from "../../host/cell/inside/read-cache.ts";
import { HostError } from "../../host/core/errors.ts";
import type { Bytes } from "../../host/core/types.ts";
import type { StorageVersioned, WitFunction, WitParams, WitResult } from "../../host/core/wit.ts";
import { decodeAll, decodeError, decodeResult, encodeArguments, encodeError, encodeResultView } from "../../host/engine/guest/blocks.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

const KIB = 1_024;

describe("the read cache of a cell", () => {
  let clock: FakeClock;
  let stored: Map<string, StorageVersioned>;
  let asked: string[];
  let isAway: boolean;

  const versioned = (key: string): StorageVersioned | undefined => stored.get(key);
  const put = (key: string, value: string, expiresAt?: number): void =>
    void stored.set(key, { value: utf8(value), version: stored.size + 1, expiresAt });
  const host = async (name: string, args: readonly Bytes[]): Promise<Bytes> => {
    asked.push(name);
    if (isAway) return encodeError(new HostError("storage-failed", "away"));
    const fn = name as WitFunction;
    if (fn === "storage.get-versioned") return encodeResultView(fn, versioned(decodeAll(fn, args)[0])).slice();
    if (fn === "storage.get-many")
      return encodeResultView(
        fn,
        decodeAll(fn, args)[0].map((key) => versioned(key)?.value),
      ).slice();
    if (fn === "storage.set") {
      const [key, value] = decodeAll(fn, args);
      put(key, textOf(value));
      return encodeResultView(fn, undefined).slice();
    }
    if (fn === "storage.delete") return encodeResultView(fn, stored.delete(decodeAll(fn, args)[0])).slice();
    if (fn === "storage.apply") {
      for (const { key, value } of decodeAll(fn, args)[0]) put(key, textOf(value ?? new Uint8Array(0)));
      return encodeResultView(fn, undefined).slice();
    }
    throw new Error(`not asked for in this test: ${name}`);
  };
  const cacheOf = (bytes: number): ReadCache => new ReadCache(bytes, clock, host);
  const ask = async <F extends WitFunction>(cache: ReadCache, name: F, ...args: WitParams<F>): Promise<WitResult<F>> => {
    const answer = await cache.ask(name, encodeArguments(name, args));
    if (answer[0] !== 0) throw decodeError(answer);
    return decodeResult(name, answer) as WitResult<F>;
  };
  const read = async (cache: ReadCache, key: string): Promise<string | undefined> => {
    const value = await ask(cache, "storage.get", key);
    return value && textOf(value);
  };

  beforeEach(() => {
    clock = fakeClock();
    stored = new Map();
    asked = [];
    isAway = false;
  });

  it("asks once for what is read again, with version or without, and also for what is not there", async () => {
    const cache = cacheOf(64 * KIB);
    put("a", "1");
    for (let i = 0; i < 3; i += 1) {
      expect(await read(cache, "a")).toBe("1");
      expect(await ask(cache, "storage.get-versioned", "a")).toMatchObject({ version: 1 });
      expect(await read(cache, "none")).toBeUndefined();
      expect((await ask(cache, "storage.get-many", ["none", "a"])).map((value) => value && textOf(value))).toEqual([undefined, "1"]);
    }
    expect(asked).toEqual(["storage.get-versioned", "storage.get-versioned"]);
  });

  it("reads anew what was written in whatever way, and what could not be", async () => {
    const cache = cacheOf(64 * KIB);
    expect(await read(cache, "a")).toBeUndefined();
    await ask(cache, "storage.set", "a", utf8("1"));
    expect(await read(cache, "a")).toBe("1");
    await ask(cache, "storage.apply", [{ key: "a", value: utf8("2"), ttlMs: undefined }]);
    expect(await read(cache, "a")).toBe("2");
    await ask(cache, "storage.delete", "a");
    expect(await read(cache, "a")).toBeUndefined();
    isAway = true;
    await expect(ask(cache, "storage.set", "a", utf8("3"))).rejects.toMatchObject({ code: "storage-failed" });
    isAway = false;
    // It was made all the same.
    put("a", "3");
    expect(await read(cache, "a")).toBe("3");
  });

  it("keeps nothing of a failure, nor anything for longer than it lives", async () => {
    const cache = cacheOf(64 * KIB);
    put("a", "1", clock.now() + 1_000);
    isAway = true;
    await expect(read(cache, "a")).rejects.toMatchObject({ code: "storage-failed" });
    isAway = false;
    expect(await read(cache, "a")).toBe("1");
    stored.delete("a");
    expect(await read(cache, "a")).toBe("1");
    await clock.advance(1_000);
    expect(await read(cache, "a")).toBeUndefined();
  });

  it("gives a copy each time, which the guest may do with what it likes", async () => {
    const cache = cacheOf(64 * KIB);
    put("a", "1");
    await read(cache, "a");
    (await cache.ask("storage.get", encodeArguments("storage.get", ["a"]))).fill(0);
    expect(await read(cache, "a")).toBe("1");
  });

  it("keeps no more than it may, the last ones, and nothing that is larger", async () => {
    const cache = cacheOf(4 * KIB);
    for (const key of ["a", "b", "c", "d"]) put(key, "x".repeat(KIB));
    put("large", "x".repeat(5 * KIB));
    for (const key of ["a", "b", "c", "a", "d", "large"]) await read(cache, key);
    asked = [];
    for (const key of ["a", "c", "d"]) await read(cache, key);
    expect(asked).toEqual([]);
    for (const key of ["b", "large"]) await read(cache, key);
    expect(asked).toHaveLength(2);
  });

  it("counts what is not there too, or a guest could fill the cell with names", async () => {
    const cache = cacheOf(4 * KIB);
    for (let i = 0; i < 1_000; i += 1) await read(cache, `none-${i}`);
    asked = [];
    for (let i = 0; i < 1_000; i += 1) await read(cache, `none-${i}`);
    expect(asked.length).toBeGreaterThan(960);
  });
});
