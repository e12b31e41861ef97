// `services.send` of what nobody keeps: taken or refused at once, handled or told of, and no way around what binds a call.

import { describe, expect, it } from "vitest";
import type { Turn } from "../../host/core/ports/cell.ts";
import type { Bytes } from "../../host/core/types.ts";
import { callRates } from "../../host/guards/call-rates.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { textOf } from "../support/scripted-cell.ts";
import { CALLS, KEEPS, send, world } from "./world.ts";

/** A provider that writes down what came, and one that waits until it is let go. */
function provider(): { readonly heard: string[]; readonly serve: (input: Bytes, turn: Turn) => undefined } {
  const heard: string[] = [];
  return { heard, serve: (input, { caller }) => void heard.push(`${caller.name}: ${textOf(input)}`) };
}

function stuck(): { readonly serve: () => Promise<undefined>; readonly release: () => void; readonly begun: () => number } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let begun = 0;
  return {
    begun: () => begun,
    release: () => resolve(undefined),
    serve() {
      begun += 1;
      return promise;
    },
  };
}

const slow = { ...DEFAULT_LIMITS, mailboxLength: 4 };

describe("a volatile send", () => {
  it("answers an id while its provider still works", async () => {
    const gate = stuck();
    const { from, rest, sends } = await world({ plugins: { a: {}, b: { serve: gate.serve } } });
    expect(await from("a", { to: "b.x", text: "one" })).toMatch(/^[0-9a-f-]{36}-\d+$/);
    expect(await from("a", { to: "b.x", text: "two", id: "mine" })).toBe("mine");
    expect(sends.statistics().volatile).toMatchObject({ waiting: 2, waitingBytes: 6, taken: 2 });
    gate.release();
    await rest();
    expect(sends.statistics().volatile).toMatchObject({ waiting: 0, waitingBytes: 0, taken: 2, failed: 0 });
  });

  it("comes in the order in which one plugin sent, and says who did", async () => {
    const { heard, serve } = provider();
    const { from, rest } = await world({ plugins: { a: {}, b: { serve } } });
    for (const text of ["1", "2", "3"]) await from("a", { to: "b.x", text });
    await rest();
    expect(heard).toEqual(["a: 1", "a: 2", "a: 3"]);
  });

  it("is refused without the permission, to nobody, to one that is down, and with an odd id", async () => {
    const { heard, serve } = provider();
    const { from, host, rest } = await world({ plugins: { a: {}, shy: {}, b: { serve } }, grants: { shy: [] } });
    await expect(from("shy", { to: "b.x", text: "" })).rejects.toMatchObject({ code: "permission-denied" });
    await expect(from("a", { to: "b.y", text: "" })).rejects.toMatchObject({ code: "no-such-service" });
    for (const id of ["", "two words", "ä", "x".repeat(129), "x".repeat(1_000_000)])
      await expect(from("a", { to: "b.x", text: "", id })).rejects.toMatchObject({ code: "invalid-message" });
    await expect(from("a", { to: "b.x", text: new Uint8Array(DEFAULT_LIMITS.payloadBytes + 1) })).rejects.toMatchObject({
      code: "quota-exceeded",
    });
    await host.plugin("b")?.stop(0);
    await expect(from("a", { to: "b.x", text: "" })).rejects.toMatchObject({ code: "plugin-not-running" });
    await rest();
    expect(heard).toEqual([]);
  });

  it("that fails is told of once, and counted; one that was refused is not", async () => {
    const { from, rest, log, sends } = await world({
      plugins: {
        a: {},
        b: {
          serve() {
            throw new Error("no such luck");
          },
        },
      },
    });
    await from("a", { to: "b.x", text: "", id: "unlucky" });
    await rest();
    await expect(from("a", { to: "b.y", text: "" })).rejects.toThrow();
    expect(log.lines.filter(({ message }) => message.includes("unlucky"))).toMatchObject([
      { level: "warning", about: "a", message: "b.x did not handle what a sent (unlucky): Error: no such luck" },
    ]);
    expect(sends.statistics().volatile).toMatchObject({ taken: 1, failed: 1, waiting: 0 });
  });

  it("has its provider's own deadline and not that of the turn in which it was sent", async () => {
    const gate = stuck();
    const { from, clock, rest, sends, log } = await world({ plugins: { a: {}, b: { serve: gate.serve } } });
    await from("a", { to: "b.x", text: "", id: "late" });
    await clock.advance(DEFAULT_LIMITS.deadlineMs - 1);
    expect(sends.statistics().volatile.failed).toBe(0);
    // The deadline, and the moment that the host gives the cell to answer for it.
    await rest(1_001);
    expect(sends.statistics().volatile).toMatchObject({ failed: 1, waiting: 0 });
    expect(log.lines.some(({ message }) => message.includes("late") && message.includes("deadline"))).toBe(true);
  });

  it("may go to whoever waits for its sender, and to itself: nobody waits for it", async () => {
    const heard: string[] = [];
    const { from, rest } = await world({
      plugins: {
        a: { serve: (input) => void heard.push(textOf(input)) },
        b: { serve: async (_input, turn) => void (await send(turn, { to: "a.x", text: "back" })) },
      },
    });
    await from("a", { to: "b.x", text: "" });
    await from("a", { to: "a.x", text: "self" });
    await rest();
    expect(heard.toSorted()).toEqual(["back", "self"]);
  });
});

describe("what bounds volatile sends", () => {
  it("is the provider's queue", async () => {
    const gate = stuck();
    const { from } = await world({ plugins: { a: {}, b: { serve: gate.serve } }, definitions: { b: bounded("b") } });
    for (let i = 0; i < 4; i += 1) await from("a", { to: "b.x", text: "" });
    await expect(from("a", { to: "b.x", text: "" })).rejects.toMatchObject({
      code: "queue-full",
      message: expect.stringMatching(/^b has 4/),
    });
  });

  it("is the sender's budget, by number and by bytes, and that of all", async () => {
    const gate = stuck();
    const options = { volatile: { maxPerPlugin: 3, maxMiBPerPlugin: 0.001, max: 5, maxMiB: 1 } };
    const { from, rest } = await world({ plugins: { a: {}, c: {}, d: {}, b: { serve: gate.serve } }, options });
    for (let i = 0; i < 3; i += 1) await from("a", { to: "b.x", text: "" });
    await expect(from("a", { to: "b.x", text: "" })).rejects.toMatchObject({
      code: "queue-full",
      message: expect.stringContaining(
        "a has 3 sent messages of 0 bytes that wait; the limit is 3 and 0.001 MiB (sends.volatile.maxPerPlugin",
      ),
    });
    await from("c", { to: "b.x", text: "x".repeat(1_000) });
    await expect(from("c", { to: "b.x", text: "x".repeat(100) })).rejects.toMatchObject({ code: "queue-full" });
    await from("c", { to: "b.x", text: "" });
    await expect(from("d", { to: "b.x", text: "" })).rejects.toMatchObject({ message: expect.stringMatching(/^all together have 5/) });
    gate.release();
    await rest();
    await from("a", { to: "b.x", text: "" });
    await from("d", { to: "b.x", text: "" });
  });

  it("is the rate of what a plugin publishes: two that send to each other for ever go no faster", async () => {
    let turns = 0;
    const pong = (to: string) => ({
      async serve(_input: Bytes, turn: Turn) {
        turns += 1;
        await send(turn, { to, text: "" });
        return undefined;
      },
    });
    const limits = { ...DEFAULT_LIMITS, publishesPerSecond: 20 };
    const definitions = { a: { limits }, b: { limits } };
    const { from, rest, sends } = await world({ plugins: { a: pong("b.x"), b: pong("a.x") }, definitions });
    await from("a", { to: "b.x", text: "" });
    for (let i = 0; i < 40; i += 1) await rest();
    // The last of them was refused, which ends the game.
    expect(turns).toBeLessThanOrEqual(41);
    expect(turns).toBeGreaterThan(30);
    expect(sends.statistics().volatile).toMatchObject({ waiting: 0 });
    const refused = from("a", { to: "b.x", text: "" });
    await expect(refused).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 50 });
  });

  it("is the rate of the service, as for calls", async () => {
    const { serve } = provider();
    const services = [{ name: "b.x", entryPoint: "serve", rates: { perCaller: { perSecond: 1, burst: 2 } } }];
    const { from } = await world({
      plugins: { a: {}, b: { serve } },
      definitions: { b: { services } },
      guards: (clock) => [callRates(clock)],
    });
    for (let i = 0; i < 2; i += 1) await from("a", { to: "b.x", text: "" });
    await expect(from("a", { to: "b.x", text: "" })).rejects.toMatchObject({ code: "rate-limited" });
  });
});

describe("a volatile send whose sender loses what it needs", () => {
  it("ends in the queue when the permission is revoked", async () => {
    const gate = stuck();
    const { from, host, rest, log, sends } = await world({ plugins: { a: {}, b: { serve: gate.serve } } });
    for (const id of ["first", "second"]) await from("a", { to: "b.x", text: "", id });
    host.plugin("a")?.permissions.replaceGrants([KEEPS]);
    gate.release();
    await rest();
    expect(log.lines.filter(({ message }) => message.includes("a has no permission services.call"))).toHaveLength(2);
    expect(sends.statistics().volatile).toMatchObject({ failed: 2, waiting: 0 });
  });

  it("ends when the sender is taken out", async () => {
    const gate = stuck();
    const { from, host, rest, log } = await world({ plugins: { a: {}, b: { serve: gate.serve } } });
    await from("a", { to: "b.x", text: "", id: "orphan" });
    await host.plugin("a")?.stop(0);
    host.remove("a");
    await rest();
    expect(log.lines.some(({ message }) => message.includes("orphan") && message.includes("was changed or removed"))).toBe(true);
  });

  it("has no more of its sender's authority than the sender has when it is handled", async () => {
    const failures: string[] = [];
    const gate = stuck();
    const { from, host, rest } = await world({
      plugins: {
        a: {},
        // Acts in its caller's name.
        b: {
          async serve(_input, turn) {
            await gate.serve();
            await send(turn, { to: "c.x", text: "", durable: true }).catch((thrown) => failures.push(thrown.code));
            return undefined;
          },
        },
        c: { serve: () => undefined },
      },
      definitions: { b: { services: [{ name: "b.x", entryPoint: "serve", asCaller: true }] } },
    });
    await from("a", { to: "b.x", text: "" });
    host.plugin("a")?.permissions.replaceGrants([CALLS]);
    gate.release();
    await rest();
    expect(failures).toEqual(["permission-denied"]);
  });
});

function bounded(name: string): { readonly limits: typeof slow; readonly services: readonly { name: string; entryPoint: string }[] } {
  return { limits: slow, services: [{ name: `${name}.x`, entryPoint: "serve" }] };
}
