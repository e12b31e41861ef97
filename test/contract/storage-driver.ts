// What every storage driver must do; a driver's own test calls this with a way to open it.

import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../../host/core/ports.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";

export function storageDriverContract(open: (options?: { maxBytes?: number; maxKeys?: number }) => StorageDriver): void {
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
