// What is kept for durable subscriptions comes to them as turns: what they are granted, in order, until it is handled or a dead letter.

import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { DeadLetter, EventLog } from "../../host/core/ports/events.ts";
import type { DurableDefinition, Grant, PluginDefinition } from "../../host/core/types.ts";
import { memory } from "../../host/drivers/events/memory.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { Deliveries } from "../../host/lifecycle/events/deliveries.ts";
import { Keeping } from "../../host/lifecycle/events/keeping.ts";
import { Replays } from "../../host/lifecycle/events/replays.ts";
import { subscribedEvents } from "../../host/lifecycle/events/subscribed.ts";
import { type FakeClock, fakeClock, settle } from "../support/fake-clock.ts";
import { hostPorts } from "../support/host-ports.ts";
import { type MemoryLog, memoryLog } from "../support/memory-log.ts";
import { definition, scriptedCell, textOf, utf8 } from "../support/scripted-cell.ts";

const HEARS: Grant = { permission: "events.subscribe", resource: "plant.**" };
const KEEPS: Grant = { permission: "events.durable", resource: "plant.**" };
const DURABLE: DurableDefinition = { name: "waterings", from: "new", maxAttempts: 3, order: "publisher" };

interface World {
  readonly host: Host;
  readonly events: EventLog;
  readonly keeping: Keeping;
  readonly deliveries: Deliveries;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
  /** What came, as `data` or `data#attempt`; of a batch joined by commas. */
  readonly heard: string[];
  readonly publish: (data: string, source?: string, type?: string) => Promise<void>;
  /** Lets promises and short timers settle. */
  readonly rest: (ms?: number) => Promise<void>;
  readonly dead: () => Promise<readonly DeadLetter[]>;
}

interface Given {
  readonly grants?: readonly Grant[];
  readonly durable?: Partial<DurableDefinition>;
  readonly definition?: Partial<PluginDefinition>;
  readonly keep?: readonly string[];
  readonly accepts?: (data: string) => boolean;
  /** Throws, or answers what the handler answers. */
  readonly handle?: (data: string, attempt: number) => string | undefined | Promise<string | undefined>;
  isAccepted?(): boolean;
}

async function world(given: Given = {}): Promise<World> {
  const { grants = [HEARS, KEEPS], durable, keep = [], accepts, handle = () => undefined } = given;
  const clock = fakeClock();
  const log = memoryLog();
  const events = (await memory.open({ clock, log, dataDir: "" }, eventLogOptions.parse({}))) as EventLog;
  const keeping = new Keeping(() => host, events, keep);
  const host: Host = new Host(hostPorts({ clock, log, keep: keeping.keep }));
  host.observe({ plugins: () => keeping.forget() });
  const deliveries = new Deliveries({
    core: host,
    events,
    clock,
    log,
    isKnown: () => false,
    handling: subscribedEvents(clock, () => true),
    isAccepted: given.isAccepted ?? (() => true),
  });
  deliveries.follow();
  const heard: string[] = [];
  const one = ({ data, attempt, replayed }: { data: string; attempt?: number; replayed?: boolean }): string =>
    `${data}${attempt === undefined ? "" : `#${attempt}`}${replayed === true ? "!" : ""}`;
  const on_event = async (input: Uint8Array): Promise<Uint8Array | undefined> => {
    const parsed = JSON.parse(textOf(input));
    heard.push(Array.isArray(parsed) ? parsed.map(one).join(",") : one(parsed));
    const first = Array.isArray(parsed) ? parsed[0] : parsed;
    const answer = await handle(first.data, first.attempt ?? 1);
    return answer === undefined ? undefined : utf8(answer);
  };
  const script = { on_event, on_start: async () => undefined };
  const rest: Partial<PluginDefinition> = {
    subscriptions: [
      {
        type: "plant.**",
        entryPoint: "on_event",
        durable: { ...DURABLE, ...durable },
        accepts: accepts && ((event) => accepts(JSON.parse(textOf(event.data)))),
      },
    ],
    permissions: [HEARS, KEEPS].map((grant) => ({ ...grant, reason: "to water" })),
    grants,
    ...given.definition,
  };
  host.add(definition("gardener", script, rest), scriptedCell({ gardener: script }));
  await host.start("gardener");
  const settleAll = async (ms = 0): Promise<void> => {
    for (let i = 0; i < 12; i += 1) await settle();
    if (ms > 0) await clock.advance(ms);
    for (let i = 0; i < 12; i += 1) await settle();
  };
  await settleAll();
  return {
    ...{ host, events, keeping, deliveries, clock, log, heard },
    async publish(data, source = "/plugins/rain", type = "plant.watered") {
      const event = { type, source, contentType: "application/json", data: utf8(JSON.stringify(data)) };
      await host.publish({ ...event, traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01` }, { kind: "plugin", name: "rain" });
    },
    rest: settleAll,
    dead: () => events.deadLetters({ after: 0, limit: 100 }),
  };
}

describe("a durable subscription", () => {
  it("hears what is published, once, and the log knows that it is handled", async () => {
    const { publish, rest, heard, events } = await world();
    await publish("a");
    await publish("b");
    await rest(10);
    expect(heard).toEqual(["a", "b"]);
    expect(events.statistics()).toMatchObject({ events: 2, consumers: [{ waiting: 0, consumer: { name: "gardener/waterings" } }] });
  });

  it("keeps nothing by its manifest alone, and hears then as everybody does", async () => {
    const { publish, rest, heard, events, host } = await world({ grants: [HEARS] });
    await publish("a");
    await rest(10);
    expect(heard).toEqual(["a"]);
    expect(events.statistics().events).toBe(0);
    host.plugin("gardener")?.permissions.replaceGrants([HEARS, KEEPS]);
    await publish("b");
    await rest(10);
    expect(heard).toEqual(["a", "b"]);
    expect(events.statistics().events).toBe(1);
    // To keep events that one may not hear would be of no use.
    host.plugin("gardener")?.permissions.replaceGrants([KEEPS]);
    await publish("c");
    await rest(10);
    expect(heard).toEqual(["a", "b"]);
    expect(events.statistics().events).toBe(1);
  });

  it("is the only reason to keep an event, beside what the operator names", async () => {
    const { publish, events, keeping } = await world({ keep: ["lamp.on"] });
    await publish("a", "/plugins/rain", "lamp.off");
    expect(events.statistics().events).toBe(0);
    await publish("a", "/plugins/rain", "lamp.on");
    expect(events.statistics().events).toBe(1);
    expect([keeping.keeps("plant.x"), keeping.keeps("lamp.on"), keeping.keeps("lamp.off")]).toEqual([true, true, false]);
  });

  it("finds what came while it was down, in order", async () => {
    const { publish, rest, heard, host } = await world();
    await host.plugin("gardener")?.stop(0);
    for (const data of ["a", "b", "c"]) await publish(data);
    await rest(10);
    expect(heard).toEqual([]);
    await host.start("gardener");
    await rest(10);
    expect(heard).toEqual(["a", "b", "c"]);
  });

  it("tries again after growing pauses, holds up its publisher and nobody else, and gives up with the reason", async () => {
    const { publish, rest, heard, dead, log } = await world({
      handle: (data) => {
        if (data === "bad") throw new HostError("plugin-failed", "no such plant");
        return undefined;
      },
    });
    await publish("bad");
    await publish("next");
    await publish("other", "/plugins/cloud");
    await rest(10);
    expect(heard).toEqual(["bad", "other"]);
    await rest(1_000);
    expect(heard).toEqual(["bad", "other", "bad#2"]);
    await rest(1_000);
    expect(heard).toHaveLength(3);
    await rest(1_000);
    expect(heard).toEqual(["bad", "other", "bad#2", "bad#3", "next"]);
    expect(await dead()).toMatchObject([{ consumer: "gardener/waterings", attempts: 3, reason: "plugin-failed: no such plant" }]);
    expect(log.lines.map(({ message }) => message).join("\n")).toContain('("bulkhead events dead list gardener")');
  });

  it("gives up at once what is refused for good, and waits as long as a refusal asks for", async () => {
    const { publish, rest, heard, dead } = await world({
      handle: (data, attempt) => {
        if (data === "weed") throw new HostError("refused", "that is a weed", { reason: "invalid-input" });
        if (attempt === 1) throw new HostError("refused", "the well is dry", { reason: "unavailable", retryAfterMs: 30_000 });
        return undefined;
      },
    });
    await publish("weed");
    await publish("a");
    await rest(20_000);
    expect(heard).toEqual(["weed", "a"]);
    expect(await dead()).toMatchObject([{ attempts: 1, reason: "invalid-input: that is a weed" }]);
    await rest(15_000);
    expect(heard).toEqual(["weed", "a", "a#2"]);
    expect(await dead()).toHaveLength(1);
  });

  it("waits between attempts by the time that passes, and hears nothing twice, whatever becomes of the clock", async () => {
    const { publish, rest, heard, clock, dead } = await world({
      handle: (data, attempt) => {
        if (data === "bad" && attempt < 3) throw new HostError("plugin-failed", "not yet");
        return undefined;
      },
    });
    for (const byMs of [0, 48 * 3_600_000, -96 * 3_600_000]) {
      clock.set(byMs);
      await publish(`at ${byMs}`);
      await rest(10);
    }
    await publish("bad");
    await rest();
    clock.set(240 * 3_600_000);
    await rest(400);
    expect(heard).toEqual(["at 0", "at 172800000", "at -345600000", "bad"]);
    clock.set(-480 * 3_600_000);
    await rest(1_000);
    expect(heard.slice(3)).toEqual(["bad", "bad#2"]);
    await rest(3_000);
    expect(heard.slice(3)).toEqual(["bad", "bad#2", "bad#3"]);
    expect(await dead()).toEqual([]);
  });

  it("does not count as an attempt that its queue is full", async () => {
    const { publish, rest, heard } = await world({
      definition: { limits: { ...definition("x", {}).limits, mailboxLength: 1 } },
      durable: { maxAttempts: 1, order: "none" },
    });
    for (const data of ["a", "b", "c"]) await publish(data);
    await rest(2_000);
    expect(heard.toSorted()).toEqual(["a", "b", "c"]);
  });

  it("settles without a turn what is not wanted, and what may not be heard any more", async () => {
    const { publish, rest, heard, events, host } = await world({ accepts: (data) => data !== "weed" });
    await publish("weed");
    await publish("a");
    await rest(10);
    await host.plugin("gardener")?.stop(0);
    await publish("secret");
    host.plugin("gardener")?.permissions.replaceGrants([KEEPS]);
    await host.start("gardener");
    await rest(10);
    expect(heard).toEqual(["a"]);
    expect(events.statistics().consumers[0]?.waiting).toBe(0);
  });

  it("takes batches, and goes on after the last event that the handler names", async () => {
    const { publish, rest, heard, events } = await world({
      durable: { batch: { max: 3, waitMs: 100 } },
      handle: (data, attempt) => (data === "b" && attempt === 1 ? "1" : undefined),
    });
    for (const data of ["a", "b", "c", "d", "e"]) await publish(data);
    await rest(150);
    expect(heard).toEqual(["a,b,c"].concat(heard.slice(1)));
    await rest(5_000);
    expect(heard[0]).toBe("a,b,c");
    expect(events.statistics().consumers[0]?.waiting).toBe(0);
  });

  it("hands out a batch again from where the handler says, and one that fails event by event", async () => {
    const answers: (string | undefined)[] = ["1", undefined];
    const { publish, rest, heard, events, dead } = await world({
      durable: { batch: { max: 3, waitMs: 100 }, maxAttempts: 2 },
      handle: (data) => {
        if (data === "x") throw new HostError("plugin-failed", "no");
        return answers.shift();
      },
    });
    for (const data of ["a", "b", "c"]) await publish(data);
    await rest(5_000);
    expect(heard).toEqual(["a,b,c", "b#2", "c"]);
    heard.length = 0;
    for (const data of ["x", "y"]) await publish(data);
    await rest(20_000);
    expect(heard).toEqual(["x,y", "x#2", "y#2"]);
    expect((await dead()).map(({ event }) => textOf(event.data))).toEqual(['"x"']);
    expect(events.statistics().consumers[0]?.waiting).toBe(0);
  });

  it("takes a batch of one at a time as a list, too, where nothing is kept", async () => {
    const { publish, rest, heard } = await world({ grants: [HEARS], durable: { batch: { max: 3, waitMs: 100 } }, handle: () => undefined });
    await publish("a");
    await rest(10);
    expect(heard).toEqual(["a"]);
  });

  it("counts an answer that is no number, and one that is too large, as a failure", async () => {
    const { publish, rest, dead } = await world({ durable: { batch: { max: 3, waitMs: 0 }, maxAttempts: 1 }, handle: (data) => data });
    await publish("7");
    await rest(10);
    await publish("x");
    await rest(10);
    expect((await dead()).map(({ reason }) => reason)).toEqual(
      Array(2).fill("plugin-failed: the handler answered neither nothing nor a number from 0 to 1"),
    );
  });

  it("hears nothing before its version is accepted, nor while it is exchanged", async () => {
    let accepted = false;
    const { publish, rest, heard, deliveries } = await world({ isAccepted: () => accepted });
    await publish("a");
    await rest(10);
    expect(heard).toEqual([]);
    accepted = true;
    deliveries.look("gardener");
    await rest(10);
    expect(heard).toEqual(["a"]);
    const resume = await deliveries.pause("gardener", 1_000);
    await publish("b");
    await rest(10);
    expect(heard).toEqual(["a"]);
    resume();
    await rest(10);
    expect(heard).toEqual(["a", "b"]);
  });

  it("is left alone once what is under way has ended", async () => {
    const turn = Promise.withResolvers<undefined>();
    const { publish, rest, heard, deliveries } = await world({ handle: () => turn.promise });
    await publish("a");
    await publish("b");
    await rest(10);
    let isPaused = false;
    const pausing = deliveries.pause("gardener", 60_000).then((resume) => {
      isPaused = true;
      return resume;
    });
    await rest(10);
    expect(isPaused).toBe(false);
    turn.resolve(undefined);
    await rest(10);
    expect(heard).toEqual(["a"]);
    (await pausing)();
    await rest(10);
    expect(heard).toEqual(["a", "b"]);
  });

  it("goes on under its name when its plugin changes, and another name begins anew", async () => {
    const { publish, rest, heard, host, events } = await world();
    const plugin = host.plugin("gardener");
    await plugin?.stop(0);
    await publish("a");
    const changed = (name: string): void => {
      const before = plugin?.definition;
      if (before === undefined) return;
      const subscriptions = before.subscriptions.map((one) => ({ ...one, durable: { ...DURABLE, name, order: "none" as const } }));
      host.redefine({ ...before, subscriptions });
    };
    changed("waterings");
    await host.start("gardener");
    await rest(10);
    expect(heard).toEqual(["a"]);
    await plugin?.stop(0);
    await publish("b");
    changed("renamed");
    await rest(10);
    await host.start("gardener");
    await publish("c");
    await rest(10);
    expect(heard).toEqual(["a", "c"]);
    // What waits under the old name is not lost: it will be dead letters.
    expect(events.statistics().consumers.map(({ consumer, waiting, isThere }) => [consumer.name, waiting, isThere])).toEqual([
      ["gardener/waterings", 1, false],
      ["gardener/renamed", 0, true],
    ]);
  });

  it("asks again to be kept for when that could not be written down, and misses nothing", async () => {
    const { host, events, publish, rest, heard } = await world();
    const { consume } = events;
    events.consume = () => Promise.reject(new HostError("storage-failed", "the disk is full"));
    const before = host.plugin("gardener")?.definition;
    if (before === undefined) throw new Error("it is not there");
    const subscriptions = before.subscriptions.map((one) => ({ ...one, durable: { ...DURABLE, order: "none" as const } }));
    host.redefine({ ...before, subscriptions });
    await rest(10);
    await publish("a");
    events.consume = consume.bind(events);
    await rest(6_000);
    expect(heard).toEqual(["a"]);
  });

  it("gets its dead letters again as far as it may hear them, and keeps the others", async () => {
    let isBroken = true;
    const { host, events, clock, publish, rest, heard, dead } = await world({
      durable: { maxAttempts: 1 },
      handle: () => {
        if (isBroken) throw new HostError("plugin-failed", "no");
        return undefined;
      },
    });
    await publish("a", "/plugins/rain", "plant.secret");
    await publish("b");
    await rest(10);
    isBroken = false;
    heard.length = 0;
    host.plugin("gardener")?.permissions.replaceGrants([{ ...HEARS, resource: "plant.watered" }, KEEPS]);
    const replays = new Replays({ core: host, events, clock, isAccepted: () => true });
    expect(await replays.redeliver(await dead())).toEqual({
      ...{ handled: 1, failed: 1 },
      failures: [expect.stringContaining("permission-denied: gardener may not hear plant.secret")],
    });
    expect(heard).toEqual(["b!"]);
    expect((await dead()).map(({ event }) => event.type)).toEqual(["plant.secret"]);
  });

  it("keeps nobody from publishing what nobody keeps, and nobody hears what could not be kept", async () => {
    const { host, events, publish } = await world();
    const heard: string[] = [];
    host.events.subscribe("**", ({ type }) => void heard.push(type));
    events.append = () => Promise.reject(new HostError("storage-failed", "the disk is full"));
    await expect(publish("a")).rejects.toMatchObject({ code: "storage-failed" });
    await publish("b", "/plugins/rain", "lamp.on");
    expect(heard).toEqual(["lamp.on"]);
  });
});

describe("the bus", () => {
  it("tells those of a higher priority first", () => {
    const host = new Host(hostPorts({ clock: fakeClock(), log: memoryLog() }));
    const order: string[] = [];
    host.events.subscribe("**", () => void order.push("plain"));
    host.events.subscribe("a.**", () => void order.push("low"), -100);
    host.events.subscribe("a.b", () => void order.push("high"), 100);
    host.events.publish({ id: "1", source: "/x", type: "a.b", time: "", traceparent: "", contentType: "text/plain", data: utf8("") });
    expect(order).toEqual(["high", "plain", "low"]);
  });
});
