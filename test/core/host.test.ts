import { describe, expect, it } from "vitest";
import { CellClient } from "../../host/cell/outside/client.ts";
import type { Channel, FromCell, ToCell } from "../../host/cell/wire/protocol.ts";
import { HostError, toHostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { Turn } from "../../host/core/ports/cell.ts";
import { startTrace, traceIdOf } from "../../host/core/trace.ts";
import type { EndedTurn } from "../../host/core/turn.ts";
import type { Bytes, PluginDefinition } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { encodeError } from "../../host/engine/guest/blocks.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { type FakeClock, fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts, SET } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

interface World {
  readonly host: Host;
  readonly clock: FakeClock;
  readonly log: ReturnType<typeof memoryLog>;
  readonly turns: EndedTurn[];
}

async function boot(plugins: Readonly<Record<string, [Script, Partial<PluginDefinition>?]>>): Promise<World> {
  const clock = fakeClock();
  const log = memoryLog();
  const host = new Host(hostPorts({ clock, log }));
  const turns: EndedTurn[] = [];
  host.observe({ turn: (turn) => turns.push(turn) });
  const cell = scriptedCell(Object.fromEntries(Object.entries(plugins).map(([name, [script]]) => [name, script])));
  for (const [name, [script, rest]] of Object.entries(plugins)) host.add(definition(name, script, rest), cell);
  await startAll(host, log);
  return { host, clock, log, turns };
}

/** A host with one plugin that never answers, in a real cell client whose cell can die. */
async function bootInMortalCell(): Promise<{ host: Host; end: (error: HostError) => void }> {
  const host = new Host(hostPorts({ clock: systemClock, log: memoryLog() }));
  let receive: (message: FromCell) => void = () => {};
  const channel: Channel<ToCell, FromCell> = {
    send: (message) => {
      if (message.kind === "load") queueMicrotask(() => receive({ kind: "acknowledged", id: message.id, error: undefined }));
    },
    flush: () => {},
    receive: (handler) => {
      receive = handler;
    },
    close: () => {},
  };
  const cell = new CellClient({ channel, clock: systemClock, log: memoryLog(), ended: async () => {} });
  const limits = { ...DEFAULT_LIMITS, mailboxLength: 100_000 };
  host.add(definition("p", { serve: () => undefined }, { ...provides("p.x"), limits }), cell);
  await startAll(host, memoryLog());
  return { host, end: (error) => cell.die(error) };
}

const provides = (name: string, entryPoint = "serve"): Partial<PluginDefinition> => ({ services: [{ name, entryPoint }] });
const may = (...grants: [PluginDefinition["grants"][number]["permission"], string][]): Partial<PluginDefinition> => {
  const list = grants.map(([permission, resource]) => ({ permission, resource, reason: "test" }));
  return { permissions: list, grants: list };
};
const ask = (turn: Turn, name: string, ...args: (string | Bytes)[]): Promise<string> =>
  turn
    .answer(
      name,
      args.map((arg) => (typeof arg === "string" ? utf8(arg) : arg)),
    )
    .catch((thrown) => encodeError(toHostError(thrown)))
    .then((block) => `${block[0]}${textOf(block.subarray(1))}`);
const call = (host: Host, service: string, payload = "", timeoutMs?: number): Promise<string> =>
  host.services
    .call({ service, payload: utf8(payload), caller: { kind: "adapter", name: "test" }, traceparent: startTrace(), timeoutMs })
    .then(textOf);

describe("services", () => {
  it("hand the payload over, with the caller's identity stamped by the host, and the answer back", async () => {
    const { host } = await boot({
      b: [{ serve: (input, turn) => utf8(`${turn.caller.kind}/${turn.caller.name}: ${textOf(input)}`) }, provides("b.echo")],
      a: [
        { serve: async (input, turn) => utf8(await ask(turn, "services.call", "b.echo", input, "null")) },
        { ...provides("a.relay"), ...may(["services.call", "b.*"]) },
      ],
    });
    expect(await call(host, "b.echo", "hi")).toBe("adapter/test: hi");
    expect(await call(host, "a.relay", "hi")).toBe("0plugin/a: hi");
  });

  it("refuse a caller without a grant and an unknown service as different things", async () => {
    const relay: Script = { serve: async (input, turn) => utf8(await ask(turn, "services.call", input, "", "null")) };
    const { host } = await boot({
      b: [{ serve: () => undefined }, provides("b.x")],
      a: [relay, { ...provides("a.relay"), ...may(["services.call", "ghost.*"]) }],
    });
    expect(await call(host, "a.relay", "b.x")).toContain("permission-denied");
    expect(await call(host, "a.relay", "ghost.x")).toContain("no-such-service");
    await expect(call(host, "ghost.x")).rejects.toMatchObject({ code: "no-such-service" });
  });

  it("refuse a call that would wait for itself, through one plugin or two", async () => {
    const relay = (next: string): Script => ({ serve: async (_input, turn) => utf8(await ask(turn, "services.call", next, "", "null")) });
    const { host } = await boot({
      self: [relay("self.x"), { ...provides("self.x"), ...may(["services.call", "**"]) }],
      a: [relay("b.x"), { ...provides("a.x"), ...may(["services.call", "**"]) }],
      b: [relay("a.x"), { ...provides("b.x"), ...may(["services.call", "**"]) }],
    });
    expect(await call(host, "self.x")).toContain("self.x would wait for itself: self → self");
    expect(await call(host, "a.x")).toContain("a.x would wait for itself: a → b → a");
  });

  it("give a nested call an earlier deadline than its caller, and count from the moment of enqueueing", async () => {
    const deadlines: Record<string, number> = {};
    const { host, clock } = await boot({
      inner: [
        {
          serve: (_input, turn) => {
            deadlines.inner = turn.deadline;
            return undefined;
          },
        },
        provides("inner.x"),
      ],
      outer: [
        {
          serve: async (_input, turn) => {
            deadlines.outer = turn.deadline;
            await ask(turn, "services.call", "inner.x", "", "4000000000");
            return undefined;
          },
        },
        { ...provides("outer.x"), ...may(["services.call", "inner.x"]) },
      ],
    });
    await clock.advance(100);
    await call(host, "outer.x", "", 2_000);
    expect(deadlines.outer).toBe(2_100);
    expect(deadlines.inner).toBeLessThan(2_100);
  });

  it("answer the caller with the provider's failure and keep its stack", async () => {
    const failing: Script = {
      serve: () => {
        throw new HostError("plugin-failed", "no device lamp-1", { detail: "at wasm-function[3]" });
      },
    };
    const relay: Script = { serve: async (_input, turn) => utf8(await ask(turn, "services.call", "b.x", "", "null")) };
    const { host } = await boot({ b: [failing, provides("b.x")], a: [relay, { ...provides("a.x"), ...may(["services.call", "b.x"]) }] });
    expect(await call(host, "a.x")).toBe('1{"code":"plugin-failed","message":"no device lamp-1","detail":null}');
  });

  it("may only be provided below the plugin's own name, and once", async () => {
    const { host } = await boot({ a: [{ serve: () => undefined }, provides("a.x")] });
    const cell = scriptedCell({});
    const add = (name: string, ...services: string[]) =>
      host.add(definition(name, {}, { services: services.map((service) => ({ name: service, entryPoint: "serve" })) }), cell);
    expect(() => add("thief", "a.y")).toThrow(expect.objectContaining({ code: "permission-denied" }));
    expect(() => add("odd", "odd")).toThrow(expect.objectContaining({ code: "permission-denied" }));
    expect(() => add("twice", "twice.x", "twice.x")).toThrow(expect.objectContaining({ code: "service-taken" }));
    expect(host.plugins.map(({ name }) => name)).toEqual(["a"]);
    // Nothing of what was refused is left behind.
    await expect(call(host, "twice.x")).rejects.toMatchObject({ code: "no-such-service" });
    add("twice", "twice.x");
    await expect(call(host, "twice.x")).rejects.toMatchObject({ code: "plugin-not-running" });
  });
});

describe("events", () => {
  const recorder = (seen: string[]): Script => ({ on_event: (input) => void seen.push(textOf(input)) });
  const subscribes = (type: string): Partial<PluginDefinition> => ({ subscriptions: [{ type, entryPoint: "on_event" }] });
  const publisher: Script = { serve: async (input, turn) => utf8(await ask(turn, "events.publish", input, "application/json", '{"n":1}')) };

  it("reach granted subscribers, stamped by the host with source, id, time and the publisher's trace", async () => {
    const seen: string[] = [];
    const { host, turns } = await boot({
      pub: [publisher, provides("pub.go")],
      sub: [recorder(seen), { ...subscribes("pub.*"), ...may(["events.subscribe", "pub.**"]) }],
    });
    const id = (await call(host, "pub.go", "pub.happened")).slice(1);
    await settle();
    const event = JSON.parse(seen[0] ?? "") as Record<string, string>;
    expect(event).toMatchObject({
      specversion: "1.0",
      id,
      source: "/plugins/pub",
      type: "pub.happened",
      time: "2026-01-01T00:00:00.000Z",
      data: { n: 1 },
    });
    const published = turns.find((turn) => turn.plugin === "pub");
    const handled = turns.find((turn) => turn.plugin === "sub");
    expect(traceIdOf(event.traceparent ?? "")).toBe(traceIdOf(published?.traceparent ?? ""));
    expect(traceIdOf(handled?.traceparent ?? "")).toBe(traceIdOf(published?.traceparent ?? ""));
    expect(handled?.caller).toEqual({ kind: "host", name: "events" });
  });

  it("are not published any more when the grant is taken away while their data is looked through", async () => {
    const long = `[${"1,".repeat(500_000)}1]`;
    const script: Script = { serve: async (_input, turn) => utf8(await ask(turn, "events.publish", "p.long", "application/json", long)) };
    const { host } = await boot({ p: [script, { ...provides("p.go"), ...may(["events.publish", "p.long"]) }] });
    const seen: string[] = [];
    host.events.subscribe("p.long", ({ type }) => void seen.push(type));
    await call(host, "p.go");
    expect(seen).toEqual(["p.long"]);
    const second = call(host, "p.go");
    await new Promise((resolve) => setImmediate(resolve));
    host.plugin("p")?.permissions.replaceGrants([{ permission: "events.publish", resource: "p.long", effect: "deny" }]);
    expect(await second).toMatch(/permission events\.publish/);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toEqual(["p.long"]);
  });

  it("and payloads of calls are refused above the plugin's limit, with the numbers, and taken at it", async () => {
    const script: Script = {
      serve: async (input, turn) => {
        const [name = "", target = "", length = ""] = textOf(input).split("|");
        const data = `"${"x".repeat(Number(length) - 2)}"`;
        const args = name === "events.publish" ? [target, "application/json", data] : [target, data, "null"];
        return utf8(await ask(turn, name, ...args));
      },
    };
    const limits = { ...DEFAULT_LIMITS, payloadBytes: 100 };
    const { host } = await boot({
      p: [script, { ...provides("p.x"), ...may(["services.call", "b.x"]), limits }],
      b: [{ serve: () => undefined }, provides("b.x")],
    });
    for (const target of ["events.publish|p.happened", "services.call|b.x"]) {
      expect(await call(host, "p.x", `${target}|100`)).toMatch(/^0/);
      expect(await call(host, "p.x", `${target}|101`)).toMatch(/quota-exceeded.*has 101 bytes; the limit is 100/);
    }
  });

  it("of other plugins' types are refused without a grant, and so are malformed types, media types and JSON", async () => {
    const raw: Script = {
      serve: async (input, turn) => {
        const [type = "", contentType = "", data = ""] = textOf(input).split("|");
        return utf8(await ask(turn, "events.publish", type, contentType, data));
      },
    };
    const { host } = await boot({ pub: [raw, provides("pub.go")] });
    expect(await call(host, "pub.go", "devices.changed|application/json|1")).toContain("permission-denied");
    expect(await call(host, "pub.go", "Pub|application/json|1")).toContain("is no event type");
    expect(await call(host, "pub.go", 'pub.x|text/plain","source":"/plugins/devices|1')).toContain("no media type");
    expect(await call(host, "pub.go", 'pub.x|application/json|1,"source":"/plugins/devices"')).toContain("not the JSON text");
    expect(await call(host, "pub.go", "pub.x|text/plain; charset=utf-8|1")).toMatch(/^0/);
  });

  it("reach nobody whose grant does not cover the type, however wide the subscription", async () => {
    const seen: string[] = [];
    const { host } = await boot({
      pub: [publisher, provides("pub.go")],
      sub: [
        recorder(seen),
        {
          ...subscribes("**"),
          permissions: [{ permission: "events.subscribe", resource: "**", reason: "r" }],
          grants: [{ permission: "events.subscribe", resource: "pub.right" }],
        },
      ],
    });
    await call(host, "pub.go", "pub.wrong");
    await call(host, "pub.go", "pub.right");
    await settle();
    expect(seen.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(["pub.right"]);
  });

  it("answer the publisher before a slow subscriber finishes, and log a failing one", async () => {
    let finish: () => void = () => {};
    const { host, log } = await boot({
      pub: [publisher, provides("pub.go")],
      slow: [
        { on_event: () => new Promise((resolve) => (finish = () => resolve(undefined))) },
        { ...subscribes("pub.*"), ...may(["events.subscribe", "pub.*"]) },
      ],
      bad: [
        {
          on_event: () => {
            throw new Error("broken");
          },
        },
        { ...subscribes("pub.*"), ...may(["events.subscribe", "pub.*"]) },
      ],
    });
    expect(await call(host, "pub.go", "pub.x")).toMatch(/^0/);
    await settle();
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "warning", plugin: "bad", message: expect.stringContaining("pub.x was not handled") }),
    );
    finish();
  });
});

describe("turns", () => {
  const stuck = (): { script: Script; release: () => void } => {
    const waiting: (() => void)[] = [];
    return {
      script: { serve: () => new Promise((resolve) => waiting.push(() => resolve(undefined))) },
      release: () => waiting.shift()?.(),
    };
  };

  it("are refused with the numbers once the mailbox is full", async () => {
    const { script } = stuck();
    const { host } = await boot({ p: [script, { ...provides("p.x"), limits: { ...DEFAULT_LIMITS, mailboxLength: 2 } }] });
    for (let i = 0; i < 2; i += 1) void call(host, "p.x").catch(() => {});
    await expect(call(host, "p.x")).rejects.toMatchObject({
      code: "queue-full",
      message: expect.stringContaining("2 turns queued; the limit is 2"),
    });
  });

  it("wait in the mailbox beyond what the cell is handed, in order", async () => {
    const seen: string[] = [];
    const { host } = await boot({ p: [{ serve: (input) => void seen.push(textOf(input)) }, provides("p.x")] });
    await Promise.all(Array.from({ length: 600 }, (_, i) => call(host, "p.x", String(i))));
    expect(seen).toEqual(Array.from({ length: 600 }, (_, i) => String(i)));
  });

  it("pass their deadline in the mailbox with an answer, and in a silent cell after a grace", async () => {
    const { script } = stuck();
    const limits = { ...DEFAULT_LIMITS, mailboxLength: 1_000, deadlineMs: 1_000 };
    const { host, clock } = await boot({ p: [script, { ...provides("p.x"), limits }] });
    const all = Array.from({ length: 300 }, () => call(host, "p.x").catch((error: HostError) => error.message));
    await clock.advance(1_500);
    expect(await all[299]).toContain("it waited behind");
    await clock.advance(1_000);
    expect(await all[0]).toContain("its cell did not answer");
    expect(host.plugin("p")?.queued).toBe(256);
  });

  it("that expired in the queue leave their place to others, over and over", async () => {
    const { script } = stuck();
    const limits = { ...DEFAULT_LIMITS, mailboxLength: 300, deadlineMs: 100 };
    const { host, clock } = await boot({ p: [script, { ...provides("p.x"), limits }] });
    const codes: string[] = [];
    for (let round = 0; round < 50; round += 1) {
      const wave = Array.from({ length: 300 }, () => call(host, "p.x").catch((error: HostError) => codes.push(error.code)));
      await clock.advance(100);
      expect(host.plugin("p")?.queued).toBe(256);
      if (round > 0) await Promise.all(wave);
    }
    expect(codes.filter((code) => code === "queue-full")).toHaveLength(49 * 256);
    expect(codes.filter((code) => code === "deadline-exceeded").length).toBeGreaterThanOrEqual(50 * 44);
  });

  it("that the host has given up on can do nothing more through it", async () => {
    let late: Promise<string> | undefined;
    const script: Script = {
      serve: async (_input, turn) => {
        await new Promise((resolve) => clock.after(5_000, () => resolve(undefined)));
        late = ask(turn, "events.publish", "p.late", "application/json", "1");
        return undefined;
      },
    };
    const { host, clock } = await boot({ p: [script, { ...provides("p.x"), limits: { ...DEFAULT_LIMITS, deadlineMs: 100 } }] });
    const seen: string[] = [];
    host.events.subscribe("**", (event) => seen.push(event.type));
    const answer = call(host, "p.x").catch((error: HostError) => error.code);
    await clock.advance(10_000);
    expect(await answer).toBe("deadline-exceeded");
    expect(await late).toContain("the turn that asked has ended");
    expect(seen).toEqual([]);
  });

  it("are refused when their input is too large or their deadline is over", async () => {
    const { host, clock } = await boot({
      p: [{ serve: () => undefined }, { ...provides("p.x"), limits: { ...DEFAULT_LIMITS, payloadBytes: 10 } }],
    });
    await expect(call(host, "p.x", "x".repeat(11))).rejects.toMatchObject({ code: "quota-exceeded" });
    await clock.advance(10);
    await expect(call(host, "p.x", "", -1)).rejects.toMatchObject({ code: "deadline-exceeded" });
  });
});

describe("a service that acts for its caller", () => {
  const SECRET = "vault.pin";
  const readsSecret: Script = { serve: async (_input, turn) => utf8(await ask(turn, "state.get", SECRET)) };
  const relays = (next: string): Script => ({ serve: async (_input, turn) => utf8(await ask(turn, "services.call", next, "", "null")) });
  const asCaller = (name: string): Partial<PluginDefinition> => ({ services: [{ name, entryPoint: "serve", asCaller: true }] });
  const bootVault = async (provided: Partial<PluginDefinition>, thief: Partial<PluginDefinition>): Promise<Host> => {
    const { host } = await boot({
      vault: [readsSecret, { ...provided, ...may(["state.read", "vault.*"]) }],
      thief: [relays("vault.read"), { ...provides("thief.go"), ...thief }],
    });
    host.state.set(SECRET, utf8("1234"), SET);
    return host;
  };

  it("cannot be used as a deputy: what it does needs both grants", async () => {
    // With its own authority it answers whoever may call it; that is what the declaration is for.
    const careless = await bootVault(provides("vault.read"), may(["services.call", "vault.*"]));
    expect(await call(careless, "thief.go")).toContain("1234");
    const careful = await bootVault(asCaller("vault.read"), may(["services.call", "vault.*"]));
    expect(await call(careful, "thief.go")).toMatch(/thief has no permission state\.read for vault\.pin/);
    const granted = await bootVault(asCaller("vault.read"), may(["services.call", "vault.*"], ["state.read", "vault.*"]));
    expect(await call(granted, "thief.go")).toContain("1234");
    // Adapters and the host have no permissions, so nothing is added.
    expect(await call(careful, "vault.read")).toContain("1234");
  });

  it("passes on whom it acts for, through any number of such services, and ends when one of them loses its grant", async () => {
    const all = may(["services.call", "**"], ["state.read", "**"]);
    const { host } = await boot({
      vault: [readsSecret, { ...asCaller("vault.read"), ...all }],
      middle: [relays("vault.read"), { ...asCaller("middle.go"), ...all }],
      thief: [relays("middle.go"), { ...provides("thief.go"), ...may(["services.call", "**"]) }],
      honest: [relays("middle.go"), { ...provides("honest.go"), ...all }],
    });
    host.state.set(SECRET, utf8("1234"), SET);
    expect(await call(host, "thief.go")).toMatch(/thief has no permission state\.read/);
    expect(await call(host, "honest.go")).toContain("1234");
    host.plugin("honest")?.permissions.replaceGrants(may(["services.call", "**"]).grants ?? []);
    expect(await call(host, "honest.go")).toMatch(/honest has no permission state\.read/);
  });
});

describe("removing and redefining", () => {
  it("takes services and subscriptions with the plugin, and only one that does not run", async () => {
    const { host } = await boot({ p: [{ serve: () => utf8("x") }, provides("p.x")] });
    expect(() => host.remove("p")).toThrow(expect.objectContaining({ code: "conflict" }));
    await stopAll(host, 0);
    host.remove("p");
    await expect(call(host, "p.x")).rejects.toMatchObject({ code: "no-such-service" });
    expect(host.plugins).toEqual([]);
  });

  it("goes by the new definition from then on, or by the old one when the new is refused", async () => {
    const { host } = await boot({ p: [{ serve: () => utf8("x") }, provides("p.old")] });
    const plugin = host.plugin("p");
    host.redefine(definition("p", { serve: () => undefined }, provides("p.new")));
    await expect(call(host, "p.old")).rejects.toMatchObject({ code: "no-such-service" });
    expect(await call(host, "p.new")).toBe("x");
    expect(() => host.redefine(definition("p", {}, provides("q.stolen")))).toThrow(expect.objectContaining({ code: "permission-denied" }));
    expect(await call(host, "p.new")).toBe("x");
    expect(host.plugin("p")).toBe(plugin);
    expect(() => host.redefine(definition("nobody", {}))).toThrow(/not here/);
  });
});

describe("the host's own time", () => {
  it("is limited for each plugin: answers wait until it is made up for, and none comes for a turn that has ended", async () => {
    const publishing: Script = {
      serve: async (_input, turn) => {
        for (let i = 0; i < 3; i += 1) await ask(turn, "events.publish", "p.happened", "text/plain", "");
        return utf8("done");
      },
    };
    const { host, clock } = await boot({ p: [publishing, provides("p.x")] });
    const times: number[] = [];
    host.events.subscribe("p.*", () => {
      times.push(clock.monotonicMs());
      // As long as the host may work for a plugin within two seconds.
      clock.pass(400);
    });
    const answer = call(host, "p.x");
    await clock.advance(4_500);
    expect(await answer).toBe("done");
    expect(times).toEqual([0, 1_400, 3_400].map((at) => expect.closeTo(at, -1)));
    const late = call(host, "p.x", "", 100).catch(({ code }) => code);
    await clock.advance(10_000);
    await late;
    expect(times).toHaveLength(3);
  });
});

describe("lifecycle", () => {
  const recording = (name: string, order: string[]): Script =>
    Object.fromEntries(["on_load", "on_start", "on_stop", "on_unload"].map((step) => [step, () => void order.push(`${name} ${step}`)]));

  it("starts in the order that it is given, stops in the opposite one", async () => {
    const order: string[] = [];
    const { host } = await boot({ b: [recording("b", order)], a: [recording("a", order), { dependencies: ["b"] }] });
    await stopAll(host, 100);
    expect(order).toEqual(["b on_load", "b on_start", "a on_load", "a on_start", "a on_stop", "a on_unload", "b on_stop", "b on_unload"]);
    expect(host.plugins.map((plugin) => plugin.state)).toEqual(["stopped", "stopped"]);
  });

  it("treats a failing on_start, a missing dependency, a cycle and a missing entry point as data; the others run", async () => {
    const fails: Script = {
      on_start: () => {
        throw new Error("no");
      },
    };
    const { host, log } = await boot({
      ok: [{}],
      bad: [fails],
      needs: [{}, { dependencies: ["bad"] }],
      ghost: [{}, { dependencies: ["nobody"] }],
      x: [{}, { dependencies: ["y"] }],
      y: [{}, { dependencies: ["x"] }],
    });
    expect(Object.fromEntries(host.plugins.map((plugin) => [plugin.name, plugin.state]))).toEqual({
      ok: "running",
      bad: "failed",
      needs: "failed",
      ghost: "failed",
      x: "failed",
      y: "failed",
    });
    expect(host.plugin("bad")?.failure?.message).toContain("on_start failed");
    expect(host.plugin("needs")?.failure?.message).toContain("needs bad, which is not running");
    expect(host.plugin("x")?.failure?.message).toContain("cycle of dependencies: x, y");
    expect(log.lines.filter((line) => line.level === "error")).toHaveLength(5);
  });

  it("gives queued turns the drain time when it stops, then answers the rest", async () => {
    const waiting: (() => void)[] = [];
    const script: Script = { serve: () => new Promise((resolve) => waiting.push(() => resolve(utf8("done")))) };
    const { host, clock } = await boot({ p: [script, provides("p.x")] });
    const first = call(host, "p.x");
    await settle();
    const stopping = stopAll(host, 1_000);
    await settle();
    await expect(call(host, "p.x")).rejects.toMatchObject({ code: "plugin-not-running" });
    waiting.shift()?.();
    await stopping;
    expect(await first).toBe("done");
    expect(host.plugin("p")?.state).toBe("stopped");
    await clock.advance(5_000);
  });

  it("fails plugins whose cell dies, answers whoever waits, and does not lose its footing with a long queue", async () => {
    const { host, end } = await bootInMortalCell();
    const waiting = Array.from({ length: 20_000 }, () => call(host, "p.x").catch((error: HostError) => error.code));
    await settle();
    end(new HostError("plugin-failed", "the cell ended"));
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["plugin-failed", "plugin-not-running"]));
    await settle();
    expect(host.plugin("p")).toMatchObject({ state: "failed", failure: { message: "the cell ended" } });
    await expect(call(host, "p.x")).rejects.toMatchObject({ code: "plugin-not-running" });
  });

  it("survives an observer that throws", async () => {
    const { host, log } = await boot({ p: [{ serve: () => utf8("ok") }, provides("p.x")] });
    host.observe({
      turn: () => {
        throw new Error("bad listener");
      },
    });
    expect(await call(host, "p.x")).toBe("ok");
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "error", message: "an observer of turns failed" }));
  });

  it("logs traps with the guest's stack and failing lifecycles, and not what a plugin merely refuses", async () => {
    const script: Script = {
      trap: () => {
        throw new HostError("plugin-failed", "unreachable", { detail: "at wasm-function[1]" });
      },
      refuse: () => {
        throw new HostError("plugin-failed", "no such lamp");
      },
      on_stop: () => {
        throw new HostError("plugin-failed", "cannot stop");
      },
    };
    const services = ["trap", "refuse"].map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
    const { host, log } = await boot({ p: [script, { services }] });
    for (const { name } of services) await call(host, name).catch(() => {});
    await stopAll(host, 0);
    expect(log.lines.map((line) => `${line.message} ${String(line.cause)}`)).toEqual([
      "trap failed: unreachable at wasm-function[1]",
      "on_stop failed: cannot stop undefined",
    ]);
  });

  it("refuses bad and taken names, and turns for a plugin that does not run", async () => {
    const { host } = await boot({ p: [{}] });
    expect(() => host.add(definition("host", {}), scriptedCell({}))).toThrow(/no plugin name or reserved/);
    expect(() => host.add(definition("p", {}), scriptedCell({}))).toThrow(/there already/);
    await stopAll(host, 0);
    const context = {
      caller: { kind: "host", name: "test" } as const,
      traceparent: startTrace(),
      deadline: 1_000,
      waiting: [],
      authorities: [],
    };
    expect(await host.plugin("p")?.enter("serve", utf8(""), context)).toMatchObject({ ok: false, error: { code: "plugin-not-running" } });
  });
});

describe("state", () => {
  it("is read and written by grant only, and lists what may be read", async () => {
    const script: Script = {
      serve: async (input, turn) => {
        const [name = "", ...args] = textOf(input).split("|");
        return utf8(await ask(turn, name, ...args));
      },
    };
    const { host } = await boot({
      p: [script, { ...provides("p.x"), ...may(["state.read", "shared.*"], ["state.write", "shared.lamp"]) }],
    });
    expect(await call(host, "p.x", "state.set|shared.lamp|on")).toBe("0");
    expect(await call(host, "p.x", "state.set|shared.other|on")).toContain("permission-denied");
    expect(await call(host, "p.x", "state.get|shared.lamp")).toBe("0\u0001on");
    expect(await call(host, "p.x", "state.get|shared.none")).toBe("0\u0000");
    expect(await call(host, "p.x", "state.get|private.lamp")).toContain("permission-denied");
    host.state.set("private.lamp", utf8("secret"), SET);
    expect(await call(host, "p.x", "state.keys|")).toBe('0["shared.lamp"]');
    expect(await call(host, "p.x", "state.delete|shared.lamp")).toBe("0true");
    expect(await call(host, "p.x", "state.delete|private.lamp")).toContain("permission-denied");
    for (const bad of ["", "a b", "ä", "a..b"]) expect(await call(host, "p.x", `state.get|${bad}`), bad).toContain("no state key");
    expect(await call(host, "p.x", `state.set|shared.lamp|${"x".repeat(65_537)}`)).toContain("65537 bytes; the limit is 65536");
  });

  it("counts what a plugin sets for that plugin", async () => {
    const limits = { ...DEFAULT_LIMITS, stateKeys: 1 };
    const script: Script = { serve: async (input, turn) => utf8(await ask(turn, "state.set", textOf(input), "x")) };
    const { host } = await boot({
      p: [script, { ...provides("p.x"), ...may(["state.write", "**"]), limits }],
      q: [script, { ...provides("q.x"), ...may(["state.write", "**"]), limits }],
    });
    expect(await call(host, "p.x", "one")).toBe("0");
    expect(await call(host, "p.x", "two")).toMatch(/p would have 2 keys in the state; its limit is 1 \(limits\.stateKeys\)/);
    expect(await call(host, "q.x", "two")).toBe("0");
    expect(await host.state.get("two")).toMatchObject({ owner: "q" });
  });

  it("answers names that are no host function, also those of a prototype", async () => {
    const script: Script = { serve: async (input, turn) => utf8(await ask(turn, textOf(input))) };
    const { host } = await boot({ p: [script, provides("p.x")] });
    for (const name of ["constructor", "__proto__", "log.write", "nope"])
      expect(await call(host, "p.x", name)).toContain("is no host function");
  });
});
