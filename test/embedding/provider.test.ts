// A TypeScript program as a provider: plugins call it like any other, with the same checks, and answer what it asks, each for itself.

import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Host } from "../../host/core/host.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { PluginDefinition } from "../../host/core/types.ts";
import { catalogOf, ProviderBinding } from "../../host/embedding/binding.ts";
import { defineProvider, partsOf } from "../../host/embedding/provider.ts";
import type { Schema } from "../../host/embedding/schema.ts";
import { HostError, refusal } from "../../host/index.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { memoryLog } from "../support/memory-log.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

const OrderId = z.strictObject({ id: z.string() });
const Order = z.object({ id: z.string(), total: z.number() });
const Cart = z.object({ total: z.number().nonnegative() });
const Discount = z.object({ percent: z.number().max(50) });

const makeShop = () =>
  defineProvider("shop", {
    services: {
      getOrder: {
        input: OrderId,
        output: Order,
        description: "An order by its id.",
        errors: { "sold-out": "no more of it" },
        readOnly: true,
        run({ id }, { caller }) {
          if (id === "none") throw new HostError("conflict", "there is no such order");
          if (id === "unknown") throw refusal("not-found", "no such order");
          if (id === "later") throw refusal("unavailable", "busy", { retryAfterMs: 40 });
          if (id === "sold") throw refusal("sold-out", "gone");
          if (id === "undeclared") throw refusal("eaten", "gone");
          if (id === "broken") throw new Error("the password of the database is hunter2");
          if (id === "wrong") return { id, total: "much" as unknown as number };
          return { id: `${id} for ${caller.kind} ${caller.name}`, total: 7 };
        },
      },
      slow: {
        input: z.unknown(),
        output: z.unknown(),
        run: (_input, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
      },
      back: { input: z.string(), output: z.unknown(), run: (service, { call }) => call(service, {}) },
    },
    extensionPoints: { discount: { input: Cart, output: Discount } },
    events: { orderPlaced: Order },
  });

const granted = (...grants: readonly (readonly [permission: string, resource: string])[]): Partial<PluginDefinition> => {
  const all = grants.map(([permission, resource]) => ({ permission, resource, reason: "to test" }));
  return { permissions: all, grants: all };
};
const answering = (priority: number, rest: Partial<PluginDefinition> = {}): Partial<PluginDefinition> => ({
  extensions: [{ point: "shop.discount", entryPoint: "discount", priority }],
  ...granted(["extensions.answer", "shop.discount"]),
  ...rest,
});
const percent = (value: unknown): Script => ({ discount: () => utf8(JSON.stringify({ percent: value })) });

async function setUp(plugins: Readonly<Record<string, readonly [Script, Partial<PluginDefinition>]>> = {}) {
  const clock = fakeClock();
  const log = memoryLog();
  const host = new Host(hostPorts({ clock, log }));
  const shop = makeShop();
  const ports = { core: host, clock, log, permissions: { compile: () => () => true, onCheck: () => {} } };
  const detach = new ProviderBinding(partsOf(shop), ports).attach();
  const cell = scriptedCell(Object.fromEntries(Object.entries(plugins).map(([name, [script]]) => [name, script])));
  for (const [name, [script, rest]] of Object.entries(plugins)) host.add(definition(name, script, rest), cell);
  for (const name of Object.keys(plugins)) await host.start(name);
  return { clock, log, host, shop, detach, ports };
}
const call = (host: Host, service: string, payload: string): Promise<string> =>
  host.services
    .call({ service, payload: utf8(payload), caller: { kind: "adapter", name: "test" }, traceparent: startTrace() })
    .then(textOf, (thrown: HostError) => `${thrown.code}: ${thrown.message}`);

/** Calls the service that its input names and answers what comes of it. */
const ASKER: Script = {
  ask: async (input, turn) => {
    const [service = "", payload = ""] = textOf(input).split(" ");
    return turn.answer("services.call", [utf8(service), utf8(payload), utf8("null")]).then(
      (block) => block.slice(1),
      (thrown: HostError) => utf8(thrown.code),
    );
  },
};
const ASKS = { services: [{ name: "asker.ask", entryPoint: "ask" }] };

describe("a service of the program", () => {
  it("takes and gives what its schemas say, and says with the path what is wrong", async () => {
    const { host } = await setUp();
    expect(await call(host, "shop.get-order", '{"id":"1"}')).toBe('{"id":"1 for adapter test","total":7}');
    expect(await call(host, "shop.get-order", '{"id":1}')).toMatch(/^invalid-message: the payload of shop\.get-order is refused: id: /);
    expect(await call(host, "shop.get-order", '{"id":"1","more":2}')).toMatch(/^invalid-message: .*"more"/);
    expect(await call(host, "shop.get-order", "{")).toBe("invalid-message: the payload of shop.get-order is no JSON text in UTF-8");
    expect(await call(host, "shop.get-order", "")).toMatch(/^invalid-message: .* the whole: /);
  });

  it("refuses with a reason, which is one of everybody's or one that it declares", async () => {
    const { host, log } = await setUp();
    const asked = (id: string) =>
      host.services.call({
        service: "shop.get-order",
        payload: utf8(`{"id":"${id}"}`),
        caller: { kind: "adapter", name: "test" },
        traceparent: startTrace(),
      });
    await expect(asked("unknown")).rejects.toMatchObject({ code: "refused", reason: "not-found", message: "no such order" });
    await expect(asked("later")).rejects.toMatchObject({ code: "refused", reason: "unavailable", retryAfterMs: 40 });
    await expect(asked("sold")).rejects.toMatchObject({ code: "refused", reason: "sold-out" });
    await expect(asked("undeclared")).rejects.toMatchObject({ code: "plugin-failed", reason: undefined });
    expect(log.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual(["shop.get-order failed"]);
    const odd = { input: z.unknown(), output: z.unknown(), errors: { internal: "no" }, run: () => 1 };
    expect(() => defineProvider("odd", { services: { odd } })).toThrow(/odd\.odd\.errors: "internal" is no reason/);
  });

  it("hands on refusals that are meant, and keeps to itself what went wrong inside", async () => {
    const { host, log } = await setUp();
    expect(await call(host, "shop.get-order", '{"id":"none"}')).toBe("conflict: there is no such order");
    expect(await call(host, "shop.get-order", '{"id":"broken"}')).toBe(
      "plugin-failed: shop.get-order failed; the host's log has the cause",
    );
    expect(await call(host, "shop.get-order", '{"id":"wrong"}')).toMatch(/^plugin-failed: /);
    const causes = log.lines.filter(({ level }) => level === "error").map(({ cause }) => String(cause));
    expect(causes).toEqual([expect.stringContaining("hunter2"), expect.stringMatching(/answers what its own output refuses: .*total/)]);
  });

  it("ends at its deadline, or when nobody waits any more, and tells the program", async () => {
    const { host, clock } = await setUp();
    const late = call(host, "shop.slow", "1");
    await clock.advance(30_000);
    expect(await late).toMatch(/^deadline-exceeded: /);
    const gone = new AbortController();
    const caller = { kind: "adapter", name: "test" } as const;
    const asked = host.services.call({
      service: "shop.slow",
      payload: utf8("1"),
      caller,
      traceparent: startTrace(),
      cancelled: gone.signal,
    });
    gone.abort();
    await expect(asked).rejects.toMatchObject({ code: "deadline-exceeded" });
  });

  it("does not begin when nobody waits any more", async () => {
    const { host, ports } = await setUp();
    let began = 0;
    const counting = defineProvider("till", {
      services: { count: { input: z.unknown(), output: z.unknown(), run: () => (began += 1) } },
    });
    new ProviderBinding(partsOf(counting), ports).attach();
    const asked = {
      service: "till.count",
      payload: utf8("1"),
      caller: { kind: "adapter", name: "test" },
      traceparent: startTrace(),
    } as const;
    await expect(host.services.call({ ...asked, cancelled: AbortSignal.abort() })).rejects.toMatchObject({ code: "deadline-exceeded" });
    await expect(host.services.call({ ...asked, timeoutMs: 0 })).rejects.toMatchObject({ code: "deadline-exceeded" });
    expect(began).toBe(0);
  });

  it("lends all that the host may to what acts with its authority", async () => {
    const fetches: Script = {
      get: (_input, turn) => turn.answer("extensions.ask", [utf8("shop.discount"), utf8('{"total":1}'), utf8("null")]),
    };
    const { host } = await setUp({
      lent: [
        fetches,
        { services: [{ name: "lent.get", entryPoint: "get", asCaller: true }], ...granted(["extensions.ask", "shop.discount"]) },
      ],
    });
    expect(await call(host, "shop.back", '"lent.get"')).not.toMatch(/^permission-denied/);
  });

  it("needs the caller's permission: none, the wrong one, the right one", async () => {
    const cases = [
      [[], "permission-denied"],
      [[["services.call", "shop.slow"]], "permission-denied"],
      [[["services.call", "shop.get-order"]], '{"id":"1 for plugin asker","total":7}'],
    ] as const;
    for (const [grants, expected] of cases) {
      const { host } = await setUp({ asker: [ASKER, { ...ASKS, ...granted(...grants) }] });
      expect(await call(host, "asker.ask", 'shop.get-order {"id":"1"}')).toBe(expected);
    }
  });

  it("refuses to wait for itself by way of the plugin that asks", async () => {
    const { host } = await setUp({ asker: [ASKER, { ...ASKS, ...granted(["services.call", "shop.*"]) }] });
    expect(await call(host, "asker.ask", 'shop.back "asker.ask"')).toBe("call-loop");
  });

  it("counts before it parses: bytes, values, depth, and calls at a time", async () => {
    const { host, clock } = await setUp();
    for (const payload of [`"${"x".repeat(300_000)}"`, `[${"1,".repeat(30_000)}1]`, `${"[".repeat(100)}${"]".repeat(100)}`])
      expect(await call(host, "shop.get-order", payload)).toMatch(/^quota-exceeded: the payload of shop\.get-order /);
    const waiting = Array.from({ length: 256 }, () => call(host, "shop.slow", "1"));
    expect(await call(host, "shop.get-order", '{"id":"1"}')).toBe("queue-full: shop answers 256 calls, which is its limit");
    await clock.advance(30_000);
    await Promise.all(waiting);
    expect(await call(host, "shop.get-order", '{"id":"1"}')).toContain('"total":7');
  });
});

describe("an event of the program", () => {
  it("reaches who listens and may, checked before", async () => {
    const heard: string[] = [];
    const listen: Script = { hear: (input) => void heard.push(textOf(input)) };
    const subscriptions = [{ type: "shop.*", entryPoint: "hear" }];
    const { shop } = await setUp({
      deaf: [listen, { subscriptions }],
      hears: [listen, { subscriptions, ...granted(["events.subscribe", "shop.order-placed"]) }],
    });
    const id = await shop.orderPlaced.publish({ id: "o-1", total: 3 });
    await settle();
    expect(heard).toHaveLength(1);
    expect(JSON.parse(heard[0] ?? "")).toMatchObject({
      id,
      source: "/providers/shop",
      type: "shop.order-placed",
      data: { id: "o-1", total: 3 },
    });
    await expect(shop.orderPlaced.publish({ id: "o-1", total: "3" as unknown as number })).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("total"),
    });
  });
});

describe("a question of the program", () => {
  const ask = async (shop: ReturnType<typeof makeShop>, deadlineMs?: number) => {
    const failures: string[] = [];
    const answers: string[] = [];
    const onFailure = (plugin: string, { code }: HostError): void => void failures.push(`${plugin} ${code}`);
    for await (const { plugin, result } of shop.discount.ask({ total: 9 }, { deadlineMs, onFailure }))
      answers.push(`${plugin} ${result.percent}`);
    return { answers, failures };
  };

  it("is answered in the order of priority, by those who extend it and may", async () => {
    const { shop } = await setUp({
      low: [percent(1), answering(-5)],
      high: [percent(2), answering(10)],
      b: [percent(3), answering(0)],
      a: [percent(4), answering(0)],
      ungranted: [percent(5), { ...answering(99), grants: [] }],
      elsewhere: [percent(6), answering(99, { extensions: [{ point: "shop.other", entryPoint: "discount", priority: 0 }] })],
    });
    expect(await ask(shop)).toEqual({ answers: ["high 2", "a 4", "b 3", "low 1"], failures: [] });
  });

  it("loses only the answers of those that lie, fail, say too much or are too slow", async () => {
    const never: Script = { discount: () => new Promise(() => {}) };
    const { shop, clock, log } = await setUp({
      fails: [{ discount: () => Promise.reject(new HostError("plugin-failed", "no")) }, answering(9)],
      floods: [{ discount: () => new Uint8Array(300_000) }, answering(8)],
      good: [percent(5), answering(0)],
      lies: [percent(100), answering(7)],
      raves: [{ discount: () => utf8("{") }, answering(6)],
      sleeps: [never, answering(5, { limits: { ...DEFAULT_LIMITS, deadlineMs: 1_000 } })],
    });
    const asked = ask(shop, 200);
    await clock.advance(5_000);
    expect(await asked).toEqual({
      answers: ["good 5"],
      failures: ["fails plugin-failed", "floods quota-exceeded", "lies plugin-failed", "raves plugin-failed", "sleeps deadline-exceeded"],
    });
    expect(log.lines.filter(({ message }) => message.includes("did not answer shop.discount")).map(({ about }) => about)).toEqual([
      "fails",
      "floods",
      "lies",
      "raves",
      "sleeps",
    ]);
  });

  it("is put to 32 at most, the first by priority", async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, [percent(1), answering(i)] as const]));
    const { answers } = await ask((await setUp(many)).shop);
    expect(answers).toHaveLength(32);
    expect(answers.at(0)).toBe("p39 1");
    expect(answers.at(-1)).toBe("p8 1");
  });

  it("is checked before anybody is asked", async () => {
    const { shop } = await setUp({ good: [percent(5), answering(0)] });
    const asked = shop.discount.ask({ total: -1 });
    await expect(asked[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("total"),
    });
  });
});

describe("a provider", () => {
  it("is in one host at a time, under a name that nobody else has", async () => {
    const shop = makeShop();
    await expect(shop.orderPlaced.publish({ id: "1", total: 1 })).rejects.toMatchObject({ code: "conflict" });
    const { host, ports, shop: there, detach } = await setUp();
    expect(() => new ProviderBinding(partsOf(shop), ports).attach()).toThrow(expect.objectContaining({ code: "conflict" }));
    expect(() => host.add(definition("shop", {}), scriptedCell({ shop: {} }))).toThrow(expect.objectContaining({ code: "conflict" }));
    expect(() => new ProviderBinding(partsOf(there), { ...ports, core: new Host(hostPorts(ports)) }).attach()).toThrow(/in a host already/);
    detach();
    new ProviderBinding(partsOf(shop), ports).attach();
    expect(await call(host, "shop.get-order", '{"id":"1"}')).toContain('"total":7');
  });

  it("refuses names that plugins could not say, and what defineProvider has not made", () => {
    for (const name of ["Shop", "host", "", "a.b"])
      expect(() => defineProvider(name, {})).toThrow(expect.objectContaining({ code: "invalid-message" }));
    expect(() => defineProvider("shop", { events: { "order-placed": Order } })).toThrow(/shop\.order-placed: write letters/);
    expect(() =>
      defineProvider("shop", { events: { discount: Order }, extensionPoints: { discount: { input: Cart, output: Discount } } }),
    ).toThrow(/both/);
    expect(() => partsOf({})).toThrow(/defineProvider/);
  });

  it("takes schemas of any library that speaks Standard Schema, and refuses those that take their time", async () => {
    const upper: Schema<string> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          typeof value === "string" ? { value: value.toUpperCase() } : { issues: [{ message: "no text", path: [{ key: "a" }, 1] }] },
      },
    };
    const slow: Schema<string> = { "~standard": { version: 1, vendor: "test", validate: async () => ({ value: "" }) } };
    const echo = defineProvider("echo", {
      services: {
        loud: { input: upper, output: upper, run: (text) => `${text}!` },
        slow: { input: slow, output: upper, run: (text) => text },
      },
    });
    const { host, ports } = await setUp();
    new ProviderBinding(partsOf(echo), ports).attach();
    expect(await call(host, "echo.loud", '"hi"')).toBe('"HI!"');
    expect(await call(host, "echo.loud", "1")).toBe("invalid-message: the payload of echo.loud is refused: a.1: no text");
    expect(await call(host, "echo.slow", '"x"')).toMatch(/^plugin-failed/);
  });

  it("is in the catalog with its JSON Schemas", () => {
    const { services, events, points } = catalogOf([partsOf(makeShop())]);
    expect(services.find(({ name }) => name === "shop.get-order")).toMatchObject({
      provider: "shop",
      description: "An order by its id.",
      input: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
      ...{ readOnly: true, idempotent: true, deprecated: false, public: true },
    });
    expect(points).toEqual([expect.objectContaining({ name: "shop.discount", output: expect.objectContaining({ type: "object" }) })]);
    expect(events).toEqual([expect.objectContaining({ type: "shop.order-placed", publishers: ["shop"] })]);
  });
});
