// The event log, kept in memory and in SQLite: one contract, and what only one of them does.

import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EventLogToOpen, eventLogContract, type OpenedEventLog } from "../../host/contracts/event-log.ts";
import { HostError } from "../../host/core/errors.ts";
import type { Consumer, EventLog } from "../../host/core/ports/events.ts";
import type { CloudEvent } from "../../host/core/types.ts";
import { RecordedLog } from "../../host/drivers/events/log.ts";
import { memory } from "../../host/drivers/events/memory.ts";
import { MemoryEvents } from "../../host/drivers/events/memory-store.ts";
import { eventLogOptions, retentionOf } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const MIB = 1_024 * 1_024;
const HOUR_MS = 3_600_000;

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

for (const [name, module] of Object.entries({ memory, sqlite })) {
  describe(`the contract of event logs, by ${name}`, () => {
    const open = async (how: EventLogToOpen = {}): Promise<OpenedEventLog> => {
      const clock = fakeClock();
      const options = eventLogOptions.parse({
        ...(how.maxAgeMs === undefined ? {} : { maxAgeHours: how.maxAgeMs / HOUR_MS }),
        ...(how.maxBytes === undefined ? {} : { maxMiB: how.maxBytes / MIB }),
        ...(how.maxPublisherBytes === undefined ? {} : { maxMiBPerPublisher: how.maxPublisherBytes / MIB }),
        ...(how.maxWaitingEvents === undefined ? {} : { maxEventsPerSubscription: how.maxWaitingEvents }),
        ...(how.maxDeadLetters === undefined ? {} : { deadLetters: { maxEvents: how.maxDeadLetters } }),
      });
      await using all = new AsyncDisposableStack();
      const openOnce = (): Promise<EventLog & AsyncDisposable> =>
        module.open({ clock, log: memoryLog(), dataDir: folder.path }, options) as Promise<EventLog & AsyncDisposable>;
      const log = all.use(await openOnce());
      const opened = all.move();
      return {
        log,
        now: clock.now,
        pass: (ms) => clock.advance(ms),
        reopen: name === "memory" ? undefined : async () => opened.use(await openOnce()),
        [Symbol.asyncDispose]: () => opened.disposeAsync(),
      };
    };
    for (const { name: sentence, run } of eventLogContract(open)) it(sentence, run);
  });
}

describe.each(Object.entries({ memory, sqlite }))("a log by %s that lets go of what is handled first", (_name, module) => {
  it("keeps what waits, however old, as long as something else can go", async () => {
    const clock = fakeClock();
    const options = eventLogOptions.parse({ letGo: "handled", maxMiB: 30_000 / MIB, maxMiBPerPublisher: 15_000 / MIB });
    await using log = (await module.open({ clock, log: memoryLog(), dataDir: folder.path }, options)) as EventLog & AsyncDisposable;
    const consumer = { from: "new", order: "publisher", maxInFlight: 1_000 } as const;
    await log.consume({ ...consumer, name: "slow/s", types: "slow.x" });
    const quick = await log.consume({ ...consumer, name: "quick/s", types: "quick.x" });
    quick.deliverTo((deliveries) => {
      for (const delivery of deliveries) delivery.ack();
    });
    const append = (type: string, from: number): Promise<void> => {
      const rest = { time: new Date(clock.now()).toISOString(), traceparent: "", contentType: "text/plain", data: new Uint8Array(1_000) };
      return log.append(Array.from({ length: 5 }, (_, i) => ({ id: `${type} ${from + i}`, source: "/a", type, ...rest })));
    };
    await append("slow.x", 0);
    for (let i = 0; i < 10; i += 1) {
      await append("quick.x", i * 5);
      await eventually("all are handled", async () => {
        await clock.advance(10);
        return log.statistics().consumers[1]?.waiting === 0 || undefined;
      });
    }
    const trimmed = async (): Promise<true | undefined> => {
      // A run that is under way may not have seen the last events.
      await log.trim();
      await clock.advance(10);
      return log.statistics().bytes <= 15_000 || undefined;
    };
    await eventually("room", trimmed);
    expect(log.statistics().consumers).toMatchObject([
      { consumer: { name: "slow/s" }, waiting: 5, deadLetters: 0 },
      { consumer: { name: "quick/s" }, waiting: 0 },
    ]);
    // What waits goes too when nothing else is left.
    for (const from of [5, 10]) await append("slow.x", from);
    await eventually("room", trimmed);
    const [slow] = log.statistics().consumers;
    expect(slow?.waiting).toBeLessThan(15);
    expect((slow?.waiting ?? 0) + (slow?.deadLetters ?? 0)).toBe(15);
  });
});

describe("a consumer that could not be written down", () => {
  it("can be asked for again", async () => {
    const store = new MemoryEvents();
    const { write } = store;
    store.write = () => Promise.reject(new HostError("storage-failed", "the disk is full"));
    const retention = retentionOf(eventLogOptions.parse({}));
    const log = await RecordedLog.open({ clock: fakeClock(), log: memoryLog(), store, retention });
    const consumer: Consumer = { name: "p/s", types: "**", from: "new", order: "none", maxInFlight: 1 };
    await expect(log.consume(consumer)).rejects.toMatchObject({ code: "storage-failed" });
    store.write = write;
    await log.consume(consumer);
    expect(log.statistics().consumers).toMatchObject([{ isThere: true }]);
  });
});

describe("an event log while somebody sets the clock", () => {
  const DAY_MS = 86_400_000;
  const opened = async () => {
    const clock = fakeClock();
    const retention = retentionOf(eventLogOptions.parse({ maxAgeHours: 24, deadLetters: { maxAgeHours: 24 } }));
    const log = await RecordedLog.open({ clock, log: memoryLog(), store: new MemoryEvents(), retention });
    const append = (id: string) => {
      const time = new Date(clock.now()).toISOString();
      return log.append([{ id, source: "/a", type: "x.y", time, traceparent: "", contentType: "a/b", data: new Uint8Array(1) }]);
    };
    const kept = async () => {
      await log.trim();
      return (await log.read({ types: "**", after: 0, limit: 10 })).events.map(({ id }) => id);
    };
    return { clock, log, append, kept };
  };

  it("lets go of nothing for a clock that is ahead for less than an hour, and of what is too old once it stays so", async () => {
    const { clock, log, append, kept } = await opened();
    const consumer: Consumer = { name: "p/s", types: "**", from: "new", order: "none", maxInFlight: 1 };
    await log.consume(consumer);
    await append("waits");
    clock.set(365 * DAY_MS);
    clock.pass(3_000_000);
    expect(await kept()).toEqual(["waits"]);
    expect(log.statistics().consumers).toMatchObject([{ waiting: 1, deadLetters: 0 }]);
    clock.set(-365 * DAY_MS);
    expect(await kept()).toEqual(["waits"]);
    clock.set(365 * DAY_MS);
    expect(await kept()).toEqual(["waits"]);
    clock.pass(3_600_000);
    expect(await kept()).toEqual([]);
    // What waited is a dead letter of this moment.
    expect(log.statistics().consumers).toMatchObject([{ waiting: 0, deadLetters: 1 }]);
    expect(await log.deadLetters({ after: 0, limit: 10 })).toMatchObject([{ event: { id: "waits" } }]);
    await kept();
    expect(log.statistics().consumers).toMatchObject([{ deadLetters: 1 }]);
  });

  it("does not keep for ever what was written while it was ahead, nor what came before", async () => {
    const { clock, append, kept } = await opened();
    await append("before");
    clock.set(365 * DAY_MS);
    await append("ahead");
    clock.set(-365 * DAY_MS);
    clock.pass(1_000);
    await append("after");
    expect(await kept()).toEqual(["before", "ahead", "after"]);
    clock.pass(DAY_MS);
    expect(await kept()).toEqual(["ahead", "after"]);
    clock.pass(1_000);
    expect(await kept()).toEqual([]);
  });
});

describe("an event log whose disk was full when it let go of events", () => {
  it("counts what it keeps as before", async () => {
    const store = new MemoryEvents();
    const { write } = store;
    const retention = retentionOf(eventLogOptions.parse({ maxAgeHours: 1 }));
    const clock = fakeClock();
    const log = await RecordedLog.open({ clock, log: memoryLog(), store, retention });
    const time = new Date(clock.now()).toISOString();
    const event = { source: "/a", type: "x.y", time, traceparent: "", contentType: "a/b", data: new Uint8Array(1) };
    await log.append(Array.from({ length: 6 }, (_, i) => ({ ...event, id: String(i) })));
    store.write = () => Promise.reject(new HostError("storage-failed", "the disk is full"));
    clock.pass(7_200_000);
    for (let i = 0; i < 3; i += 1) await expect(log.trim()).rejects.toMatchObject({ code: "storage-failed" });
    store.write = write;
    await log.trim();
    await log.append([{ ...event, id: "fresh", time: new Date(clock.now()).toISOString() }]);
    const { events } = await log.read({ types: "**", after: 0, limit: 10 });
    expect([events.length, log.statistics().events]).toEqual([1, 1]);
  });
});

describe("what one consumer makes the event log remember", () => {
  const event = (data: number): CloudEvent => {
    const time = "2026-01-01T00:00:00.000Z";
    return { id: String(data), source: "/a", type: "x.y", time, traceparent: "", contentType: "a/b", data: new Uint8Array(data % 7) };
  };
  const consumer: Consumer = { name: "p/s", types: "**", from: "first", order: "none", maxInFlight: 64 };
  const rounds = async (clock: FakeClock, count: number, ms: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) await clock.advance(ms);
  };

  it("is little of what fails, and all of it is tried again", async () => {
    const clock = fakeClock();
    const log = await memory.open({ clock, log: memoryLog(), dataDir: "" }, eventLogOptions.parse({}));
    await log.append(Array.from({ length: 3_000 }, (_, i) => event(i)));
    const heard = new Set<string>();
    let isBroken = true;
    const consumption = await log.consume(consumer);
    consumption.deliverTo((deliveries) => {
      for (const delivery of deliveries) {
        heard.add(delivery.event.id);
        if (isBroken) delivery.retry(300_000);
        else delivery.ack();
      }
    });
    await rounds(clock, 100, 1);
    expect(heard.size).toBeGreaterThan(1_000);
    expect(heard.size).toBeLessThan(1_300);
    isBroken = false;
    await clock.advance(300_000);
    await rounds(clock, 100, 10);
    expect(heard.size).toBe(3_000);
    expect(log.statistics().consumers[0]?.waiting).toBe(0);
  });

  it("lets no timer run idle when a batch has begun and its plugin is gone", async () => {
    const clock = fakeClock();
    let planned = 0;
    const counting: FakeClock = {
      ...clock,
      after: (ms, callback) => {
        planned += 1;
        return planned > 1_000 ? () => {} : clock.after(ms, callback);
      },
    };
    const log = await memory.open({ clock: counting, log: memoryLog(), dataDir: "" }, eventLogOptions.parse({}));
    const consumption = await log.consume({ ...consumer, batch: { max: 10, waitMs: 50, maxBytes: 1_000 } });
    consumption.deliverTo(() => {});
    await log.append([event(1)]);
    await clock.advance(10);
    consumption.deliverTo(undefined);
    await clock.advance(1_000);
    expect(planned).toBeLessThan(20);
  });
});

describe("the event log in SQLite", () => {
  const open = () => sqlite.open({ clock: fakeClock(), log: memoryLog(), dataDir: folder.path }, eventLogOptions.parse({}));

  it("is a file that nobody else may read", async () => {
    await using _log = await open();
    for (const name of ["events.sqlite", "events.sqlite-wal"]) expect(statSync(join(folder.path, name)).mode & 0o077, name).toBe(0);
  });

  it("says where the damage is, and what to do", async () => {
    writeFileSync(join(folder.path, "events.sqlite"), "this is no database, but it is long enough to have a header of one".repeat(4));
    await expect(open()).rejects.toMatchObject({ code: "storage-failed", message: expect.stringContaining("events.sqlite") });
  });
});
