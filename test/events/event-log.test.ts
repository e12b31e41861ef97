// The event log, kept in memory and in SQLite: one contract, and what only one of them does.

import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EventLogToOpen, eventLogContract, type OpenedEventLog } from "../../host/contracts/event-log.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import { memory } from "../../host/drivers/events/memory.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { fakeClock } from "../support/fake-clock.ts";
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
