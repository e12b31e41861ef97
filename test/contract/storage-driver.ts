// What every storage driver must do; a driver's own test calls this with a way to open it.

import { describe, expect, it } from "vitest";
import type { Clock } from "../../host/core/ports/clock.ts";
import type { StorageDriver } from "../../host/core/ports/storage.ts";
import type { StorageChange } from "../../host/core/wit.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

export function storageDriverContract(
  open: (options?: { maxBytes?: number; maxKeys?: number; clock?: Pick<Clock, "now"> }) => StorageDriver,
): void {
  const put = (key: string, value: string, ttlMs?: number): StorageChange => ({ key, value: utf8(value), ttlMs });
  const remove = (key: string): StorageChange => ({ key, value: undefined, ttlMs: undefined });
  const keys = (driver: StorageDriver, prefix: string, after?: string, limit = 100): string[] => driver.keys({ prefix, after, limit });

  describe("storage driver contract", () => {
    it("returns what was set last, and nothing for an absent or deleted key", () => {
      const driver = open();
      driver.set("a", utf8("1"));
      driver.set("a", utf8("zwei €"));
      expect(textOf(driver.get("a") ?? utf8("absent"))).toBe("zwei €");
      expect(driver.get("b")).toBeUndefined();
      expect(driver.delete("a")).toBe(true);
      expect(driver.delete("a")).toBe(false);
      expect(driver.get("a")).toBeUndefined();
      driver.close();
    });

    it("keeps bytes as they are, empty ones too", () => {
      const driver = open();
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      driver.set("all", all);
      driver.set("none", new Uint8Array(0));
      expect(Buffer.from(driver.get("all") ?? []).equals(all)).toBe(true);
      expect(driver.get("none")?.length).toBe(0);
      driver.close();
    });

    it("lists keys by prefix in the order of their bytes, a page at a time", () => {
      const driver = open();
      for (const key of ["b/2", "a", "b/10", "b", "b0", "b/1", "é", "b/\u{1F600}", "%", "b_1"]) driver.set(key, utf8("x"));
      expect(keys(driver, "b/")).toEqual(["b/1", "b/10", "b/2", "b/\u{1F600}"]);
      expect(keys(driver, "b/", "b/10", 1)).toEqual(["b/2"]);
      expect(keys(driver, "b/", "z")).toEqual([]);
      expect(keys(driver, "%")).toEqual(["%"]);
      expect(keys(driver, "b_")).toEqual(["b_1"]);
      expect(keys(driver, "")).toHaveLength(10);
      driver.close();
    });

    it("treats keys that look like SQL or a prototype's property as keys", () => {
      const driver = open();
      for (const key of ["'; DROP TABLE entries; --", "__proto__", "constructor"]) {
        expect(driver.get(key)).toBeUndefined();
        driver.set(key, utf8(key));
        expect(textOf(driver.get(key) ?? utf8(""))).toBe(key);
      }
      expect(keys(driver, "")).toHaveLength(3);
      driver.close();
    });

    it("applies a batch in order, the last word counting", () => {
      const driver = open();
      driver.set("gone", utf8("x"));
      driver.apply([put("a", "1"), put("a", "2"), remove("gone"), remove("absent"), put("b", "3"), remove("b")]);
      expect(keys(driver, "")).toEqual(["a"]);
      expect(textOf(driver.get("a") ?? utf8(""))).toBe("2");
      driver.close();
    });

    it("applies nothing of a batch that does not fit", () => {
      const driver = open({ maxKeys: 3 });
      driver.set("a", utf8("1"));
      expect(() => driver.apply([put("a", "2"), put("b", "2"), put("c", "2"), put("d", "2")])).toThrow(
        expect.objectContaining({ code: "quota-exceeded" }),
      );
      expect(keys(driver, "")).toEqual(["a"]);
      expect(textOf(driver.get("a") ?? utf8(""))).toBe("1");
      driver.apply([put("b", "2"), put("c", "2")]);
      expect(() => driver.set("d", utf8("1"))).toThrow(expect.objectContaining({ code: "quota-exceeded" }));
      driver.close();
    });

    it("forgets a value when its time is over, and keeps one that was set anew", async () => {
      const clock = fakeClock();
      const driver = open({ clock });
      driver.apply([put("short", "1", 1_000), put("long", "1", 5_000), put("renewed", "1", 1_000), put("plain", "1")]);
      driver.set("renewed", utf8("2"));
      clock.pass(999);
      expect(keys(driver, "")).toEqual(["long", "plain", "renewed", "short"]);
      clock.pass(1);
      expect(driver.get("short")).toBeUndefined();
      expect(driver.delete("short")).toBe(false);
      expect(keys(driver, "")).toEqual(["long", "plain", "renewed"]);
      clock.pass(1e12);
      expect(keys(driver, "")).toEqual(["plain", "renewed"]);
      driver.close();
    });

    it("takes a key more once the time of another is over", () => {
      const clock = fakeClock();
      const driver = open({ maxKeys: 2, clock });
      driver.apply([put("a", "1", 1_000), put("b", "1", 1_000)]);
      expect(() => driver.set("c", utf8("1"))).toThrow(expect.objectContaining({ code: "quota-exceeded" }));
      clock.pass(1_000);
      driver.set("c", utf8("1"));
      driver.apply([put("d", "1")]);
      expect(keys(driver, "")).toEqual(["c", "d"]);
      driver.close();
    });

    it("refuses one key more than its limit with quota-exceeded, while those that it has can change, and takes another once one is deleted", () => {
      const driver = open({ maxKeys: 3 });
      for (const key of ["a", "b", "c", "a"]) driver.set(key, utf8("1"));
      expect(() => driver.set("d", utf8("1"))).toThrow(/has 3 keys; its limit is 3 \(limits\.storageKeys\)/);
      driver.set("b", utf8("2"));
      expect(driver.delete("absent")).toBe(false);
      driver.delete("a");
      driver.set("d", utf8("1"));
      expect(() => driver.set("a", utf8("1"))).toThrow(expect.objectContaining({ code: "quota-exceeded" }));
      expect(keys(driver, "")).toEqual(["b", "c", "d"]);
      driver.close();
    });

    it("refuses to grow beyond its limit with quota-exceeded, keeps what it has and takes more once something is deleted", () => {
      const driver = open({ maxBytes: 256 * 1024 });
      const value = new Uint8Array(8 * 1024);
      let stored = 0;
      expect(() => {
        for (; stored < 100; stored += 1) driver.set(`k${stored}`, value);
      }).toThrow(expect.objectContaining({ code: "quota-exceeded", message: expect.stringContaining("262144 bytes") }));
      expect(stored).toBeGreaterThan(10);
      expect(stored).toBeLessThan(33);
      expect(driver.get("k0")?.length).toBe(value.length);
      for (let i = 0; i < 5; i += 1) driver.delete(`k${i}`);
      driver.set("again", value);
      driver.close();
    });
  });
}
