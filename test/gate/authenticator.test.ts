// A plugin that says who somebody is: what the gate takes of its word, and what becomes of those who come when it does not answer.

import { beforeEach, describe, expect, it } from "vitest";
import { refusal } from "../../host/bounds/refusals.ts";
import { HostError } from "../../host/core/errors.ts";
import { Authenticator } from "../../host/gate/authenticator.ts";
import { Gate } from "../../host/gate/gate.ts";
import { KnownPrincipal } from "../../host/gate/known.ts";
import { LoginDesk } from "../../host/gate/logins.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { type Authenticating, parseAuthenticating } from "../../host/manifest/authenticate.ts";
import { accountsInMemory, PASSWORD, type TestAccounts } from "../support/accounts.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";

const AUTH = authSchema.parse({
  mode: "required",
  plugin: { name: "people", groups: ["staff", "owners"] },
  groups: { staff: ["operator"], owners: ["admin"], guests: ["viewer"] },
  open: ["people.token"],
});
const FROM = { address: "192.0.2.7", isPassedOn: false };
const SECTION: Authenticating = { service: "people.who", schemes: ["password", "bearer"] };
const AWAY = { code: "plugin-not-running", retryAfterMs: expect.any(Number) };
const NOBODY = { code: "permission-denied", reason: "unauthenticated" };

let clock: FakeClock;
let accounts: TestAccounts;
let gate: Gate;
let desk: LoginDesk;
let section: Authenticating | undefined;
let asked: Record<string, unknown>[];
let told: string[];
/** What the plugin answers: a value as JSON, text as it is. */
let answers: (credential: Record<string, unknown>) => unknown;

beforeEach(() => {
  clock = fakeClock();
  accounts = accountsInMemory(clock);
  [section, asked, told] = [SECTION, [], []];
  answers = () => ({ subject: "ada", groups: ["staff"] });
  const authenticator = new Authenticator({
    clock,
    options: AUTH.plugin ?? expect.unreachable(),
    section: () => section,
    async call(service, payload, timeoutMs) {
      const credential = JSON.parse(Buffer.from(payload).toString());
      expect([service, timeoutMs]).toEqual(["people.who", credential.scheme === "password" ? 5_000 : 1_000]);
      asked.push(credential);
      const answer = await answers(credential);
      return Buffer.from(typeof answer === "string" ? answer : JSON.stringify(answer));
    },
    tell: (message) => told.push(message),
  });
  const { users, sessions, tokens } = accounts;
  const ports = { clock, auth: AUTH, users, sessions, authenticator, onDenial: () => {} };
  gate = new Gate({ ...ports, tokens, operator: "user:op", isReadOnly: () => false, tell: () => {} });
  const passwords = { verify: async (password: string, hash: string | undefined) => hash !== undefined && password === PASSWORD };
  desk = new LoginDesk({ ...ports, issuer: undefined, passwords, audit: { append: () => {} } });
});

const bearer = async (token: string): Promise<KnownPrincipal> =>
  KnownPrincipal.of(await gate.authenticate({ kind: "bearer", token, from: FROM }));
const logIn = (name = "ada", password = "secret") => desk.at("http").byPassword({ name, password, from: FROM });
const session = async (secret: string): Promise<KnownPrincipal> =>
  KnownPrincipal.of(await gate.authenticate({ kind: "session", secret, from: FROM }));

describe("a token that is none of the host's", () => {
  it("is whose the plugin says, by a name that is the plugin's", async () => {
    const principal = await bearer("opaque");
    expect(principal.name).toBe("people/ada");
    expect(principal.allows("services.call", "devices.get")).toBe(true);
    expect(principal.allows("host.operate", "admin.grant")).toBe(false);
    expect(asked).toEqual([{ scheme: "bearer", token: "opaque", address: "192.0.2.7" }]);
  });

  it("is asked about once a minute, and not after it has ended", async () => {
    answers = () => ({ subject: "ada", groups: ["staff"], expiresAtMs: clock.now() + 90_000 });
    const first = await bearer("t");
    expect(await bearer("t")).toBe(first);
    await clock.advance(60_000);
    answers = () => ({ subject: "ada", groups: ["staff"], expiresAtMs: first.expiresAt });
    expect(await bearer("t")).toBe(first);
    expect(asked).toHaveLength(2);
    await clock.advance(30_000);
    await bearer("t");
    expect(asked).toHaveLength(3);
  });

  it("ends what goes on for its owner once the plugin takes it back, or says that he is in other groups", async () => {
    const first = await bearer("t");
    await clock.advance(60_000);
    answers = () => ({ subject: "ada", groups: ["owners"] });
    const second = await bearer("t");
    expect([first.hasEnded, second.allows("host.operate", "admin.grant")]).toEqual([true, true]);
    await clock.advance(60_000);
    answers = () => {
      throw refusal("forbidden", "no");
    };
    await expect(bearer("t")).rejects.toMatchObject(NOBODY);
    expect(second.hasEnded).toBe(true);
  });

  it("puts nobody into a group that the configuration does not let the plugin use", async () => {
    answers = () => ({ subject: "eve", groups: ["guests", "admin", "operator", "__proto__", "constructor"] });
    const principal = await bearer("t");
    expect(principal.allows("services.read", "devices.get")).toBe(false);
    expect(principal.allows("host.operate", "admin.list")).toBe(false);
  });

  it("of the host's own kind is never shown to the plugin, nor what an issuer of the configuration has made", async () => {
    await expect(bearer("bh_AAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).rejects.toMatchObject(NOBODY);
    await gate.authenticate({ kind: "certificate", name: "robot", from: FROM }).catch(() => {});
    await gate.authenticate({ kind: "session", secret: "x".repeat(43), from: FROM }).catch(() => {});
    expect(asked).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["no JSON", "nonsense"],
    ["nothing", ""],
    ["no subject", { groups: [] }],
    ["a subject with a slash", { subject: "../token:ci" }],
    ["a subject with a line feed", { subject: "ada\nadmin" }],
    ["a subject with what does not show", { subject: "ada\u202e" }],
    ["a long subject", { subject: "a".repeat(129) }],
    ["too many groups", { subject: "ada", groups: Array.from({ length: 65 }, () => "staff") }],
    ["groups that are no list", { subject: "ada", groups: "owners" }],
    ["an end that is no number", { subject: "ada", expiresAtMs: "never" }],
    ["too much", { subject: "ada", text: "x".repeat(40_000) }],
    ["too many values", `{"subject":"ada","a":[${"0,".repeat(1_000)}0]}`],
    ["too deep", `{"subject":"ada","a":${"[".repeat(9)}${"]".repeat(9)}}`],
  ])("is nobody's when the plugin answers %s, and nobody is let in", async (_what, answer) => {
    answers = () => answer;
    await expect(bearer("t")).rejects.toMatchObject(AWAY);
  });

  it.each<[string, HostError]>([
    ["is stopped", new HostError("plugin-not-running", "it is stopped")],
    ["fails", new HostError("plugin-failed", "it trapped")],
    ["takes too long", new HostError("deadline-exceeded", "1 s")],
    ["is full", new HostError("queue-full", "full")],
    ["is gone", new HostError("no-such-service", "nobody")],
    ["may not", new HostError("permission-denied", "no")],
  ])("cannot be known while the plugin %s, which is told once a minute", async (_what, thrown) => {
    answers = () => {
      throw thrown;
    };
    for (let i = 0; i < 3; i += 1) await expect(bearer(`t${i}`)).rejects.toMatchObject(AWAY);
    expect(told).toHaveLength(1);
    await clock.advance(60_000);
    await expect(bearer("t")).rejects.toMatchObject(AWAY);
    expect(told).toHaveLength(2);
  });

  it("cannot be known while the plugin is not there, or says nothing of it", async () => {
    section = undefined;
    await expect(bearer("t")).rejects.toMatchObject(AWAY);
    section = { service: "people.who", schemes: ["password"] };
    await expect(bearer("t")).rejects.toMatchObject(NOBODY);
    expect(asked).toEqual([]);
  });

  it("takes no more than a share of the plugin's queue, whoever shows them", async () => {
    const answer = Promise.withResolvers<object>();
    answers = () => answer.promise;
    const many = Array.from({ length: 40 }, (_, i) =>
      bearer(`t${i}`).then(
        () => "in",
        ({ code }: HostError) => code,
      ),
    );
    await clock.advance(0);
    expect(asked).toHaveLength(16);
    answer.resolve({ subject: "ada" });
    const found = await Promise.all(many);
    expect(found.filter((one) => one === "queue-full")).toHaveLength(24);
  });

  it("costs an address that shows what is nobody's its tries, before the plugin is asked", async () => {
    answers = () => {
      throw refusal("forbidden", "no");
    };
    const codes = new Set<string>();
    for (let i = 0; i < 40; i += 1)
      codes.add(
        await bearer(`t${i}`).then(
          () => "in",
          ({ code }: HostError) => code,
        ),
      );
    expect(codes).toEqual(new Set(["permission-denied", "rate-limited"]));
    expect(asked.length).toBeLessThanOrEqual(20);
  });

  it("of more than 16 KiB is not handed on", async () => {
    await expect(bearer("x".repeat(20_000))).rejects.toMatchObject(NOBODY);
    expect(asked).toEqual([]);
  });
});

describe("logging in by the plugin's word", () => {
  it("opens a session, which goes on as long as the plugin says so", async () => {
    const { secret, principal } = await logIn();
    expect(principal).toBe("people/ada");
    expect(asked).toEqual([{ scheme: "password", name: "ada", password: "secret", address: "192.0.2.7" }]);
    const first = await session(secret);
    expect([first.name, first.allows("services.call", "a.b")]).toEqual(["people/ada", true]);
    expect(asked[1]).toEqual({ scheme: "subject", subject: "ada", address: "192.0.2.7" });
    expect(await session(secret)).toBe(first);
    await clock.advance(60_000);
    answers = () => {
      throw refusal("not-found", "he was removed");
    };
    await expect(session(secret)).rejects.toMatchObject(NOBODY);
    answers = () => ({ subject: "ada", groups: ["staff"] });
    await expect(session(secret)).rejects.toMatchObject(NOBODY);
  });

  it("lets nobody go on as somebody else", async () => {
    const { secret } = await logIn();
    answers = () => ({ subject: "root", groups: ["owners"] });
    await expect(session(secret)).rejects.toMatchObject(NOBODY);
  });

  it("waits while the plugin is away, and ends nothing", async () => {
    const { secret } = await logIn();
    section = undefined;
    await expect(session(secret)).rejects.toMatchObject(AWAY);
    await expect(logIn()).rejects.toMatchObject(AWAY);
    section = SECTION;
    expect((await session(secret)).name).toBe("people/ada");
  });

  it("never sees the password of an account of the host's", async () => {
    await accounts.operate("add-user", { name: "grace", roles: ["viewer"], password: PASSWORD });
    expect((await logIn("grace", PASSWORD)).principal).toBe("account:grace");
    await expect(logIn("grace", "wrong")).rejects.toMatchObject(NOBODY);
    expect(asked).toEqual([]);
  });

  it("is tried as often as any other", async () => {
    answers = () => {
      throw refusal("forbidden", "no");
    };
    for (let i = 0; i < 5; i += 1) await expect(logIn()).rejects.toMatchObject(NOBODY);
    await expect(logIn()).rejects.toMatchObject({ code: "rate-limited" });
    expect(asked).toHaveLength(5);
  });

  it("passes on that the plugin takes no more tries", async () => {
    answers = () => {
      throw refusal("unavailable", "later", { retryAfterMs: 5_000 });
    };
    await expect(logIn()).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 5_000 });
  });
});

describe("a service that is open to everybody", () => {
  const visit = (service?: string, address = "192.0.2.7") =>
    gate.authenticate({ kind: "none", from: { address, isPassedOn: true }, service });

  it("lets in whoever comes for it, and for nothing else", async () => {
    const visitor = KnownPrincipal.of(await visit("people.token"));
    expect(visitor.name).toBe("visitor");
    expect(visitor.allows("services.call", "people.token")).toBe(true);
    for (const other of ["people.who", "devices.get", "**"]) expect(visitor.allows("services.call", other), other).toBe(false);
    for (const permission of ["events.subscribe", "events.publish", "host.operate"] as const)
      expect(visitor.allows(permission, "people.token"), permission).toBe(false);
    for (const service of [undefined, "people.who", "people.tokens", ""]) await expect(visit(service)).rejects.toMatchObject(NOBODY);
  });

  it("is called by each address within its own limits", async () => {
    const one = KnownPrincipal.of(await visit("people.token"));
    const same = KnownPrincipal.of(await visit("people.token"));
    const other = KnownPrincipal.of(await visit("people.token", "192.0.2.8"));
    const done = Promise.withResolvers<void>();
    const busy = Array.from({ length: 32 }, () => gate.within(one, () => done.promise));
    await expect(gate.within(same, async () => {})).rejects.toMatchObject({ code: "rate-limited" });
    await gate.within(other, async () => {});
    done.resolve();
    await Promise.all(busy);
  });
});

describe("what is said of it beforehand", () => {
  it("needs that everybody has to say who he is", () => {
    for (const wrong of [{ plugin: { name: "people", groups: [] } }, { open: ["a.b"] }])
      expect(authSchema.safeParse(wrong).error?.issues[0]?.message).toBe("plugin and open need mode required");
    expect(authSchema.safeParse({ mode: "required", open: ["not a name"] }).success).toBe(false);
  });

  it.each([
    [{}],
    [{ service: "people.who" }],
    [{ service: "other.who", schemes: ["bearer"] }],
    [{ service: "people.who", schemes: [] }],
    [{ service: "people.who", schemes: ["cookie"] }],
    [7],
  ])("is refused in a manifest as %j", (wrong) => {
    expect(() => parseAuthenticating("people", wrong)).toThrow(expect.objectContaining({ code: "invalid-manifest" }));
  });
});
