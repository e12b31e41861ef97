// Whoever comes by a door: who he is, what he may, how much of it at once, and when it is over.

import { beforeEach, describe, expect, it } from "vitest";
import type { TokenStore } from "../../host/admin/tokens.ts";
import { isLoopback } from "../../host/bounds/loopback.ts";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import { MAX_ACCOUNTS } from "../../host/gate/account-table.ts";
import { Gate } from "../../host/gate/gate.ts";
import { prefixOf } from "../../host/gate/identity.ts";
import { KnownPrincipal } from "../../host/gate/known.ts";
import { type AuthOptions, authSchema, parseScope } from "../../host/manifest/auth.ts";
import type { AdapterContext, Principal } from "../../host/seams.ts";
import { accountsInMemory, PASSWORD, type TestAccounts } from "../support/accounts.ts";
import { HERE, testContext, tokensInMemory } from "../support/adapter-context.ts";
import { type FakeClock, fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

const operateOn = (operation: string) => ({ permission: "host.operate", resource: `admin.${operation}` });
const ELSEWHERE = { address: "192.0.2.7", isPassedOn: false };

describe("the gate", () => {
  let clock: FakeClock;
  let accounts: TestAccounts;
  let tokens: TokenStore;
  let denied: string[];
  let troubles: string[];
  const gateWith = (auth: object = {}): Gate =>
    new Gate({
      ...{
        clock,
        tokens,
        sessions: accounts.sessions,
        users: accounts.users,
        operator: "user:ada",
        isReadOnly: (service: string) => service === "p.read",
      },
      auth: authSchema.parse(auth),
      tell: (message: string) => troubles.push(message),
      onDenial: ({ plugin, permission, resource }) => denied.push(`${plugin} ${permission} ${resource}`),
    });
  const tokenOf = (role: string, name = role, scopes: readonly string[] = [], more: { owner?: string; expiresAt?: number } = {}): string =>
    tokens.create({ name, roles: [role], scopes: scopes.map(parseScope), owner: "user:ada", expiresAt: undefined, ...more });
  const enter = async (gate: Gate, token: string): Promise<KnownPrincipal> =>
    KnownPrincipal.of(await gate.authenticate({ kind: "bearer", token, from: ELSEWHERE }));
  const unauthenticated = { code: "permission-denied", reason: "unauthenticated" };

  beforeEach(() => {
    clock = fakeClock();
    accounts = accountsInMemory(clock);
    ({ tokens } = accounts);
    denied = [];
    troubles = [];
  });

  it("lets those in who say nothing where nobody has to, and only from this machine", async () => {
    const gate = gateWith();
    expect((await gate.authenticate({ kind: "none", from: HERE })).name).toBe("anonymous");
    for (const from of [ELSEWHERE, { ...HERE, isPassedOn: true }, { address: undefined, isPassedOn: false }])
      await expect(gate.authenticate({ kind: "none", from })).rejects.toMatchObject(unauthenticated);
    await expect(gateWith({ mode: "required" }).authenticate({ kind: "none", from: HERE })).rejects.toMatchObject(unauthenticated);
  });

  describe("when roles are given anew", () => {
    const auth = (more: object): AuthOptions =>
      authSchema.parse({ mode: "required", roles: { reader: [{ permission: "services.call", resource: "p.read" }] }, ...more });
    const other = { roles: { reader: [{ permission: "services.call", resource: "p.write" }] } };

    it("lets those in anew who could do something else, ends what goes on for them, and leaves others alone", async () => {
      const gate = gateWith(auth({}));
      const [reader, viewer] = [tokenOf("reader"), tokenOf("viewer")];
      const before = { reader: await enter(gate, reader), viewer: await enter(gate, viewer) };
      const ended: string[] = [];
      for (const one of [before.reader, before.viewer]) gate.openStream(one, () => ended.push(one.name));
      const call = gate.within(before.reader, () => new Promise(() => {}));
      gate.reconfigure(auth(other));
      await expect(call).rejects.toMatchObject(unauthenticated);
      expect(ended).toEqual(["token:reader"]);
      expect([before.reader.hasEnded, before.viewer.hasEnded]).toEqual([true, false]);
      expect(await enter(gate, viewer)).toBe(before.viewer);
      const after = await enter(gate, reader);
      expect([gate.mayCall(after, "p.read"), gate.mayCall(after, "p.write")]).toEqual([false, true]);
      // The same again is nothing new.
      gate.reconfigure(auth(other));
      expect(await enter(gate, reader)).toBe(after);
    });

    it("refuses certificates that it names no more, and ends their streams", async () => {
      const gate = gateWith(auth({ certificates: { lathe: ["reader"], mill: ["reader"] } }));
      const show = async (name: string) => KnownPrincipal.of(await gate.authenticate({ kind: "certificate", name, from: ELSEWHERE }));
      const ended: string[] = [];
      for (const name of ["lathe", "mill"]) gate.openStream(await show(name), () => ended.push(name));
      gate.reconfigure(auth({ certificates: { mill: ["reader"] } }));
      expect(ended).toEqual(["lathe"]);
      await expect(show("lathe")).rejects.toMatchObject(unauthenticated);
      expect((await show("mill")).name).toBe("cert:mill");
    });

    it("counts by the new limits from then on, also what goes on", async () => {
      const gate = gateWith(auth({ limits: { callsAtOnce: 2, callsPerSecond: 100 } }));
      const viewer = await enter(gate, tokenOf("viewer"));
      const working = Promise.withResolvers<void>();
      const going = [0, 1].map(() => gate.within(viewer, () => working.promise));
      gate.reconfigure(auth({ limits: { callsAtOnce: 3, callsPerSecond: 4 } }));
      expect(viewer.hasEnded).toBe(false);
      await gate.within(viewer, async () => {});
      gate.reconfigure(auth({ limits: { callsAtOnce: 1, callsPerSecond: 4 } }));
      await expect(gate.within(viewer, async () => {})).rejects.toMatchObject({
        code: "rate-limited",
        message: expect.stringContaining("has 1 calls"),
      });
      working.resolve();
      await Promise.all(going);
      for (let i = 0; i < 3; i += 1) await gate.within(viewer, async () => {});
      await expect(gate.within(viewer, async () => {})).rejects.toMatchObject({
        message: expect.stringContaining("the limit is 4 a second"),
      });
    });

    it("opens and closes services to everybody, and changes nothing of who has to say who he is", async () => {
      const gate = gateWith(auth({ open: ["p.read"] }));
      const visit = () => gate.authenticate({ kind: "none", from: HERE, service: "p.read" });
      expect((await visit()).name).toBe("visitor");
      gate.reconfigure(authSchema.parse({ mode: "none" }));
      await expect(visit()).rejects.toMatchObject(unauthenticated);
      expect(() => gate.requireListenable("0.0.0.0")).not.toThrow();
    });
  });

  it("knows which addresses are this machine's only", () => {
    for (const here of ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"])
      expect(isLoopback(here), here).toBe(true);
    for (const there of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "::ffff:10.0.0.1", "example", "", "0x7f000001"])
      expect(isLoopback(there), there).toBe(false);
  });

  it("listens elsewhere only where everybody has to say who he is, and says what to write", () => {
    for (const host of ["0.0.0.0", "::", "192.168.1.5"])
      expect(() => gateWith().requireListenable(host)).toThrow(
        expect.objectContaining({ code: "invalid-message", detail: expect.stringContaining("bulkhead token create") }),
      );
    gateWith().requireListenable("127.0.0.1");
    gateWith({ mode: "required" }).requireListenable("0.0.0.0");
  });

  it("gives each role what it is for", async () => {
    const roles = { lamps: [{ permission: "services.call", resource: "devices.*" }] };
    const gate = gateWith({ roles });
    const may = async (role: string): Promise<boolean[]> => {
      const who = await enter(gate, tokenOf(role));
      return [
        who.allows("services.call", "devices.get"),
        gate.mayCall(who, "p.read"),
        gate.mayCall(who, "p.write"),
        who.allows("events.subscribe", "a.b"),
        who.allows("events.publish", "a.b"),
        who.allows("host.operate", "admin.list"),
        who.allows("host.operate", "admin.restart"),
        who.allows("host.operate", "admin.grant"),
      ];
    };
    expect(await may("viewer")).toEqual([false, true, false, true, false, true, false, false]);
    expect(await may("operator")).toEqual([true, true, true, true, true, true, true, false]);
    expect(await may("admin")).toEqual(Array(8).fill(true));
    expect(await may("lamps")).toEqual([true, false, false, false, false, false, false, false]);
    // One that the configuration does not have any more gives nothing, and neither does what is in every object.
    expect(await may("gone")).toEqual(Array(8).fill(false));
    expect(await may("constructor")).toEqual(Array(8).fill(false));
  });

  it("gives a program of the operator's a viewer's rights, and not his name", async () => {
    const gate = gateWith();
    const who = KnownPrincipal.of(await gate.authenticate({ kind: "viewer" }));
    expect([who.name, gate.mayCall(who, "p.read"), gate.mayCall(who, "p.write")]).toEqual(["viewer", true, false]);
    expect(() => gate.requireOperation(who, "restart")).toThrow("viewer may not");
  });

  it("never gives a token more than its scope, its roles, or the token that made it", async () => {
    const gate = gateWith();
    const narrow = await enter(gate, tokenOf("admin", "narrow", ["services.call:devices.*"]));
    expect([narrow.allows("services.call", "devices.get"), narrow.allows("services.call", "logger.log")]).toEqual([true, false]);
    expect(narrow.allows("host.operate", "admin.list")).toBe(false);
    const beyond = await enter(gate, tokenOf("viewer", "beyond", ["host.operate:**"]));
    expect([beyond.allows("host.operate", "admin.list"), beyond.allows("host.operate", "admin.grant")]).toEqual([true, false]);
    const made = await enter(gate, tokenOf("admin", "made", [], { owner: "token:narrow" }));
    expect([made.allows("services.call", "devices.get"), made.allows("host.operate", "admin.list")]).toEqual([true, false]);
  });

  it("refuses the operations of the host to whoever did not say who he is", async () => {
    const gate = gateWith();
    const anonymous = KnownPrincipal.of(await gate.authenticate({ kind: "none", from: HERE }));
    expect(() => gate.requireOperation(anonymous, "list")).toThrow(expect.objectContaining({ code: "permission-denied" }));
    expect(denied).toEqual(["anonymous host.operate admin.list"]);
    gate.requireOperation(KnownPrincipal.of(await gate.authenticate({ kind: "operator" })), "grant");
  });

  it("lets nobody but admin give others what he may not have himself, and tokens only to those who bind theirs", async () => {
    const roles = { staff: ["add-user", "set-password", "set-user-roles", "create-backup", "create-token", "remove-user"].map(operateOn) };
    const gate = gateWith({ roles, certificates: { ci: ["staff"], boss: ["admin"] } });
    const may = (who: KnownPrincipal, operation: string): boolean => {
      try {
        gate.requireOperation(who, operation);
        return true;
      } catch {
        return false;
      }
    };
    const certified = async (name: string) => KnownPrincipal.of(await gate.authenticate({ kind: "certificate", name, from: ELSEWHERE }));
    const token = await enter(gate, tokenOf("staff"));
    const narrow = await enter(gate, tokenOf("admin", "narrow", ["host.operate:**"]));
    const [certificate, boss] = [await certified("ci"), await certified("boss")];
    const done = ["add-user", "set-password", "set-user-roles", "create-backup", "create-token", "remove-user"];
    expect(done.map((one) => may(token, one))).toEqual([false, false, false, false, true, true]);
    expect(done.map((one) => may(narrow, one))).toEqual([false, false, false, false, true, true]);
    expect(done.map((one) => may(certificate, one))).toEqual([false, false, false, false, false, true]);
    expect(done.map((one) => may(boss, one))).toEqual(done.map(() => true));
  });

  it("knows who has logged in by his session, with the roles of his account, as long as it goes on", async () => {
    const gate = gateWith({ mode: "required" });
    await accounts.operate("add-user", { name: "ada", roles: ["operator"], password: PASSWORD });
    const { secret } = accounts.sessions.open("account:ada");
    const show = (): Promise<Principal> => gate.authenticate({ kind: "session", secret, from: ELSEWHERE });
    const ada = KnownPrincipal.of(await show());
    expect([ada.name, ada.allows("services.call", "p.write"), ada.allows("host.operate", "admin.grant")]).toEqual([
      "account:ada",
      true,
      false,
    ]);
    expect(await show()).toBe(ada);
    const ended: string[] = [];
    const call = gate.within(ada, () => new Promise(() => {}));
    gate.openStream(ada, () => ended.push("stream"));
    await accounts.operate("set-password", { name: "ada", password: `another ${PASSWORD}` });
    await expect(call).rejects.toMatchObject(unauthenticated);
    expect(ended).toEqual(["stream"]);
    await expect(show()).rejects.toMatchObject(unauthenticated);
    // Where nobody has to say who he is, one whose session is over is nobody again, and only from here.
    const open = gateWith();
    expect((await open.authenticate({ kind: "session", secret, from: HERE })).name).toBe("anonymous");
    await expect(open.authenticate({ kind: "session", secret, from: ELSEWHERE })).rejects.toMatchObject(unauthenticated);
  });

  it("ends streams of a session that nobody uses, and those of one whose twelve hours are over although it is used", async () => {
    const gate = gateWith({ mode: "required" });
    await accounts.operate("add-user", { name: "ada", roles: ["operator"], password: PASSWORD });
    const ended: string[] = [];
    const streaming = async (name: string): Promise<() => Promise<Principal>> => {
      const { secret } = accounts.sessions.open("account:ada");
      const show = () => gate.authenticate({ kind: "session", secret, from: ELSEWHERE });
      gate.openStream(KnownPrincipal.of(await show()), () => ended.push(name));
      return show;
    };
    await streaming("idle");
    const show = await streaming("used");
    for (let minutes = 30; minutes < 720; minutes += 30) {
      await clock.advance(1_800_000);
      await show();
      expect(ended, `${minutes}`).toEqual(minutes >= 60 ? ["idle"] : []);
    }
    await clock.advance(1_800_000);
    expect(ended).toEqual(["idle", "used"]);
  });

  it("gives a session of somebody of whom others tell the roles that the operator gives to his groups", async () => {
    const oidc = { issuer: "https://id.test", clientId: "bulkhead", clientSecret: "oidc" };
    const open = (issuer: string): string =>
      accounts.sessions.open(`${prefixOf("oidc", issuer)}ada`, ["ops", "strangers", "__proto__"]).secret;
    const may = async (secret: string, auth: object): Promise<boolean[]> => {
      const ada = await gateWith({ groups: { ops: ["viewer"] }, ...auth }).authenticate({ kind: "session", secret, from: ELSEWHERE });
      return [ada.allows("host.operate", "admin.list"), ada.allows("services.call", "p.write")];
    };
    expect(await may(open(oidc.issuer), { oidc })).toEqual([true, false]);
    // One that the operator has taken out, or whose place another has taken, stands for nobody any more.
    expect(await may(open(oidc.issuer), {})).toEqual([false, false]);
    expect(await may(open("https://evil.test"), { oidc })).toEqual([false, false]);
  });

  it("does nothing for a principal that it did not let in", () => {
    const forged: Principal = { name: "admin", allows: () => true };
    const heir = Object.create(KnownPrincipal.prototype, { name: { value: "admin" } }) as Principal;
    for (const one of [forged, heir]) expect(() => KnownPrincipal.of(one)).toThrow(expect.objectContaining({ code: "internal" }));
  });

  it("is tired of an address that shows what is nobody's, of a whole network of IPv6, and of nobody else", async () => {
    const gate = gateWith({ limits: { failuresPerMinute: 3 } });
    const token = tokenOf("viewer");
    const wrong = (address: string): Promise<string> =>
      gate.authenticate({ kind: "bearer", token: "bh_no", from: { address, isPassedOn: false } }).then(
        () => "in",
        (thrown: HostError) => thrown.reason ?? thrown.code,
      );
    const all = async (...addresses: readonly string[]): Promise<string[]> => {
      const found: string[] = [];
      for (const address of addresses) found.push(await wrong(address));
      return found;
    };
    expect(await all("192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.8")).toEqual([
      ...Array(3).fill("unauthenticated"),
      ...["rate-limited", "unauthenticated"],
    ]);
    expect(await all("2001:db8::1", "2001:db8::2", "2001:db8:0:0:1::", "2001:db8::3", "2001:db8:0:1::1")).toEqual([
      ...Array(3).fill("unauthenticated"),
      ...["rate-limited", "unauthenticated"],
    ]);
    // Who has the right one is not held up by others behind the same address.
    expect((await enter(gate, token)).name).toBe("token:viewer");
    clock.pass(20_000);
    expect(await all("192.0.2.7", "192.0.2.7")).toEqual(["unauthenticated", "rate-limited"]);
  });

  it("counts addresses and principals in bounded memory", async () => {
    const gate = gateWith({ limits: { failuresPerMinute: 1 } });
    const wrong = (i: number): Promise<unknown> =>
      gate
        .authenticate({
          kind: "bearer",
          token: "bh_no",
          from: { address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, isPassedOn: false },
        })
        .catch((thrown: HostError) => thrown.reason ?? thrown.code);
    for (let i = 0; i < MAX_ACCOUNTS; i += 1) await wrong(i);
    // Those beyond share one account.
    expect([await wrong(MAX_ACCOUNTS), await wrong(MAX_ACCOUNTS + 1)]).toEqual(["unauthenticated", "rate-limited"]);
    clock.pass(61_000);
    expect(await wrong(MAX_ACCOUNTS + 2)).toBe("unauthenticated");
  });

  it("holds each principal to so many calls at once and in a second, whatever the door, and nobody else with it", async () => {
    const gate = gateWith({ limits: { callsAtOnce: 2, callsPerSecond: 4 } });
    const [one, other] = [await enter(gate, tokenOf("viewer")), await enter(gate, tokenOf("operator"))];
    const ends: (() => void)[] = [];
    const work = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
    const under = [gate.within(one, work), gate.within(one, work)];
    await expect(gate.within(one, work)).rejects.toMatchObject({
      code: "rate-limited",
      message: expect.stringContaining("auth.limits.callsAtOnce"),
    });
    const theirs = gate.within(other, work);
    for (const end of ends) end();
    await Promise.all([...under, theirs]);
    await gate.within(one, async () => {});
    await gate.within(one, async () => {});
    await expect(gate.within(one, work)).rejects.toMatchObject({ retryAfterMs: 250, message: expect.stringContaining("callsPerSecond") });
    clock.pass(250);
    await gate.within(one, async () => {});
    // What fails ends too.
    clock.pass(1_000);
    for (let i = 0; i < 3; i += 1) await expect(gate.within(one, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  it("counts failures and calls by the time that passes, whatever becomes of the clock", async () => {
    const gate = gateWith({ limits: { failuresPerMinute: 1, callsPerSecond: 1 } });
    const one = await enter(gate, tokenOf("viewer"));
    const work = async (): Promise<void> => {};
    await gate.within(one, work);
    await expect(enter(gate, "bh_no")).rejects.toMatchObject(unauthenticated);
    for (const byMs of [86_400_000, -172_800_000]) {
      clock.set(byMs);
      await expect(gate.within(one, work)).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 1_000 });
      await expect(enter(gate, "bh_no")).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 60_000 });
    }
    clock.pass(60_000);
    await gate.within(one, work);
    await expect(enter(gate, "bh_no")).rejects.toMatchObject(unauthenticated);
  });

  it("ends streams of what a clock that jumps ahead has made expire within a minute, and none when it is set back", async () => {
    const gate = gateWith();
    const ci = await enter(gate, tokenOf("operator", "ci", [], { expiresAt: clock.now() + 48 * 3_600_000 }));
    const ended: string[] = [];
    gate.openStream(ci, () => ended.push("it"));
    clock.set(-24 * 3_600_000);
    await clock.advance(60_000);
    expect(ended).toEqual([]);
    clock.set(72 * 3_600_000);
    await clock.advance(60_000);
    expect(ended).toEqual(["it"]);
  });

  it("ends calls and streams when the token is revoked, and streams when it expires", async () => {
    const gate = gateWith({ limits: { streamsAtOnce: 1 } });
    const token = tokenOf("operator", "ci", [], { expiresAt: clock.now() + 30 * 86_400_000 });
    const ci = await enter(gate, token);
    const ended: string[] = [];
    const call = gate.within(ci, () => new Promise(() => {}));
    const close = gate.openStream(ci, () => ended.push("first"));
    expect(() => gate.openStream(ci, () => {})).toThrow(expect.objectContaining({ code: "rate-limited" }));
    close();
    gate.openStream(ci, () => ended.push("second"));
    tokens.revoke("ci");
    await expect(call).rejects.toMatchObject({ code: "permission-denied" });
    expect(ended).toEqual(["second"]);
    expect(ci.allows("services.call", "p.read")).toBe(false);
    await expect(enter(gate, token)).rejects.toMatchObject(unauthenticated);
    const short = await enter(gate, tokenOf("operator", "short", [], { expiresAt: clock.now() + 30 * 86_400_000 }));
    gate.openStream(short, () => ended.push("third"));
    await clock.advance(30 * 86_400_000 - 1);
    expect(ended).toEqual(["second"]);
    await clock.advance(1);
    expect(ended).toEqual(["second", "third"]);
  });
});

describe("what a principal does by a door", () => {
  let context: AdapterContext;
  let host: Host;
  let tokens: TokenStore;
  const log = memoryLog();
  const script: Script = {
    who: (_input, { caller }) => utf8(`${caller.kind} ${caller.name} ${caller.principal}`),
    publish: (_input, turn) => turn.answer("events.publish", [utf8("p.done"), utf8("text/plain"), utf8("")]),
    hang: () => new Promise(() => {}),
  };
  const start = async (auth: Partial<AuthOptions> = {}): Promise<void> => {
    host = new Host(hostPorts({ clock: fakeClock(), log }));
    tokens = tokensInMemory();
    const services = [
      { name: "p.who", entryPoint: "who" },
      { name: "p.publish", entryPoint: "publish" },
      { name: "p.lent", entryPoint: "publish", asCaller: true },
      { name: "p.hang", entryPoint: "hang" },
    ];
    host.add(definition("p", script, { services }), scriptedCell({ p: script }));
    await host.start("p");
    ({ context } = testContext(host, { log, adapter: "door", tokens, auth: { ...authSchema.parse({}), ...auth } }));
  };
  const enter = (name: string, scopes: readonly string[] = []): Promise<Principal> => {
    const token = tokens.create({ name, roles: ["operator"], scopes: scopes.map(parseScope), owner: "user:ada", expiresAt: undefined });
    return context.authenticate({ kind: "bearer", token, from: ELSEWHERE });
  };
  const call = (who: Principal, service: string): Promise<Uint8Array> => context.call(who, { service, payload: utf8("") });

  it("is known to the service, and lends it no more than it has", async () => {
    await start();
    const ci = await enter("ci");
    expect(textOf(await call(ci, "p.who"))).toBe("adapter door token:ci");
    await call(ci, "p.lent");
    const caller = await enter("caller", ["services.call:p.*"]);
    await call(caller, "p.publish");
    await expect(call(caller, "p.lent")).rejects.toMatchObject({
      code: "permission-denied",
      message: expect.stringContaining("token:caller has no permission events.publish"),
    });
  });

  it("ends when it is revoked in the middle", async () => {
    await start();
    const ci = await enter("ci");
    const heard: string[] = [];
    let isOver = false;
    context.follow(
      ci,
      "**",
      ({ type }) => heard.push(type),
      () => {
        isOver = true;
      },
    );
    const hanging = call(ci, "p.hang");
    const event = { type: "a.b", contentType: "text/plain", data: utf8("") };
    await context.publish(ci, event);
    await settle();
    tokens.revoke("ci");
    await expect(hanging).rejects.toMatchObject({ code: "permission-denied", reason: "unauthenticated" });
    expect(isOver).toBe(true);
    await expect(context.publish(ci, event)).rejects.toMatchObject({ code: "permission-denied" });
    expect(heard).toEqual(["a.b"]);
  });

  it("has only so many streams", async () => {
    await start({ limits: authSchema.parse({ limits: { streamsAtOnce: 2 } }).limits });
    const ci = await enter("ci");
    const stops = [context.follow(ci, "**", () => {}), context.follow(ci, "**", () => {})];
    expect(() => context.follow(ci, "**", () => {})).toThrow(expect.objectContaining({ code: "rate-limited" }));
    stops[0]?.();
    context.follow(ci, "**", () => {});
    expect(() => context.follow(ci, "a..b", () => {})).toThrow(HostError);
  });
});
