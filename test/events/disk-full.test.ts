// The event log on a disk that fills up: who publishes is told, nothing that was acknowledged goes, and it goes on once there is room.

import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import type { EventLog } from "../../host/core/ports/events.ts";
import type { CloudEvent } from "../../host/core/types.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { describeOnSmallDisk, mountSmallDisk, unmountDisk } from "../support/small-disk.ts";

const small: TemporaryFolder = temporaryFolder();
const MIB = 1_048_576;

describeOnSmallDisk("an event log on a full disk", () => {
  beforeEach(() => mountSmallDisk(small.path, "16m"));
  afterEach(() => unmountDisk(small.path));

  const open = (): Promise<EventLog & AsyncDisposable> =>
    sqlite.open({ clock: systemClock, log: memoryLog(), dataDir: small.path }, eventLogOptions.parse({})) as Promise<
      EventLog & AsyncDisposable
    >;
  const event = (id: string): CloudEvent => ({
    ...{ id, source: "/plugins/p", type: "p.said", time: "2026-01-01T00:00:00.000Z", contentType: "text/plain" },
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    data: new Uint8Array(64 * 1_024),
  });
  const kept = async (log: EventLog): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page: Awaited<ReturnType<EventLog["read"]>> = await log.read({ types: "**", after, limit: 100 });
      ids.push(...page.events.map(({ id }) => id));
      after = page.next;
    }
    return ids;
  };

  it("refuses what it cannot write, keeps what it said it has, and goes on once there is room", async () => {
    const acknowledged: string[] = [];
    let log = await open();
    const ballast = join(small.path, "ballast");
    writeFileSync(ballast, new Uint8Array(4 * MIB));
    const publish = async (id: string): Promise<HostError | undefined> => {
      try {
        await log.append([event(id)]);
        acknowledged.push(id);
        return undefined;
      } catch (thrown) {
        if (!(thrown instanceof HostError)) throw thrown;
        return thrown;
      }
    };
    let refused: HostError | undefined;
    for (let i = 0; refused === undefined && i < 1_000; i += 1) refused = await publish(`full-${i}`);
    expect(refused?.code).toBe("storage-failed");
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(statfsSync(small.path).bavail * statfsSync(small.path).bsize).toBeLessThan(MIB);
    // However often it is tried.
    for (let i = 0; i < 20; i += 1) await publish(`again-${i}`);
    expect(await kept(log)).toEqual(acknowledged);

    rmSync(ballast);
    await eventually("it takes events again", async () => (await publish(`room-${acknowledged.length}`)) === undefined || undefined);
    expect(await kept(log)).toEqual(acknowledged);

    // Whoever opens it next finds the same.
    await log[Symbol.asyncDispose]();
    log = await open();
    expect(await kept(log)).toEqual(acknowledged);
    await log[Symbol.asyncDispose]();
  });

  it("opens on a disk that is full already, and reads what is there", async () => {
    const first = await open();
    await first.append([event("before")]);
    await first[Symbol.asyncDispose]();
    const ballast = join(small.path, "ballast");
    try {
      writeFileSync(ballast, new Uint8Array(32 * MIB));
    } catch {
      // As much as there was room for.
    }
    const second = await open().catch((thrown: unknown) => thrown);
    if (second instanceof HostError) {
      expect(second.code).toBe("storage-failed");
      rmSync(ballast);
      const third = await open();
      expect(await kept(third)).toEqual(["before"]);
      await third[Symbol.asyncDispose]();
      return;
    }
    expect(await kept(second as EventLog)).toEqual(["before"]);
    await (second as EventLog & AsyncDisposable)[Symbol.asyncDispose]();
  });
});
