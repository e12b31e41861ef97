import { describe, expect, it } from "vitest";
import { PluginStorage } from "../../host/cell/inside/plugin-storage.ts";
import type { StorageDriver } from "../../host/core/ports/storage.ts";
import { memoryDriver } from "../support/memory-storage.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

const driver = (overrides: Partial<StorageDriver> = {}): StorageDriver => ({ ...memoryDriver(), ...overrides });

describe("plugin storage", () => {
  it("passes values through to its driver", () => {
    const storage = new PluginStorage(driver());
    storage.set("a", utf8("1"));
    expect(textOf(storage.get("a") ?? utf8(""))).toBe("1");
    expect(storage.keys({ prefix: "", after: undefined, limit: 10 })).toEqual(["a"]);
    expect(storage.delete("a")).toBe(true);
    storage.close();
  });

  it("takes keys of 1 to 512 bytes of well-formed text", () => {
    const storage = new PluginStorage(driver());
    storage.set("é".repeat(256), utf8("ok"));
    for (const bad of ["", "é".repeat(257), "x".repeat(513), "\ud800"])
      expect(() => storage.set(bad, utf8("x")), bad).toThrow(/storage key/);
  });

  it("takes values up to 1 MiB and pages of 1 to 1,000", () => {
    const storage = new PluginStorage(driver());
    storage.set("a", new Uint8Array(1024 * 1024));
    expect(() => storage.set("a", new Uint8Array(1024 * 1024 + 1))).toThrow(/the limit is 1048576/);
    for (const limit of [0, 1_001, 1.5, Number.NaN])
      expect(() => storage.keys({ prefix: "", after: undefined, limit })).toThrow(/limit is/);
    expect(() => storage.keys({ prefix: "x".repeat(600), after: undefined, limit: 1 })).toThrow(/storage key/);
    expect(() => storage.keys({ prefix: "", after: "x".repeat(600), limit: 1 })).toThrow(/storage key/);
  });

  it("reads and changes several keys at once, up to 1,000 of them and 4 MiB of values", () => {
    const storage = new PluginStorage(driver());
    storage.apply([
      { key: "a", value: utf8("1"), ttlMs: undefined },
      { key: "b", value: undefined, ttlMs: undefined },
    ]);
    expect(storage.getMany(["b", "a", "a"]).map((value) => value && textOf(value))).toEqual([undefined, "1", "1"]);
    expect(() => storage.getMany(Array.from({ length: 1_001 }, () => "a"))).toThrow(/1001 keys at once; the limit is 1000/);
    expect(() => storage.getMany(["a", ""])).toThrow(/storage key/);
    const change = { key: "big", value: new Uint8Array(1024 * 1024), ttlMs: undefined };
    storage.apply([change]);
    expect(() => storage.getMany(Array.from({ length: 5 }, () => "big"))).toThrow(expect.objectContaining({ code: "quota-exceeded" }));
    expect(() => storage.apply(Array.from({ length: 1_001 }, () => change))).toThrow(/1001 changes at once/);
    expect(() => storage.apply([{ ...change, value: new Uint8Array(1024 * 1024 + 1) }])).toThrow(/the limit is 1048576/);
    expect(() => storage.apply([{ ...change, ttlMs: 0 }])).toThrow(/ttl-ms of "big" is 0/);
  });

  it("takes 1,000 checks and changes of a commit and no more, and pages of 1 to 1,000", () => {
    const storage = new PluginStorage(driver());
    const checks = Array.from({ length: 1_000 }, (_, i) => ({ key: `k${i}`, version: 0 }));
    const changes = checks.map(({ key }) => ({ key, value: utf8("1"), ttlMs: undefined }));
    expect(storage.commit(checks, changes)).toMatchObject({ committed: true });
    const one = checks.slice(0, 1);
    expect(() => storage.commit([...checks, ...one], [])).toThrow(/1001 checks at once; the limit is 1000/);
    expect(() => storage.commit([], [...changes, ...changes.slice(0, 1)])).toThrow(/1001 changes at once; the limit is 1000/);
    expect(() => storage.commit([{ key: "x".repeat(513), version: 0 }], [])).toThrow(/storage key/);
    expect(() => storage.getVersioned("")).toThrow(/storage key/);
    const range = { prefix: "", after: undefined, limit: 1, reverse: true };
    for (const limit of [0, 1_001, 1.5]) {
      expect(() => storage.scan({ ...range, limit })).toThrow(/limit is/);
      expect(() => storage.changes(0, limit)).toThrow(/limit is/);
    }
    expect(() => storage.scan({ ...range, after: "x".repeat(600) })).toThrow(/storage key/);
  });

  it("tells its driver of which turn each write is, and how large a page may be", () => {
    const told: unknown[] = [];
    const listening = driver({
      set: (key, _value, trace) => told.push([key, trace]) > 0,
      commit: ({ trace }) => {
        told.push(trace);
        return { committed: true, version: 1 };
      },
      scan: ({ maxBytes }) => {
        told.push(maxBytes);
        return { entries: [], next: undefined };
      },
    });
    const storage = new PluginStorage(listening, () => "the trace");
    storage.set("a", utf8("1"));
    storage.delete("a");
    storage.apply([]);
    storage.scan({ prefix: "", after: undefined, limit: 1, reverse: false });
    expect(told).toEqual([["a", "the trace"], ["a", "the trace"], "the trace", 4 * 1024 * 1024]);
  });

  it("changes nothing when one change of a batch is bad", () => {
    const storage = new PluginStorage(driver());
    expect(() =>
      storage.apply([
        { key: "a", value: utf8("1"), ttlMs: undefined },
        { key: "", value: undefined, ttlMs: undefined },
      ]),
    ).toThrow(/storage key/);
    expect(storage.get("a")).toBeUndefined();
  });

  it("turns whatever a driver throws into storage-failed, without its words", () => {
    const storage = new PluginStorage(
      driver({
        get: () => {
          throw new Error("SQLITE_IOERR /secret/path");
        },
      }),
    );
    expect(() => storage.get("a")).toThrow(
      expect.objectContaining({ code: "storage-failed", message: expect.not.stringContaining("secret") }),
    );
  });
});
