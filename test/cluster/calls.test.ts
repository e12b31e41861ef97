// Calls of services from host to host: who may, by when, how often, and what a caller is told when a host goes.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { MemoryNetwork } from "../../host/drivers/peers/memory.ts";
import { nats } from "../../host/drivers/peers/nats.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import type { Peers } from "../../host/seams.ts";
import { callFrom, type HostInCluster, hostInCluster, knows, mayCall } from "../support/clusters.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { natsOptionsOfTest } from "../support/nats.ts";
import { type Script, textOf, utf8 } from "../support/scripted-cell.ts";
import { describeWithServer } from "../support/servers.ts";

const echo: Script = { echo: (input) => input };

let network: MemoryNetwork;
const inMemory = async (name: string): Promise<Peers & AsyncDisposable> => network.join(name, { clock: systemClock, log: memoryLog() });
let join = inMemory;
const hosts: HostInCluster[] = [];

async function host(name: string, options: Parameters<typeof hostInCluster>[1] = {}): Promise<HostInCluster> {
  const made = await hostInCluster(await join(name), options);
  hosts.push(made);
  return made;
}

beforeEach(() => {
  network = new MemoryNetwork();
  join = inMemory;
});
afterEach(async () => {
  for (const one of hosts.splice(0)) await one[Symbol.asyncDispose]();
});

function whateverCarriesThem(): void {
  describe("a service of another host", () => {
    it("answers like one of this host, with the caller, the trace and the step before it", async () => {
      const [a, b] = [await host("a", {}), await host("b", { callers: { asker: ["far.*"] } })];
      const turns: unknown[] = [];
      b.core.observe({
        turn: ({ plugin, caller, traceparent, subject }) => turns.push({ plugin, caller, trace: traceparent.slice(3, 35), subject }),
      });
      await b.add("far", { who: (_input, { caller }) => utf8(JSON.stringify(caller)) });
      let trace = "";
      await a.add(
        "asker",
        {
          async ask(input, turn) {
            trace = turn.traceparent.slice(3, 35);
            return utf8(await callFrom(turn, "far.who", textOf(input)));
          },
        },
        mayCall("far.*"),
      );
      await knows(a, "far.who");
      expect(JSON.parse(await a.call("asker.ask"))).toEqual({ kind: "plugin", name: "asker" });
      expect(turns).toEqual([{ plugin: "far", caller: { kind: "plugin", name: "asker" }, trace, subject: "far.who" }]);
    });

    it("is told who came by a door of the other host, and carries bytes as they are", async () => {
      const [a, b] = [await host("a"), await host("b")];
      await b.add("far", { who: (_input, { caller }) => utf8(JSON.stringify(caller)), ...echo });
      await knows(a, "far.who");
      const caller = { kind: "adapter", name: "http", principal: "token:ci" } as const;
      expect(JSON.parse(await a.call("far.who", "", { caller }))).toEqual(caller);
      const payload = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
      const answer = await a.core.services.call({
        service: "far.echo",
        payload,
        caller,
        traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01`,
      });
      expect(Buffer.compare(answer, payload)).toBe(0);
    });

    it("comes after one of this host, and before nobody", async () => {
      const [a, b] = [await host("a"), await host("b")];
      await b.add("one", { where: () => utf8("b") });
      await knows(a, "one.where");
      expect(await a.call("one.where")).toBe("b");
      const plugin = await a.add("one", { where: () => utf8("a") });
      expect(await a.call("one.where")).toBe("a");
      await plugin.stop(0);
      await expect(a.call("one.where")).rejects.toMatchObject({ code: "plugin-not-running" });
      a.core.remove("one");
      expect(await a.call("one.where")).toBe("b");
      await expect(a.call("two.where")).rejects.toMatchObject({ code: "no-such-service" });
    });

    it("is not announced when it acts with its caller's authority", async () => {
      const [a, b] = [await host("a"), await host("b")];
      const services = [
        { name: "far.plain", entryPoint: "echo" },
        { name: "far.lent", entryPoint: "echo", asCaller: true },
      ];
      await b.add("far", echo, { services });
      await knows(a, "far.plain");
      await expect(a.call("far.lent")).rejects.toMatchObject({ code: "no-such-service" });
    });

    it("says no in its provider's words", async () => {
      const [a, b] = [await host("a"), await host("b")];
      await b.add("far", {
        fail() {
          throw new HostError("refused", "there is no lamp 7", { reason: "unavailable", retryAfterMs: 1_500 });
        },
      });
      await knows(a, "far.fail");
      await expect(a.call("far.fail")).rejects.toMatchObject({
        ...{ code: "refused", reason: "unavailable", retryAfterMs: 1_500, message: "there is no lamp 7" },
      });
    });

    it("is refused what is too large for a message, before anybody is asked", async () => {
      const [a, b] = [await host("a"), await host("b")];
      let asked = 0;
      await b.add("far", { take: () => utf8(String(++asked)) });
      await knows(a, "far.take");
      await expect(a.call("far.take", "x".repeat(1_048_577))).rejects.toMatchObject({ code: "quota-exceeded" });
      expect(asked).toBe(0);
    });
  });

  describe("a plugin that calls from another host", () => {
    const asker: Script = { ask: async (input, turn) => utf8(await callFrom(turn, "far.echo", textOf(input))) };
    const grants = mayCall("far.*").permissions;

    it.each([
      ["is not granted it on its own host", { own: [], there: ["far.*"] }, /bulkhead grant asker services\.call/],
      ["is not known on the other one", { own: ["far.*"], there: undefined }, /asker on the host a is not known here; "cluster"/],
      ["may call something else there", { own: ["far.*"], there: ["other.*"] }, /asker has no permission services\.call for far\.echo/],
    ])("is refused when it %s", async (_what, { own, there }, message) => {
      const [a, b] = [await host("a"), await host("b", there === undefined ? {} : { callers: { asker: there } })];
      let turns = 0;
      b.core.observe({ turn: () => (turns += 1) });
      await b.add("far", echo);
      await a.add("asker", asker, { permissions: grants, grants: own.map((resource) => ({ permission: "services.call", resource })) });
      await knows(a, "far.echo");
      await expect(a.call("asker.ask", "x")).rejects.toMatchObject({ code: "permission-denied", message: expect.stringMatching(message) });
      expect(turns).toBe(0);
    });

    it("may call what both hosts grant, and no more once the other one takes it back", async () => {
      const [a, b] = [await host("a"), await host("b")];
      const held = Promise.withResolvers<undefined>();
      await b.add("far", { ...echo, hold: () => held.promise });
      // It is installed there too, and so judged by its grants there.
      const there = await b.add("asker", asker, mayCall("far.*"));
      await a.add("asker", { ...asker, hold: async (_input, turn) => utf8(await callFrom(turn, "far.hold", "")) }, mayCall("far.*"));
      await knows(a, "far.echo");
      expect(await a.call("asker.ask", "x")).toBe("x");
      const holding = a.call("asker.hold");
      await eventually("it is held", () => (b.core.plugin("far")?.queued ?? 0) > 0 || undefined);
      there.permissions.replaceGrants([]);
      await expect(holding).rejects.toMatchObject({ code: "permission-denied" });
      await expect(a.call("asker.ask", "x")).rejects.toMatchObject({ code: "permission-denied" });
      held.resolve(undefined);
    });

    it("waits for itself over two hosts and is refused, with the way that it went", async () => {
      const callers = { one: ["**"], two: ["**"] };
      const [a, b] = [await host("a", { callers }), await host("b", { callers })];
      const calling = (service: string): Script => ({ go: async (_input, turn) => utf8(await callFrom(turn, service, "")) });
      await a.add("one", calling("two.go"), mayCall("two.*"));
      await b.add("two", calling("one.go"), mayCall("one.*"));
      await knows(a, "two.go");
      await knows(b, "one.go");
      await expect(a.call("one.go")).rejects.toMatchObject({ message: expect.stringContaining("one → two → one") });
    });

    it("counts among those that wait, whichever host they are on", async () => {
      const names = ["p0", "p1", "p2", "p3"];
      const callers = Object.fromEntries(names.map((name) => [name, ["**"]]));
      const [a, b] = [await host("a", { callers }), await host("b", { callers })];
      const limits = { ...DEFAULT_LIMITS, callDepth: 2 };
      for (const [i, name] of names.entries()) {
        const next = `${names[i + 1]}.go`;
        const go: Script = { go: async (_input, turn) => (i === 3 ? utf8("end") : utf8(await callFrom(turn, next, ""))) };
        await (i % 2 === 0 ? a : b).add(name, go, { ...mayCall("**"), limits });
      }
      await knows(a, "p3.go");
      await knows(b, "p2.go");
      expect(await a.call("p1.go")).toBe("end");
      await expect(a.call("p0.go")).rejects.toMatchObject({
        message: expect.stringMatching(/p3\.go would be call 3 in a row; the limit is 2/),
      });
    });
  });

  describe("the time of a call to another host", () => {
    it("ends with its caller's, on both hosts", async () => {
      const [a, b] = [await host("a"), await host("b")];
      let [begun, ended] = [0, 0];
      await b.add("far", {
        async hang(_input, { cancelled }) {
          begun += 1;
          await new Promise<void>((resolve) => cancelled?.addEventListener("abort", () => resolve()));
          ended += 1;
          return undefined;
        },
      });
      await knows(a, "far.hang");
      await expect(a.call("far.hang", "", { timeoutMs: 300 })).rejects.toMatchObject({ code: "deadline-exceeded" });
      await eventually("its turn there is told", () => (begun === 1 && ended === 1) || undefined);
    });

    it("ends when nobody waits any more, on both hosts", async () => {
      const [a, b] = [await host("a"), await host("b")];
      const told = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      await b.add("far", {
        async hang(_input, { cancelled }) {
          begun.resolve();
          await new Promise<void>((resolve) => cancelled?.addEventListener("abort", () => resolve()));
          told.resolve();
          return undefined;
        },
      });
      await knows(a, "far.hang");
      const caller = new AbortController();
      const call = a.call("far.hang", "", { cancelled: caller.signal });
      await begun.promise;
      caller.abort();
      await expect(call).rejects.toMatchObject({ code: "deadline-exceeded" });
      await told.promise;
      await expect(a.call("far.hang", "", { cancelled: caller.signal })).rejects.toMatchObject({ code: "deadline-exceeded" });
    });

    it("is the provider's own when that is shorter, and is refused when there is none", async () => {
      const [a, b] = [await host("a"), await host("b")];
      await b.add("far", { hang: () => new Promise(() => {}), ...echo }, { limits: { ...DEFAULT_LIMITS, deadlineMs: 200 } });
      await knows(a, "far.hang");
      await expect(a.call("far.echo", "", { timeoutMs: 2 })).rejects.toMatchObject({ code: "deadline-exceeded" });
      await expect(a.call("far.hang")).rejects.toMatchObject({ code: "deadline-exceeded" });
    });
  });

  describe("a call to a host that cannot take it", () => {
    it("goes elsewhere while a mailbox is full or a plugin does not run, and is refused so when all are", async () => {
      const a = await host("a", { random: () => 0 });
      const [b, c] = [await host("b"), await host("c")];
      const held = Promise.withResolvers<undefined>();
      const limits = { ...DEFAULT_LIMITS, mailboxLength: 1 };
      await b.add("far", { hold: () => held.promise, where: () => utf8("b") }, { limits });
      const there = await c.add("far", { hold: () => held.promise, where: () => utf8("c") }, { limits });
      await knows(a, "far.where", 2);
      const holding = a.call("far.hold");
      await eventually("b is busy", () => b.core.plugin("far")?.queued === 1 || undefined);
      expect(await a.call("far.where")).toBe("c");
      await there.stop(0);
      await expect(a.call("far.where")).rejects.toMatchObject({ code: "queue-full" });
      held.resolve(undefined);
      await holding;
      expect(await a.call("far.where")).toBe("b");
      await b.core.plugin("far")?.stop(0);
      await eventually("a knows", () =>
        a.call("far.where").then(
          () => undefined,
          (thrown: unknown) => (thrown instanceof HostError && /it is on b, c/.test(thrown.message)) || undefined,
        ),
      );
      await c.core.start("far");
      await eventually("c is back", () => a.call("far.where").catch(() => undefined));
    });

    it("goes to the less busy of two", async () => {
      const a = await host("a");
      const [b, c] = [await host("b"), await host("c")];
      const held = Promise.withResolvers<undefined>();
      for (const one of [b, c]) await one.add("far", { where: () => utf8(one.name) });
      await b.add("busy", { hold: () => held.promise });
      await knows(a, "far.where", 2);
      const holding = Array.from({ length: 20 }, () => a.call("busy.hold"));
      await eventually("a hears of it", () => (a.cluster.membership.members.get("b")?.load ?? 0) >= 20 || undefined);
      for (let i = 0; i < 20; i += 1) expect(await a.call("far.where")).toBe("c");
      held.resolve(undefined);
      await Promise.all(holding);
      // Without a difference chance decides.
      await eventually("b is asked again", async () => (await a.call("far.where")) === "b" || undefined);
    });

    it("goes nowhere that leaves, which still answers what it was asked", async () => {
      const a = await host("a");
      const [b, c] = [await host("b"), await host("c")];
      const held = Promise.withResolvers<Uint8Array>();
      await b.add("slow", { hold: () => held.promise });
      for (const one of [b, c]) await one.add("far", { where: () => utf8(one.name) });
      await knows(a, "slow.hold");
      await knows(a, "far.where", 2);
      const holding = a.call("slow.hold");
      await eventually("b is asked", () => b.core.plugin("slow")?.queued === 1 || undefined);
      b.leave();
      await eventually("a hears of it", () => a.cluster.membership.members.get("b")?.isLeaving || undefined);
      for (let i = 0; i < 20; i += 1) expect(await a.call("far.where")).toBe("c");
      held.resolve(utf8("done"));
      expect(await holding).toBe("done");
    });

    it("is lost at once when the host says that it is gone", async () => {
      const a = await host("a");
      const b = await host("b");
      await b.add("far", { hold: () => new Promise(() => {}) });
      await knows(a, "far.hold");
      const holding = a.call("far.hold");
      await eventually("b is asked", () => b.core.plugin("far")?.queued === 1 || undefined);
      await b[Symbol.asyncDispose]();
      await expect(holding).rejects.toMatchObject({ code: "host-lost" });
      await expect(a.call("far.hold")).rejects.toMatchObject({ code: "no-such-service" });
    });
  });
}

describe("hosts of one process", whateverCarriesThem);

describeWithServer("nats", "hosts over NATS", () => {
  beforeEach(async () => {
    const options = await natsOptionsOfTest();
    join = (host) => nats.open({ clock: systemClock, log: memoryLog(), dataDir: "", host }, options);
  });
  whateverCarriesThem();
});

describe("a call of which a host is lost", () => {
  /** Hosts that provide the same service and count its turns; those named hold them until they are told to go on. */
  async function counting(names: readonly string[], { idempotent, held = [] }: { idempotent: boolean; held?: readonly string[] }) {
    const ran: string[] = [];
    const goOn = Promise.withResolvers<void>();
    const all = new Map<string, HostInCluster>();
    for (const name of names) {
      const made = await host(name);
      const script: Script = {
        async count() {
          ran.push(name);
          if (held.includes(name)) await goOn.promise;
          return utf8(name);
        },
      };
      await made.add("far", script, { idempotent });
      all.set(name, made);
    }
    return { ran, goOn, all };
  }

  it("is not made again when the service does not say that twice is once, and says that nobody knows", async () => {
    // Chance always names the first, by name.
    const a = await host("a", { random: () => 0 });
    const { ran, goOn } = await counting(["b", "c"], { idempotent: false, held: ["b"] });
    await knows(a, "far.count", 2);
    const call = a.call("far.count");
    await eventually("b has begun", () => ran.length === 1 || undefined);
    network.cut("a", "b");
    await expect(call).rejects.toMatchObject({ code: "host-lost" });
    goOn.resolve();
    expect(ran).toEqual(["b"]);
    expect(await a.call("far.count")).toBe("c");
  });

  it("is made elsewhere when it does", async () => {
    const a = await host("a", { random: () => 0 });
    const { ran, goOn } = await counting(["b", "c"], { idempotent: true, held: ["b"] });
    await knows(a, "far.count", 2);
    const call = a.call("far.count");
    await eventually("b has begun", () => ran.length === 1 || undefined);
    network.freeze("b");
    expect(await call).toBe("c");
    expect(ran).toEqual(["b", "c"]);
    network.thaw("b");
    goOn.resolve();
  });

  it("is answered as it was when the host comes back that has done it, without doing it again", async () => {
    const a = await host("a");
    const { ran, goOn } = await counting(["b"], { idempotent: true, held: ["b"] });
    await knows(a, "far.count");
    const call = a.call("far.count");
    await eventually("b has begun", () => ran.length === 1 || undefined);
    network.cut("a", "b");
    goOn.resolve();
    await eventually("b is gone", () => a.cluster.membership.members.size === 0 || undefined);
    network.heal("a", "b");
    expect(await call).toBe("b");
    expect(ran).toEqual(["b"]);
  });

  it("is made elsewhere, whatever the service says, when the host was not reached", async () => {
    const a = await host("a", { random: () => 0 });
    const { ran } = await counting(["b", "c"], { idempotent: false });
    await knows(a, "far.count", 2);
    network.cut("a", "b");
    expect(await a.call("far.count")).toBe("c");
    expect(ran).toEqual(["c"]);
    network.cut("a", "c");
    await expect(a.call("far.count")).rejects.toMatchObject({ code: "host-unreachable" });
    expect(ran).toEqual(["c"]);
  });

  it("goes to no host that stands still, once it is missed", async () => {
    const a = await host("a");
    const { ran } = await counting(["b", "c"], { idempotent: false });
    await knows(a, "far.count", 2);
    network.freeze("b");
    await knows(a, "far.count", 1);
    for (let i = 0; i < 20; i += 1) expect(await a.call("far.count")).toBe("c");
    expect(ran).not.toContain("b");
    network.thaw("b");
    await knows(a, "far.count", 2);
  });
});
