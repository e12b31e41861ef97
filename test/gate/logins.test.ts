// Logging in: who is let in, how often somebody may be wrong, and what the audit log has of it.

import { beforeEach, describe, expect, it } from "vitest";
import type { HostError } from "../../host/core/errors.ts";
import { MAX_ACCOUNTS } from "../../host/gate/account-table.ts";
import { LoginDesk } from "../../host/gate/logins.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { accountsInMemory, PASSWORD, type TestAccounts } from "../support/accounts.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

let clock: FakeClock;
let accounts: TestAccounts;
let denied: string[];
let desk: LoginDesk;
/** Passwords that were compared with a hash, or with none. */
let verified: string[];

beforeEach(async () => {
  clock = fakeClock();
  accounts = accountsInMemory(clock);
  [denied, verified] = [[], []];
  await accounts.operate("add-user", { name: "ada", roles: ["operator"], password: PASSWORD });
  accounts.audited.length = 0;
  desk = deskWith(async (password) => password === PASSWORD);
});

function deskWith(verify: (password: string, hash: string | undefined) => Promise<boolean>, limits: object = {}): LoginDesk {
  const { users, sessions, audited } = accounts;
  return new LoginDesk({
    ...{ clock, users, sessions, issuer: undefined, auth: authSchema.parse({ limits }) },
    passwords: {
      verify: async (password, hash) => {
        verified.push(`${password} ${hash === undefined ? "nobody's" : "somebody's"}`);
        return (await verify(password, hash)) && hash !== undefined;
      },
    },
    audit: { append: (actor, action, subject, detail) => audited.push(`${actor} ${action} ${subject} ${JSON.stringify(detail)}`) },
    onDenial: ({ plugin, permission, resource }) => denied.push(`${plugin} ${permission} ${resource}`),
  });
}

const logIn = (name: string, password: string, address = "192.0.2.7"): Promise<string> =>
  desk
    .at("http")
    .byPassword({ name, password, from: { address, isPassedOn: false } })
    .then(
      ({ principal }) => principal,
      ({ reason, code }: HostError) => reason ?? code,
    );
async function all<T>(work: readonly (() => Promise<T>)[]): Promise<T[]> {
  const found: T[] = [];
  for (const one of work) found.push(await one());
  return found;
}

describe("logging in by password", () => {
  it("opens a session, of which the audit log tells, and of its end", async () => {
    const from = { address: "192.0.2.7", isPassedOn: false };
    const { secret, principal, expiresAt } = await desk.at("http").byPassword({ name: "ada", password: PASSWORD, from });
    expect([principal, expiresAt]).toEqual(["account:ada", clock.now() + 12 * 3_600_000]);
    expect(accounts.sessions.check(secret)).toMatchObject({ principal: "account:ada", groups: undefined });
    desk.at("http").end(secret, from);
    desk.at("http").end(secret, from);
    desk.at("http").end("nonsense", from);
    expect(accounts.sessions.check(secret)).toBeUndefined();
    expect(accounts.audited).toEqual([
      'account:ada login account:ada {"via":"http","address":"192.0.2.7"}',
      'account:ada logout account:ada {"via":"http","address":"192.0.2.7"}',
    ]);
  });

  it("does the same work and says the same for a wrong password and a name that is nobody's, and keeps no such name", async () => {
    const { passwords } = accounts;
    desk = deskWith((password, hash) => passwords.verify(password, hash));
    expect(await all([() => logIn("ada", "wrong"), () => logIn("bob", PASSWORD), () => logIn(PASSWORD, "ada")])).toEqual(
      Array(3).fill("unauthenticated"),
    );
    expect(verified).toEqual(["wrong somebody's", `${PASSWORD} nobody's`, "ada nobody's"]);
    expect(denied).toEqual(["account:ada login 192.0.2.7", ...Array(2).fill("account:(none) login 192.0.2.7")]);
    expect(accounts.audited).toEqual([]);
  });

  it("lets an account be failed five times in a quarter of an hour, from wherever, and others meanwhile", async () => {
    await accounts.operate("add-user", { name: "bob", roles: ["viewer"], password: PASSWORD });
    const wrong = Array.from({ length: 6 }, (_, i) => () => logIn("ada", "wrong", `192.0.2.${i}`));
    expect(await all(wrong)).toEqual([...Array(5).fill("unauthenticated"), "rate-limited"]);
    expect(verified).toHaveLength(5);
    // Also the right one, or who guesses would learn that it is.
    expect(await logIn("ada", PASSWORD, "192.0.2.99")).toBe("rate-limited");
    expect(await logIn("bob", PASSWORD, "192.0.2.99")).toBe("account:bob");
    clock.pass(180_000);
    expect(await logIn("ada", PASSWORD, "192.0.2.99")).toBe("account:ada");
  });

  it("counts failures by the time that passes, whatever becomes of the clock", async () => {
    const wrong = Array.from({ length: 5 }, (_, i) => () => logIn("ada", "wrong", `192.0.2.${i}`));
    expect(await all(wrong)).toEqual(Array(5).fill("unauthenticated"));
    for (const byMs of [86_400_000, -172_800_000, 86_400_000]) {
      clock.set(byMs);
      expect(await logIn("ada", PASSWORD, "192.0.2.99")).toBe("rate-limited");
    }
    clock.pass(180_000);
    expect(await logIn("ada", PASSWORD, "192.0.2.99")).toBe("account:ada");
  });

  it("lets an address fail five times, whomever it says to be, and a whole network of IPv6 as often", async () => {
    const from = (address: (i: number) => string) => Array.from({ length: 6 }, (_, i) => () => logIn(`u${i}`, "wrong", address(i)));
    expect(await all(from(() => "192.0.2.7"))).toEqual([...Array(5).fill("unauthenticated"), "rate-limited"]);
    expect(await all(from((i) => `2001:db8::${i + 1}`))).toEqual([...Array(5).fill("unauthenticated"), "rate-limited"]);
    expect(await logIn("ada", PASSWORD, "2001:db8:0:1::1")).toBe("account:ada");
  });

  it("counts before it looks, so that a hundred at once are no more tries than five", async () => {
    const guesses = await Promise.all(Array.from({ length: 100 }, (_, i) => logIn("ada", `guess ${i}`, `10.0.${i}.1`)));
    expect(guesses.filter((one) => one === "unauthenticated")).toHaveLength(5);
    expect(verified).toHaveLength(5);
  });

  it("counts nobody's right password, and nothing that was never compared", async () => {
    expect(await all(Array.from({ length: 20 }, () => () => logIn("ada", PASSWORD)))).toEqual(Array(20).fill("account:ada"));
    desk = deskWith(() => Promise.reject(Object.assign(new Error("busy"), { code: "rate-limited" })));
    expect(await all(Array.from({ length: 20 }, () => () => logIn("ada", PASSWORD)))).toEqual(Array(20).fill("rate-limited"));
    expect(verified).toHaveLength(40);
  });

  it("hashes two at once, lets eight wait and refuses the rest", async () => {
    const { passwords } = accounts;
    desk = deskWith((password, hash) => passwords.verify(password, hash), { loginFailures: 1_000 });
    const flood = await Promise.all(Array.from({ length: 100 }, (_, i) => logIn(`u${i}`, "wrong", `10.0.${i}.1`)));
    expect(flood.filter((one) => one === "unauthenticated")).toHaveLength(10);
    expect(flood.filter((one) => one === "rate-limited")).toHaveLength(90);
  });

  it("lets nobody be locked out by those who bring ever other names", async () => {
    const strangers = await all(
      Array.from({ length: MAX_ACCOUNTS + 50 }, (_, i) => () => logIn(`u${i}`, "wrong", `10.${i >> 8}.${i & 255}.1`)),
    );
    expect(strangers.at(-1)).toBe("rate-limited");
    // Addresses beyond those that are counted share one account, so this one has to have been here before.
    clock.pass(900_000);
    expect(await logIn("ada", PASSWORD)).toBe("account:ada");
  });

  it("refuses names and passwords without end before it looks at them", async () => {
    expect(await all([() => logIn("a".repeat(65), "x"), () => logIn("ada", "x".repeat(1_025))])).toEqual(Array(2).fill("invalid-message"));
    expect(verified).toEqual([]);
  });

  it("opens none for a password that was changed, or an account that was removed, while it was compared", async () => {
    for (const [operation, input] of [
      ["set-password", { name: "ada", password: `another ${PASSWORD}` }],
      ["remove-user", { name: "ada" }],
    ] as const) {
      desk = deskWith(async () => {
        await accounts.operate(operation, input);
        return true;
      });
      expect(await logIn("ada", PASSWORD)).toBe("unauthenticated");
    }
    expect(accounts.sessions.counts().size).toBe(0);
  });
});
