import { describe, expect, it } from "vitest";
import { Deadlines } from "../../host/core/deadlines.ts";
import { childSpan, startTrace, traceIdOf } from "../../host/core/trace.ts";
import { startOrder } from "../../host/lifecycle/start-order.ts";
import { fakeClock } from "../support/fake-clock.ts";

describe("deadlines", () => {
  it("expires what is late, never early, and not what was removed", async () => {
    const clock = fakeClock();
    const expired: string[] = [];
    const deadlines = new Deadlines<{ name: string; expiresAt: number }>(clock, (item) =>
      expired.push(`${item.name}@${clock.monotonicMs()}`),
    );
    const removed = { name: "removed", expiresAt: 20 };
    for (const item of [{ name: "late", expiresAt: 50 }, { name: "early", expiresAt: 10 }, removed]) deadlines.add(item);
    deadlines.delete(removed);
    await clock.advance(9);
    expect(expired).toEqual([]);
    await clock.advance(100);
    expect(expired).toEqual(["early@10", "late@50"]);
  });

  it("keeps the earliest deadline that expiring itself adds", async () => {
    const clock = fakeClock();
    const expired: number[] = [];
    const deadlines: Deadlines<{ expiresAt: number }> = new Deadlines(clock, (item) => {
      expired.push(clock.monotonicMs());
      if (expired.length === 1) {
        item.expiresAt += 5;
        deadlines.add(item);
      }
    });
    deadlines.add({ expiresAt: 10 });
    deadlines.add({ expiresAt: 100 });
    await clock.advance(200);
    expect(expired).toEqual([10, 15, 100]);
  });
});

describe("many deadlines", () => {
  it("expire each once and in any order, whichever are removed, added again, or removed by another's end", async () => {
    const clock = fakeClock();
    interface Item {
      readonly name: number;
      expiresAt: number;
      place?: number | undefined;
    }
    const expired: number[] = [];
    const items = Array.from({ length: 100 }, (_, name): Item => ({ name, expiresAt: 10 + ((name * 37) % 100) }));
    const deadlines = new Deadlines<Item>(clock, ({ name }) => {
      expired.push(name);
      const next = items[name + 1];
      if (name % 7 === 1 && next !== undefined) deadlines.delete(next);
    });
    for (const item of items) deadlines.add(item);
    for (const item of items) if (item.name % 3 === 0) deadlines.delete(item);
    for (const item of items) if (item.name % 6 === 0) deadlines.add(item);
    for (const item of items) if (item.name % 6 === 0) deadlines.delete(item);
    for (const item of items) deadlines.delete({ name: -1, expiresAt: item.expiresAt });
    await clock.advance(200);
    expect(new Set(expired).size).toBe(expired.length);
    // Those that are left, but for the ones that another's end removed before their time.
    const left = items.filter(({ name }) => name % 3 !== 0);
    const removed = left.filter((one) => !expired.includes(one.name));
    expect(expired.length + removed.length).toBe(left.length);
    for (const { name } of removed) expect(name % 7).toBe(2);
    expect(removed.length).toBeGreaterThan(0);
  });
});

describe("start order", () => {
  const plugin = (name: string, ...dependencies: string[]) => ({ name, dependencies });

  it("starts dependencies first and keeps the given order otherwise", () => {
    expect(startOrder([plugin("c", "b"), plugin("x"), plugin("b", "a"), plugin("a")]).order).toEqual(["x", "a", "b", "c"]);
  });

  it("names cycles and missing plugins as data and starts the others", () => {
    const { order, blocked } = startOrder([plugin("a", "b"), plugin("b", "a"), plugin("c", "ghost"), plugin("d", "c"), plugin("ok")]);
    expect(order).toEqual(["ok"]);
    expect(blocked.get("a")).toContain("cycle");
    expect(blocked.get("c")).toBe("needs ghost, which is not installed");
    expect(blocked.get("d")).toBe("needs c, which cannot start");
  });
});

describe("trace", () => {
  it("continues a valid traceparent with a new span and replaces an invalid one", () => {
    const incoming = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    expect(traceIdOf(startTrace(incoming))).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
    expect(startTrace(incoming)).not.toBe(incoming);
    for (const bad of [undefined, "", "garbage", incoming.toUpperCase(), `00-${"0".repeat(32)}-00f067aa0ba902b7-01`, `${incoming}\nx`]) {
      expect(startTrace(bad)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(traceIdOf(startTrace(bad))).not.toBe("4bf92f3577b34da6a3ce929d0e0e4736");
    }
  });

  it("gives every span an id of its own", () => {
    const root = startTrace();
    const spans = new Set(Array.from({ length: 1_000 }, () => childSpan(root)));
    expect(spans.size).toBe(1_000);
    expect(new Set([...spans].map(traceIdOf))).toEqual(new Set([traceIdOf(root)]));
  });
});
