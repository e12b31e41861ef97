// What is written together: bounded while it waits, and what failed to be written is written later, all but events whose publishers were told.

import { describe, expect, it } from "vitest";
import { HostError } from "../../host/core/errors.ts";
import type { RecordedEvent } from "../../host/core/ports/events.ts";
import { ConsumerQueue } from "../../host/drivers/events/consumer-queue.ts";
import { GroupCommit } from "../../host/drivers/events/group.ts";
import type { LogWrite } from "../../host/drivers/events/store.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";

const MIB = 1_024 * 1_024;

function event(position: number, bytes = 10): RecordedEvent {
  const data = new Uint8Array(bytes);
  return {
    position,
    id: String(position),
    source: "/a",
    type: "x.y",
    time: "2026-01-01T00:00:00.000Z",
    traceparent: "",
    contentType: "a/b",
    data,
  };
}

function world() {
  const clock = fakeClock();
  const writes: { readonly write: LogWrite; readonly answer: PromiseWithResolvers<readonly number[]> }[] = [];
  const written: number[] = [];
  const failures: HostError[] = [];
  const store = {
    write(write: LogWrite): Promise<readonly number[]> {
      const answer = Promise.withResolvers<readonly number[]>();
      writes.push({ write: structuredClone(write), answer });
      return answer.promise;
    },
  };
  const groups = new GroupCommit({
    ...{ clock, store },
    onWritten: (events) => written.push(...events.map(({ position }) => position)),
    onFailure: (error) => failures.push(error),
  });
  const row = { name: "p/s", types: "**", from: "first", order: "publisher", maxInFlight: 1, start: 0, until: undefined } as const;
  const queue = new ConsumerQueue(row, {
    ...{ clock, loaded: { bytes: 0 } },
    store: { readSource: () => Promise.reject(new Error("unused")) },
    note: (...what) => groups.soon(...what),
  });
  return { clock, groups, queue, writes, written, failures };
}

describe("events that wait to be written", () => {
  it("share the next write while one is under way", async () => {
    const { groups, writes, written } = world();
    const first = groups.append([event(1)]);
    await settle();
    const others = [groups.append([event(2)]), groups.append([event(3)])];
    await settle();
    expect(writes.map(({ write }) => write.events.map(({ position }) => position))).toEqual([[1]]);
    writes[0]?.answer.resolve([]);
    await first;
    await settle();
    expect(writes.map(({ write }) => write.events.map(({ position }) => position))).toEqual([[1], [2, 3]]);
    // The third was there already.
    writes[1]?.answer.resolve([3]);
    await Promise.all(others);
    expect(written).toEqual([1, 2]);
  });

  it("are at most 32 MiB, whoever publishes, and one of any size when there is no other", async () => {
    const { groups, writes } = world();
    void groups.append([event(1, 40 * MIB)]);
    await settle();
    const waiting = Array.from({ length: 31 }, (_, i) => groups.append([event(2 + i, MIB)]));
    await expect(groups.append([event(99, MIB)])).rejects.toMatchObject({ code: "queue-full" });
    writes[0]?.answer.resolve([]);
    await settle();
    await settle();
    writes[1]?.answer.resolve([]);
    await Promise.all(waiting);
    const more = groups.append([event(100, MIB)]);
    await settle();
    writes[2]?.answer.resolve([]);
    await more;
  });

  it("are told of as failed, and what else was to be written is written again", async () => {
    const { clock, groups, queue, writes, failures } = world();
    const source = queue.of("/a");
    source.cursor = 7;
    groups.soon(queue, source, (write) => write.deaths.push({ consumer: "p/s", position: 7, reason: "no", attempts: 1, atMs: 0 }));
    const publishing = groups.append([event(8)]);
    await settle();
    writes[0]?.answer.reject(new HostError("storage-failed", "the disk is full"));
    await expect(publishing).rejects.toMatchObject({ code: "storage-failed" });
    expect(failures).toHaveLength(1);
    await clock.advance(1_000);
    expect(writes).toHaveLength(2);
    expect(writes[1]?.write).toMatchObject({
      events: [],
      deaths: [{ position: 7, reason: "no" }],
      cursors: [{ consumer: "p/s", source: "/a", position: 7, hasRows: true }],
    });
    writes[1]?.answer.resolve([]);
    await groups.settled();
  });

  it("are many and written again though a disk was full for long", async () => {
    const { clock, groups, queue, writes } = world();
    const source = queue.of("/a");
    const note = (position: number): void =>
      groups.soon(queue, source, (write) => write.settled.push({ consumer: "p/s", source: "/a", position }));
    for (let i = 0; i < 200_000; i += 1) note(i);
    await clock.advance(5);
    note(200_000);
    writes[0]?.answer.reject(new HostError("storage-failed", "the disk is full"));
    await clock.advance(1_000);
    expect(writes[1]?.write.settled).toHaveLength(200_001);
    writes[1]?.answer.resolve([]);
    await groups.settled();
  });

  it("do not keep whoever reads from what was written before, however many come", async () => {
    const { groups, writes } = world();
    void groups.append([event(1)]);
    await settle();
    let isSettled = false;
    void groups.settled().then(() => {
      isSettled = true;
    });
    void groups.append([event(2)]);
    writes[0]?.answer.resolve([]);
    await settle();
    expect(writes).toHaveLength(2);
    expect(isSettled).toBe(true);
  });

  it("are all written once nothing is left to settle", async () => {
    const { groups, writes } = world();
    const done = groups.settled();
    await done;
    void groups.append([event(1)]);
    let isSettled = false;
    const settled = groups.settled().then(() => {
      isSettled = true;
    });
    await settle();
    expect(isSettled).toBe(false);
    writes[0]?.answer.resolve([]);
    await settled;
  });
});
