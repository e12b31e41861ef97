// Durable sends: kept before they are taken, handled at least once and in order, by who may still send them when they are delivered.

import { describe, expect, it } from "vitest";
import { refusal } from "../../host/bounds/refusals.ts";
import { HostError } from "../../host/core/errors.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import type { Bytes } from "../../host/core/types.ts";
import { callRates } from "../../host/guards/call-rates.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { textOf } from "../support/scripted-cell.ts";
import { CALLS, KEEPS, send, world } from "./world.ts";

function provider(fails: (text: string) => unknown = () => undefined) {
  const heard: string[] = [];
  return {
    heard,
    serve(input: Bytes): undefined {
      const text = textOf(input);
      heard.push(text);
      const thrown = fails(text);
      if (thrown !== undefined) throw thrown;
    },
  };
}

const durable = (text: string, id?: string) => ({ to: "b.x", text, durable: true, ...(id === undefined ? {} : { id }) });
const dead = async (kept: () => Promise<EventLog>) => (await kept()).deadLetters({ after: 0, limit: 100 });

describe("a durable send", () => {
  it("is handled, once, in order, and then waits no more", async () => {
    const { heard, serve } = provider();
    const { from, rest, kept, sends } = await world({ plugins: { a: {}, b: { serve } } });
    for (const text of ["1", "2", "3"]) await from("a", durable(text));
    await rest(10);
    expect(heard).toEqual(["1", "2", "3"]);
    expect((await kept()).statistics()).toMatchObject({
      events: 3,
      consumers: [{ consumer: { name: "b/b.x" }, waiting: 0, publishers: [] }],
    });
    expect(sends.statistics().services).toMatchObject([{ service: "b.x", waiting: 0, deadLetters: 0 }]);
  });

  it("needs services.durable beside services.call: a manifest alone keeps nothing", async () => {
    const { heard, serve } = provider();
    const { from, rest, sends } = await world({ plugins: { a: {}, b: { serve } }, grants: { a: [CALLS] } });
    await expect(from("a", durable("x"))).rejects.toMatchObject({
      code: "permission-denied",
      message: expect.stringContaining("bulkhead grant a services.durable"),
    });
    await rest();
    expect(heard).toEqual([]);
    expect(sends.statistics().services).toEqual([]);
  });

  it("waits for a provider that is down, and for a version on probation", async () => {
    let isAccepted = true;
    const { heard, serve } = provider();
    const { from, host, rest, sends } = await world({ plugins: { a: {}, b: { serve } }, isAccepted: () => isAccepted });
    await host.plugin("b")?.stop(0);
    await from("a", durable("1"));
    await rest(10);
    isAccepted = false;
    await host.start("b");
    await rest(10);
    expect(heard).toEqual([]);
    expect(sends.statistics().services).toMatchObject([{ waiting: 1 }]);
    isAccepted = true;
    sends.look("b");
    await rest(10);
    expect(heard).toEqual(["1"]);
  });

  it("waits for a provider that is being updated, also as the first of all", async () => {
    const { heard, serve } = provider();
    const { from, rest, sends } = await world({ plugins: { a: {}, b: { serve } } });
    const resume = await sends.pause("b", 0);
    await from("a", durable("1"));
    await rest(10);
    expect(heard).toEqual([]);
    resume();
    await rest(10);
    const again = await sends.pause("b", 0);
    await from("a", durable("2"));
    await rest(10);
    expect(heard).toEqual(["1"]);
    again();
    await rest(10);
    expect(heard).toEqual(["1", "2"]);
  });

  it("is not taken again under an id that is known, of the same plugin for the same service", async () => {
    const { heard, serve } = provider();
    const c = provider();
    const { from, rest } = await world({ plugins: { a: {}, z: {}, b: { serve }, c: { serve: c.serve } } });
    for (const text of ["first", "again"]) expect(await from("a", durable(text, "7"))).toBe("7");
    await from("z", durable("of another plugin", "7"));
    await from("a", { ...durable("to another service", "7"), to: "c.x" });
    await rest(10);
    expect(heard.toSorted()).toEqual(["first", "of another plugin"]);
    expect(c.heard).toEqual(["to another service"]);
  });

  it("that fails is tried again after growing pauses, and holds up nobody but its own sender", async () => {
    let fails = 3;
    const { heard, serve } = provider((text) => (text === "bad" && fails-- > 0 ? new Error("not yet") : undefined));
    const { from, rest } = await world({ plugins: { a: {}, z: {}, b: { serve } } });
    await from("a", durable("bad"));
    await from("a", durable("behind"));
    await from("z", durable("other"));
    await rest(10);
    expect(heard).toEqual(["bad", "other"]);
    await rest(1_000);
    await rest(2_000);
    expect(heard).toEqual(["bad", "other", "bad", "bad"]);
    await rest(4_000);
    expect(heard).toEqual(["bad", "other", "bad", "bad", "bad", "behind"]);
  });

  it("is a dead letter after its last attempt, and at once when it is refused other than with unavailable", async () => {
    const { heard, serve } = provider((text) =>
      text === "never" ? new Error("never") : text === "odd" ? refusal("invalid-input", "odd") : undefined,
    );
    const { from, rest, kept, log } = await world({ plugins: { a: {}, z: {}, b: { serve } }, options: { maxAttempts: 2 } });
    await from("a", durable("never", "n1"));
    await from("z", durable("odd"));
    await rest(1_100);
    expect(heard.toSorted()).toEqual(["never", "never", "odd"]);
    const letters = await dead(kept);
    expect(letters.map(({ event, attempts, reason }) => [textOf(event.data), attempts, reason])).toEqual([
      ["odd", 1, "invalid-input: odd"],
      ["never", 2, "plugin-failed: Error: never"],
    ]);
    expect(log.lines.some(({ message }) => message.includes("bulkhead sends dead list b"))).toBe(true);
  });

  it("is tried again, no earlier than it says, when the provider is unavailable", async () => {
    let isAway = true;
    const { heard, serve } = provider(() => (isAway ? refusal("unavailable", "the printer is off", { retryAfterMs: 9_000 }) : undefined));
    const { from, rest } = await world({ plugins: { a: {}, b: { serve } } });
    await from("a", durable("page"));
    await rest(8_000);
    expect(heard).toEqual(["page"]);
    isAway = false;
    await rest(2_000);
    expect(heard).toEqual(["page", "page"]);
  });

  it("keeps to the rates of the service, which is no attempt", async () => {
    const { heard, serve } = provider();
    const services = [{ name: "b.x", entryPoint: "serve", rates: { perCaller: { perSecond: 1, burst: 1 } } }];
    const guards = { guards: (clock: Parameters<typeof callRates>[0]) => [callRates(clock)] };
    const { from, rest, kept } = await world({
      ...{ plugins: { a: {}, b: { serve } }, definitions: { b: { services } }, options: { maxAttempts: 1 } },
      ...guards,
    });
    for (const text of ["1", "2", "3"]) await from("a", durable(text));
    await rest(10);
    expect(heard).toEqual(["1"]);
    await rest(3_000);
    expect(heard).toEqual(["1", "2", "3"]);
    expect(await dead(kept)).toEqual([]);
  });
});

describe("between taking and delivery", () => {
  async function waiting(given: Parameters<typeof world>[0] extends infer G ? Partial<G> : never = {}) {
    const b = provider();
    const made = await world({ plugins: { a: {}, b: { serve: b.serve } }, ...given });
    await made.host.plugin("b")?.stop(0);
    await made.from("a", durable("kept"));
    return { ...made, heard: b.heard };
  }

  it("a permission that is revoked makes a dead letter with the reason", async () => {
    for (const left of [[CALLS], [KEEPS]]) {
      const { host, rest, heard, kept } = await waiting();
      host.plugin("a")?.permissions.replaceGrants(left);
      await host.start("b");
      await rest(10);
      expect(heard).toEqual([]);
      const [letter] = await dead(kept);
      expect(letter?.reason).toMatch(/^permission-denied: a has no permission services\.(call|durable) for b\.x/);
    }
  });

  it("a sender that is uninstalled makes a dead letter; one that cannot be read is waited for", async () => {
    let isKnown = true;
    const { host, rest, heard, kept } = await waiting({ isKnown: (name) => name === "a" && isKnown });
    await host.plugin("a")?.stop(0);
    host.remove("a");
    await host.start("b");
    await rest(20_000);
    expect(heard).toEqual([]);
    expect(await dead(kept)).toEqual([]);
    isKnown = false;
    await rest(6_000);
    expect((await dead(kept)).map(({ reason }) => reason)).toEqual([expect.stringContaining("a, who sent it")]);
    expect(heard).toEqual([]);
  });

  it("whoever lent its authority to the sender must have the permission still", async () => {
    const c = provider();
    const { from, host, rest, kept } = await world({
      plugins: {
        a: {},
        b: { serve: async (_input, turn) => void (await send(turn, { to: "c.x", text: "in a's name", durable: true })) },
        c: { serve: c.serve },
      },
      definitions: { b: { services: [{ name: "b.x", entryPoint: "serve", asCaller: true }] } },
    });
    await host.plugin("c")?.stop(0);
    for (let i = 0; i < 2; i += 1) await from("a", { to: "b.x", text: "" });
    await rest();
    await host.start("c");
    await rest(10);
    expect(c.heard).toEqual(["in a's name", "in a's name"]);
    await host.plugin("c")?.stop(0);
    await from("a", { to: "b.x", text: "" });
    await rest();
    host.plugin("a")?.permissions.replaceGrants([]);
    await host.start("c");
    await rest(10);
    expect(c.heard).toHaveLength(2);
    expect((await dead(kept)).map(({ event, reason }) => [event.source, reason])).toEqual([
      ["/plugins/b", expect.stringMatching(/^permission-denied: a has no permission services.call/)],
    ]);
  });
});

describe("what bounds durable sends", () => {
  it("is what waits of one plugin, by number and by bytes, and of all; what was handled makes room", async () => {
    const { heard, serve } = provider();
    const options = { durable: { maxPerPlugin: 3, maxMiBPerPlugin: 0.01, max: 4, maxMiB: 1 } };
    const { from, host, rest } = await world({ plugins: { a: {}, c: {}, d: {}, b: { serve } }, options });
    await host.plugin("b")?.stop(0);
    for (const text of ["1", "2", "3"]) await from("a", durable(text));
    await expect(from("a", durable("4"))).rejects.toMatchObject({
      code: "queue-full",
      message: expect.stringContaining("sends.durable.maxPerPlugin"),
    });
    await from("c", durable("x".repeat(9_000)));
    await expect(from("c", durable("x".repeat(9_000)))).rejects.toMatchObject({ code: "queue-full" });
    await expect(from("d", durable("5"))).rejects.toMatchObject({ message: expect.stringMatching(/^all together have 4/) });
    await host.start("b");
    await rest(10);
    expect(heard).toHaveLength(4);
    await from("a", durable("6"));
    await from("d", durable("7"));
  });

  it("counts what was known already, or let go of, no longer than until it looks again", async () => {
    const { serve } = provider();
    const { from, host, rest } = await world({ plugins: { a: {}, b: { serve } }, options: { durable: { maxPerPlugin: 3 } } });
    await host.plugin("b")?.stop(0);
    for (let i = 0; i < 3; i += 1) await from("a", durable("same", "one"));
    await rest(2_000);
    for (const id of ["two", "three"]) await from("a", durable("other", id));
    await expect(from("a", durable("more", "four"))).rejects.toMatchObject({ code: "queue-full" });
  });

  it("is the size that the provider takes", async () => {
    const { serve } = provider();
    const limits = { ...DEFAULT_LIMITS, payloadBytes: 100 };
    const { from } = await world({
      plugins: { a: {}, b: { serve } },
      definitions: { b: { limits, services: [{ name: "b.x", entryPoint: "serve" }] } },
    });
    await expect(from("a", durable("x".repeat(101)))).rejects.toMatchObject({
      code: "quota-exceeded",
      message: expect.stringContaining("b takes at most 100"),
    });
  });

  it("is how many dead letters are kept", async () => {
    const { serve } = provider(() => refusal("forbidden", "never"));
    const deadLetters = { maxEvents: 2, maxMiB: 1, maxAgeHours: 1 };
    const { from, rest, kept, log } = await world({ plugins: { a: {}, b: { serve } }, kept: { deadLetters } });
    for (let i = 0; i < 6; i += 1) await from("a", durable(`${i}`));
    await rest(61_000);
    expect((await dead(kept)).map(({ event }) => textOf(event.data))).toEqual(["4", "5"]);
    expect(log.lines.some(({ message }) => message.includes("dead letters of b/b.x are gone for good"))).toBe(true);
  });
});

describe("dead letters of sends", () => {
  it("are handed out again to who may be sent them, and are gone once handled", async () => {
    let isOff = true;
    const { heard, serve } = provider(() => (isOff ? refusal("conflict", "off") : undefined));
    const { from, host, rest, kept, sends } = await world({ plugins: { a: {}, b: { serve } } });
    await from("a", durable("again"));
    await rest(10);
    const letters = await dead(kept);
    expect(await sends.redeliver(letters)).toEqual({ handled: 0, failed: 1, failures: [expect.stringContaining("refused: off")] });
    isOff = false;
    host.plugin("a")?.permissions.replaceGrants([CALLS]);
    expect(await sends.redeliver(letters)).toMatchObject({ handled: 0, failures: [expect.stringContaining("permission-denied")] });
    host.plugin("a")?.permissions.replaceGrants([CALLS, KEEPS]);
    expect(await sends.redeliver(letters)).toMatchObject({ handled: 1, failed: 0 });
    expect(heard).toEqual(["again", "again", "again"]);
    expect(await dead(kept)).toEqual([]);
  });

  it("of what cannot be written, whoever sends is told", async () => {
    const { serve } = provider();
    const { from, kept } = await world({ plugins: { a: {}, b: { serve } } });
    const log = (await kept()) as EventLog & AsyncDisposable;
    await log[Symbol.asyncDispose]();
    await expect(from("a", durable("x"))).rejects.toBeInstanceOf(HostError);
    await expect(from("a", durable("x"))).rejects.toMatchObject({ code: "storage-failed" });
  });
});
