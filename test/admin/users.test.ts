// Accounts and sessions: what is kept of them, what ends them, and how many there may be.

import { beforeEach, describe, expect, it } from "vitest";
import { IDLE_MS, MAX_OF_ONE, MAX_SESSIONS, SESSION_MS, SessionStore } from "../../host/admin/sessions.ts";
import { MAX_USERS } from "../../host/admin/users.ts";
import { accountsInMemory, PASSWORD, type TestAccounts } from "../support/accounts.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

let clock: FakeClock;
let accounts: TestAccounts;
let ended: string[];

beforeEach(() => {
  clock = fakeClock();
  accounts = accountsInMemory(clock);
  ended = [];
  accounts.sessions.onEnded((ids) => ended.push(...ids));
});

const ada = (roles: readonly string[] = ["operator"]): Promise<unknown> =>
  accounts.operate("add-user", { name: "ada", roles, password: PASSWORD });
const textOf = (table: string): string =>
  JSON.stringify(accounts.connection.prepare(`SELECT * FROM ${table}`).all(), (_key, value) =>
    value?.type === "Buffer" ? Buffer.from(value.data).toString("latin1") : value,
  );

describe("accounts", () => {
  it("keep of a password its hash of argon2id, and tell nobody of it", async () => {
    await ada();
    const { hash = "" } = accounts.users.find("ada") ?? {};
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await accounts.passwords.verify(PASSWORD, hash)).toBe(true);
    expect(await accounts.passwords.verify(`${PASSWORD}.`, hash)).toBe(false);
    expect(textOf("users")).not.toContain(PASSWORD);
    const listed = JSON.stringify(await accounts.operate("users"));
    expect(listed).toContain('"name":"ada"');
    expect(listed).not.toContain("argon2id");
    expect(accounts.audited).toEqual(['user:root add-user ada {"roles":["operator"]}']);
  });

  it("take a password in whatever way its letters are composed", async () => {
    await accounts.operate("add-user", { name: "zoe", roles: ["viewer"], password: "Zoë und ihr Garten" });
    expect(await accounts.passwords.verify("Zoe\u0308 und ihr Garten", accounts.users.find("zoe")?.hash)).toBe(true);
  });

  it.each([
    [{ name: "ada", roles: ["viewer"], password: "elevenchars" }, "has 11 characters; write 12 at least"],
    [{ name: "ada", roles: ["viewer"], password: "x".repeat(1_025) }, "has 1025 bytes"],
    [{ name: "ada", roles: ["viewer"], password: "x".repeat(5_000) }, "malformed"],
    [{ name: "ada", roles: [], password: PASSWORD }, "malformed"],
    [{ name: "ada", roles: ["king"], password: PASSWORD }, '"king" is no role'],
    [{ name: "Ada:x", roles: ["viewer"], password: PASSWORD }, "malformed"],
  ])("are refused as %j", async (input, words) => {
    await expect(accounts.operate("add-user", input)).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining(words),
    });
    expect([accounts.users.list(), accounts.audited]).toEqual([[], []]);
  });

  it("are one of a name, and so many", async () => {
    await ada();
    await expect(ada()).rejects.toMatchObject({ code: "conflict" });
    const { hash = "" } = accounts.users.find("ada") ?? {};
    for (let i = 1; i < MAX_USERS; i += 1) accounts.users.add({ name: `u${i}`, roles: ["viewer"], hash });
    await expect(accounts.operate("add-user", { name: "one-more", roles: ["viewer"], password: PASSWORD })).rejects.toMatchObject({
      code: "quota-exceeded",
    });
  });

  it.each([
    ["set-password", { name: "ada", password: `another ${PASSWORD}` }],
    ["set-user-roles", { name: "ada", roles: ["viewer"] }],
    ["remove-user", { name: "ada" }],
    ["end-sessions", { principal: "account:ada" }],
  ])("have no session after %s, and others keep theirs", async (operation, input) => {
    await ada();
    const own = accounts.sessions.open("account:ada").secret;
    const other = accounts.sessions.open("account:bob").secret;
    await accounts.operate(operation, input);
    expect([accounts.sessions.check(own), accounts.sessions.check(other)?.principal]).toEqual([undefined, "account:bob"]);
    expect(ended).toHaveLength(1);
    expect(accounts.audited.at(-1)).toMatch(new RegExp(`^user:root ${operation} `));
  });

  it("that are not there are told of, whatever is to be done with them", async () => {
    for (const [operation, input] of [
      ["set-password", { name: "ada", password: PASSWORD }],
      ["set-user-roles", { name: "ada", roles: ["viewer"] }],
      ["remove-user", { name: "ada" }],
      ["end-sessions", { principal: "account:ada" }],
    ] as const)
      await expect(accounts.operate(operation, input)).rejects.toMatchObject({ code: "invalid-message" });
    expect(accounts.audited).toEqual([]);
  });

  it("bind the tokens that are made with them, which go with them", async () => {
    await ada(["admin"]);
    const { tokens } = accounts;
    const make = (name: string, owner: string): string =>
      tokens.create({ name, roles: ["admin"], scopes: [], owner, expiresAt: undefined });
    const [token, child] = [make("ci", "account:ada"), make("child", "token:ci")];
    expect(tokens.check(child)?.line.map(({ name, roles }) => [name, ...roles])).toEqual([
      ["child", "admin"],
      ["ci", "admin"],
      ["account:ada", "admin"],
    ]);
    const told: string[] = [];
    tokens.onRevoked((names) => told.push(...names));
    await accounts.operate("set-user-roles", { name: "ada", roles: ["viewer"] });
    expect(tokens.check(token)?.line.at(-1)).toMatchObject({ roles: ["viewer"] });
    expect(told.sort()).toEqual(["child", "ci"]);
    // The one who runs the host is another principal, whatever the system calls him.
    const theirs = make("theirs", "user:ada");
    expect(await accounts.operate("remove-user", { name: "ada" })).toMatchObject({ revoked: ["ci", "child"] });
    expect([tokens.check(token), tokens.check(child), tokens.check(theirs)?.name]).toEqual([undefined, undefined, "theirs"]);
  });
});

describe("sessions", () => {
  it("are known again, also after a restart, and their secrets stand nowhere", () => {
    const { secret, expiresAt } = accounts.sessions.open("oidc:1/ada", ["ops"]);
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const again = new SessionStore(accounts.connection, clock);
    expect(again.check(secret)).toMatchObject({ principal: "oidc:1/ada", groups: ["ops"], expiresAt });
    expect(textOf("sessions")).not.toContain(secret);
  });

  it("are nobody's when a character of the secret differs", () => {
    const { secret } = accounts.sessions.open("account:ada");
    for (const other of [
      `${secret.slice(0, -2)}${secret.at(-2) === "A" ? "B" : "A"}${secret.at(-1)}`,
      `${secret}A`,
      secret.slice(1),
      "",
      "A".repeat(43),
    ])
      expect(accounts.sessions.check(other), other).toBeUndefined();
  });

  it("end after twelve hours however they are used, and after one in which nobody used them", async () => {
    const { secret } = accounts.sessions.open("account:ada");
    const idle = accounts.sessions.open("account:ada").secret;
    for (let at = 0; at < SESSION_MS - IDLE_MS; at += IDLE_MS - 1) {
      clock.pass(IDLE_MS - 1);
      expect(accounts.sessions.check(secret)).toBeDefined();
    }
    expect(accounts.sessions.check(idle)).toBeUndefined();
    clock.pass(IDLE_MS - 1);
    expect(accounts.sessions.check(secret)).toBeUndefined();
    expect(ended).toHaveLength(2);
    expect(textOf("sessions")).toBe("[]");
  });

  it("are no longer than twelve hours, and than one that nobody uses, when the clock is set back", () => {
    const [used, idle] = [accounts.sessions.open("account:ada").secret, accounts.sessions.open("account:ada").secret];
    clock.set(-240 * 3_600_000);
    const again = new SessionStore(accounts.connection, clock);
    for (const sessions of [accounts.sessions, again]) expect(sessions.check(used)).toBeDefined();
    for (let at = 0; at < SESSION_MS - IDLE_MS; at += IDLE_MS - 1) {
      clock.pass(IDLE_MS - 1);
      for (const sessions of [accounts.sessions, again]) expect(sessions.check(used)).toBeDefined();
    }
    for (const sessions of [accounts.sessions, again]) expect(sessions.check(idle)).toBeUndefined();
    clock.pass(IDLE_MS - 1);
    for (const sessions of [accounts.sessions, again]) expect(sessions.check(used)).toBeUndefined();
  });

  it("end when the clock jumps ahead of their hour, and are none again when it is put right", async () => {
    const { secret } = accounts.sessions.open("account:ada");
    clock.set(2 * IDLE_MS);
    await clock.advance(60_000);
    expect(ended).toHaveLength(1);
    clock.set(-2 * IDLE_MS);
    expect(accounts.sessions.check(secret)).toBeUndefined();
    expect(accounts.sessions.check(accounts.sessions.open("account:ada").secret)).toBeDefined();
  });

  it("end by themselves within a minute, so that what goes on with them does", async () => {
    accounts.sessions.open("account:ada");
    await clock.advance(IDLE_MS - 1);
    expect(ended).toEqual([]);
    await clock.advance(60_000);
    expect(ended).toHaveLength(1);
  });

  it("are so many of one principal, and the one that was used least recently makes room", () => {
    const secrets = Array.from({ length: MAX_OF_ONE }, () => accounts.sessions.open("account:ada").secret);
    clock.pass(1);
    accounts.sessions.check(secrets[0] ?? "");
    accounts.sessions.open("account:ada");
    expect(secrets.map((secret) => accounts.sessions.check(secret) !== undefined)).toEqual(secrets.map((_, i) => i !== 1));
    expect([...accounts.sessions.counts()]).toEqual([["account:ada", MAX_OF_ONE]]);
  });

  it("are so many in all", () => {
    const first = accounts.sessions.open("account:first").secret;
    clock.pass(1);
    const insert = accounts.connection.prepare("INSERT INTO sessions VALUES (?, ?, NULL, ?, ?)");
    accounts.connection.transaction(() => {
      for (let i = 1; i < MAX_SESSIONS; i += 1) insert.run(Buffer.from(`${i}`), `account:u${i}`, clock.now(), clock.now());
    })();
    const full = new SessionStore(accounts.connection, clock);
    expect(full.counts().size).toBe(MAX_SESSIONS);
    full.open("account:one-more");
    expect([full.check(first), full.counts().size]).toEqual([undefined, MAX_SESSIONS]);
  });
});
