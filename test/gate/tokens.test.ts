// API tokens: what is kept of them, whose they are, and when they end.

import Database from "better-sqlite3";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKENS_SCHEMA, TokenStore } from "../../host/admin/tokens.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

describe("tokens", () => {
  let clock: FakeClock;
  let connection: Database.Database;
  let tokens: TokenStore;
  const create = (name: string, more: { owner?: string; expiresAt?: number } = {}): string =>
    tokens.create({ name, roles: ["operator"], scopes: [], owner: "user:ada", expiresAt: undefined, ...more });

  beforeEach(() => {
    clock = fakeClock();
    connection = new Database(":memory:");
    connection.exec(TOKENS_SCHEMA);
    tokens = new TokenStore(connection, clock);
  });

  it("are known again, also after a restart, and stand nowhere", () => {
    const token = create("ci");
    expect(token).toMatch(/^bh_[A-Za-z0-9_-]{12}_[A-Za-z0-9_-]{43}$/);
    expect(tokens.check(token)).toMatchObject({ name: "ci", roles: ["operator"] });
    expect(new TokenStore(connection, clock).check(token)).toMatchObject({ name: "ci" });
    const [row] = connection.prepare<[], Record<string, unknown>>("SELECT * FROM tokens").all();
    const secret = token.slice(-43);
    expect(JSON.stringify(row, (_key, value) => (Buffer.isBuffer(value) ? value.toString("latin1") : value))).not.toContain(secret);
  });

  it("are nobody's when a character of them differs, or there is more or less", () => {
    const token = create("ci");
    const last = token.endsWith("A") ? "B" : "A";
    for (const other of [
      `${token.slice(0, -2)}${last}${token.slice(-1)}`,
      `${token}A`,
      token.slice(0, -1),
      token.toUpperCase(),
      "",
      "bh__",
    ])
      expect(tokens.check(other), other).toBeUndefined();
  });

  it("end at their time, and not before", () => {
    const token = create("ci", { expiresAt: clock.now() + 1_000 });
    clock.pass(999);
    expect(tokens.check(token)).toBeDefined();
    clock.pass(1);
    expect(tokens.check(token)).toBeUndefined();
  });

  it("end by the time of day, whoever sets it, and none is removed for that", () => {
    const token = create("ci", { expiresAt: clock.now() + 60_000 });
    clock.set(3_600_000);
    expect(tokens.check(token)).toBeUndefined();
    clock.set(-7_200_000);
    expect(tokens.check(token)).toBeDefined();
    expect(tokens.list()).toMatchObject([{ name: "ci", lastUsedAt: new Date(clock.now()).toISOString() }]);
    // It says when it was used last also where that is before the time before.
    clock.set(-3_600_000);
    tokens.check(token);
    expect(tokens.list()).toMatchObject([{ lastUsedAt: new Date(clock.now()).toISOString() }]);
  });

  it("end with the one that made them, whoever stands between", () => {
    const first = create("first");
    const second = create("second", { owner: "token:first", expiresAt: clock.now() + 500 });
    const third = create("third", { owner: "token:second" });
    expect(tokens.check(third)?.line.map(({ name }) => name)).toEqual(["third", "second", "first"]);
    expect(tokens.check(third)?.expiresAt).toBe(clock.now() + 500);
    clock.pass(500);
    expect(tokens.check(third)).toBeUndefined();
    expect(tokens.check(first)).toBeDefined();
    const told: string[][] = [];
    tokens.onRevoked((names) => told.push([...names]));
    expect(tokens.revoke("first")).toEqual(["first", "second", "third"]);
    expect(told).toEqual([["first", "second", "third"]]);
    for (const token of [first, second, third]) expect(tokens.check(token)).toBeUndefined();
    expect(tokens.revoke("first")).toEqual([]);
    expect(new TokenStore(connection, clock).list()).toEqual([]);
  });

  it("have names of their own, and say when they were last used, to the minute", () => {
    const token = create("ci");
    expect(() => create("ci")).toThrow(expect.objectContaining({ code: "conflict" }));
    tokens.check(token);
    const [{ lastUsedAt } = {}] = tokens.list();
    clock.pass(30_000);
    tokens.check(token);
    expect(tokens.list()[0]?.lastUsedAt).toBe(lastUsedAt);
    clock.pass(30_000);
    tokens.check(token);
    expect(tokens.list()[0]?.lastUsedAt).not.toBe(lastUsedAt);
  });
});
