// The window of events that all streams share, and how each stream goes through it: bounded, in order, checked at each delivery, told what it missed.

import { beforeEach, describe, expect, it } from "vitest";
import { type EndReason, type EventStream, type Outlet, STALLED_MS } from "../../../host/adapters/gateway/event-stream.ts";
import { EventStreams, LINGER_MS, PING_MS } from "../../../host/adapters/gateway/event-streams.ts";
import { EventWindow, type KeptEvent } from "../../../host/adapters/gateway/event-window.ts";
import { eventQuerySchema, wantedEvents } from "../../../host/adapters/gateway/wanted-events.ts";
import { eventFrame, jsonWithin } from "../../../host/adapters/http/event-frames.ts";
import { HostError } from "../../../host/core/errors.ts";
import type { CloudEvent } from "../../../host/core/types.ts";
import type { Principal } from "../../../host/seams.ts";
import { fakeClock, settle } from "../../support/fake-clock.ts";
import { utf8 } from "../../support/scripted-cell.ts";

let count = 0;
function eventOf(type: string, text: string, contentType = "application/json"): CloudEvent {
  count += 1;
  return {
    ...{ type, contentType, data: utf8(text), id: `e-${count}` },
    ...{ source: `/plugins/${type.split(".")[0]}`, time: "2026-01-01T00:00:00.000Z", traceparent: "t" },
  };
}
const wanted = (query: object = {}) => wantedEvents(eventQuerySchema.parse(query));
const KIB = 1_024;

describe("the window", () => {
  it("holds so many events and so many bytes, and drops the oldest first", () => {
    const few = new EventWindow({ maxEvents: 3, maxBytes: 1_024 * KIB }, eventFrame);
    for (let i = 0; i < 5; i += 1) few.add(eventOf("a.b", String(i)));
    expect([1, 2, 3, 4, 5, 6].map((sequence) => few.at(sequence)?.sequence)).toEqual([undefined, undefined, 3, 4, 5, undefined]);
    const small = new EventWindow({ maxEvents: 1_000, maxBytes: 64 * KIB }, eventFrame);
    for (let i = 0; i < 200; i += 1) {
      small.add(eventOf("a.b", JSON.stringify("x".repeat(i * 37))));
      expect(small.bytes).toBeLessThanOrEqual(64 * KIB);
    }
    expect(small.bytes).toBeGreaterThan(48 * KIB);
    expect(small.first).toBeGreaterThan(180);
  });

  it("leaves out what is larger than itself, and keeps the rest", () => {
    const window = new EventWindow({ maxEvents: 10, maxBytes: 64 * KIB }, eventFrame);
    window.add(eventOf("a.b", "1"));
    window.add(eventOf("a.b", JSON.stringify("x".repeat(65 * KIB))));
    window.add(eventOf("a.b", "3"));
    expect([1, 2, 3].map((sequence) => window.at(sequence)?.sequence)).toEqual([1, undefined, 3]);
  });

  it("writes each event on one line, whatever white space its data have", () => {
    const window = new EventWindow({ maxEvents: 10, maxBytes: 64 * KIB }, eventFrame);
    window.add(eventOf("a.b", '{"a":1,\r\n\n"b":"x\\n\u2028\u2029"}\n'));
    window.add(eventOf("a.b", "line\n\nevent: end\ndata: {}", "text/plain"));
    const [json, text] = [1, 2].map((sequence) => {
      const { frame } = window.at(sequence) ?? expect.unreachable();
      const id = window.idOf(sequence);
      const found = String(jsonWithin(frame, id));
      expect(frame.toString().split(/\r|\n/)).toEqual([`id: ${id}`, `data: ${found}`, "", ""]);
      return JSON.parse(found);
    });
    expect(json.data).toEqual({ a: 1, b: "x\n\u2028\u2029" });
    expect(Buffer.from(text.data_base64, "base64").toString()).toBe("line\n\nevent: end\ndata: {}");
  });

  it("counts data twice where they are written otherwise in the event", () => {
    const [plain, spaced] = [
      new EventWindow({ maxEvents: 9, maxBytes: 64 * KIB }, eventFrame),
      new EventWindow({ maxEvents: 9, maxBytes: 64 * KIB }, eventFrame),
    ];
    plain.add(eventOf("a.b", `[${" ".repeat(10 * KIB)}]`));
    spaced.add(eventOf("a.b", `[${"\n".repeat(10 * KIB)}]`));
    expect(spaced.bytes - plain.bytes).toBeGreaterThanOrEqual(10 * KIB);
    expect(plain.at(1)?.event.data.buffer).toBe(plain.at(1)?.frame.buffer);
    expect(Buffer.from(spaced.at(1)?.event.data ?? []).toString()).toBe(`[${"\n".repeat(10 * KIB)}]`);
  });

  it("knows its own ids and no others", () => {
    const [one, other] = [0, 0].map(() => new EventWindow({ maxEvents: 9, maxBytes: 64 * KIB }, eventFrame)) as [EventWindow, EventWindow];
    one.add(eventOf("a.b", "1"));
    expect([one.sequenceOf(one.idOf(0)), one.sequenceOf(one.idOf(1))]).toEqual([0, 1]);
    const boot = one.idOf(0).split("-")[0];
    const wrong = [
      other.idOf(1),
      one.idOf(2),
      `${boot}-`,
      `${boot}--1`,
      `${boot}-01`,
      `${boot}-1e3`,
      `${boot}-1 `,
      `${boot}-${"9".repeat(400)}`,
    ];
    for (const id of [...wrong, "", "-", "1", "\0", "x".repeat(9_000)]) expect(one.sequenceOf(id), id).toBeUndefined();
  });
});

class FakeOutlet implements Outlet {
  readonly got: string[] = [];
  readonly pieces: number[] = [];
  isFull = false;
  /** Of pieces before it is full. */
  room = Number.POSITIVE_INFINITY;
  eventMessage = ({ frame }: KeptEvent, id: string): readonly Buffer[] => [Buffer.from("<"), jsonWithin(frame, id), Buffer.from(">")];
  gapMessage = (missed: number | null): Buffer => Buffer.from(`gap ${missed}`);
  #begun = "";
  write(piece: Buffer, isLast: boolean): boolean {
    expect(this.isFull, "nothing is written that the outlet does not take").toBe(false);
    this.pieces.push(piece.length);
    this.#begun += piece.toString();
    if (isLast) {
      this.got.push(this.#begun.startsWith("<") ? String(JSON.parse(this.#begun.slice(1, -1)).data).slice(0, 40) : this.#begun);
      this.#begun = "";
    }
    this.room -= 1;
    this.isFull = this.room <= 0;
    return !this.isFull;
  }
  ping(id: string | undefined): void {
    this.got.push(`ping ${id?.split("-")[1]}`);
  }
  end(reason: EndReason): void {
    this.got.push(`end ${reason}`);
  }
  cut(): void {
    this.got.push("cut");
  }
  drain(stream: EventStream, room = Number.POSITIVE_INFINITY): void {
    this.isFull = false;
    this.room = room;
    stream.ready();
  }
}

describe("streams", () => {
  let clock: ReturnType<typeof fakeClock>;
  let observers: ((event: CloudEvent) => void)[];
  let ends: (() => void)[];
  let opened: number;
  let streams: EventStreams;
  const anybody: Principal = { name: "anybody", allows: () => true };

  const make = (maxEvents = 100, maxBytes = 1_024 * KIB, maxStreams = 10): EventStreams =>
    new EventStreams({
      ...{ limits: { maxEvents, maxBytes }, encode: eventFrame, maxStreams, maxStreamsName: "the limit" },
      context: {
        clock,
        observe({ event = () => {} }) {
          observers.push(event);
          return () => observers.splice(observers.indexOf(event), 1);
        },
        openStream(principal, onEnd) {
          if (principal.name === "busy") throw new HostError("rate-limited", "too many");
          opened += 1;
          ends.push(onEnd);
          return () => {
            opened -= 1;
          };
        },
      },
    });
  const publish = (type: string, data: unknown): void => {
    for (const observer of observers) observer(eventOf(type, JSON.stringify(data)));
  };
  const open = (query: object = {}, after?: string, principal = anybody) => {
    const outlet = new FakeOutlet();
    const stream = streams.open(principal, outlet);
    return { outlet, stream, id: stream.follow("", wanted(query), after) };
  };

  beforeEach(() => {
    clock = fakeClock();
    [observers, ends, opened] = [[], [], 0];
    streams = make();
  });

  it("get what they want, in order, and neither before nor within the publishing", async () => {
    const [all, some, filtered] = [
      open(),
      open({ types: ["a.*", "b.c"], source: "/plugins/a" }),
      open({ types: "a.**", filter: { "data.on": [true, 1] } }),
    ];
    publish("a.b", 1);
    expect(all.outlet.got).toEqual([]);
    publish("b.c", 2);
    publish("a.b", { on: true, toString: () => "" });
    publish("a.b", { on: false });
    await settle();
    await settle();
    expect(all.outlet.got).toEqual(["1", "2", "[object Object]", "[object Object]"]);
    expect(some.outlet.got).toEqual(["1", "[object Object]", "[object Object]"]);
    expect(filtered.outlet.got).toEqual(["[object Object]"]);
  });

  it("are asked for the permission at each delivery, also for what lies in the window", async () => {
    let allowed = ["a.b"];
    const somebody: Principal = { name: "s", allows: (permission, type) => permission === "events.subscribe" && allowed.includes(type) };
    const first = open();
    const { outlet, stream } = open({}, undefined, somebody);
    publish("a.b", 1);
    publish("a.c", 2);
    await settle();
    expect(outlet.got).toEqual(["1"]);
    stream.close();
    const late = open({}, first.id, { ...somebody, allows: () => false });
    allowed = [];
    const after = open({}, first.id, somebody);
    await settle();
    expect([late.outlet.got, after.outlet.got]).toEqual([[], []]);
  });

  it("go on behind an id, and are told how much they missed, or that nobody knows", async () => {
    streams = make(3);
    const { id } = open();
    for (let i = 1; i <= 5; i += 1) publish("a.b", i);
    await settle();
    await settle();
    const boot = id.split("-")[0];
    const behind = async (after: string) => {
      const { outlet, stream } = open({}, after);
      await settle();
      publish("a.b", "next");
      await settle();
      stream.close();
      return outlet.got;
    };
    expect(await behind(`${boot}-3`)).toEqual(["4", "5", "next"]);
    // Each of these publishes one more.
    expect(await behind(`${boot}-1`)).toEqual(["gap 2", "4", "5", "next", "next"]);
    expect(await behind(id)).toEqual(["gap 4", "5", "next", "next", "next"]);
    for (const other of ["0123456789ab-3", `${boot}-99`, "garbage", ""]) expect(await behind(other)).toEqual(["gap null", "next"]);
  });

  it("keep a slow one's place in the window and nothing else, and let it skip with a gap", async () => {
    streams = make(10);
    const [slow, quick] = [open(), open()];
    slow.outlet.room = 1;
    for (let i = 1; i <= 100; i += 1) {
      publish("a.b", i);
      await settle();
    }
    expect(slow.outlet.got).toEqual(["1"]);
    expect(quick.outlet.got).toHaveLength(100);
    slow.outlet.drain(slow.stream, 3);
    expect(slow.outlet.got).toEqual(["1", "gap 89", "91", "92"]);
    slow.outlet.drain(slow.stream);
    expect(slow.outlet.got.slice(4)).toEqual(["93", "94", "95", "96", "97", "98", "99", "100"]);
    publish("a.b", 101);
    await settle();
    expect([slow.outlet.got.at(-1), quick.outlet.got.at(-1)]).toEqual(["101", "101"]);
  });

  it("send a large one in pieces, and cut off whoever has half of one that has left the window", async () => {
    streams = make(100, 512 * KIB);
    const [slow, lost] = [open(), open()];
    slow.outlet.room = 1;
    lost.outlet.room = 1;
    publish("a.b", "x".repeat(300 * KIB));
    await settle();
    expect([slow.outlet.pieces, lost.outlet.pieces]).toEqual([[64 * KIB], [64 * KIB]]);
    slow.outlet.drain(slow.stream, 2);
    slow.outlet.drain(slow.stream);
    expect(slow.outlet.got).toEqual(["x".repeat(40)]);
    expect(Math.max(...slow.outlet.pieces)).toBe(64 * KIB);
    publish("a.b", "y".repeat(300 * KIB));
    await settle();
    lost.outlet.drain(lost.stream);
    expect(lost.outlet.got).toEqual(["cut"]);
    expect(slow.outlet.got).toEqual(["x".repeat(40), "y".repeat(40)]);
    expect(streams.size).toBe(1);
  });

  it("look at a large backlog in turns", async () => {
    streams = make(10_000, 16 * 1_024 * KIB);
    const { id } = open({ types: "none.at-all" });
    for (let i = 0; i < 5_000; i += 1) publish("a.b", i);
    await settle();
    const { outlet } = open({ filter: { "data.n": 1 } }, id);
    publish("a.b", { n: 1 });
    for (let i = 0; i < 100; i += 1) await settle();
    expect(outlet.got).toEqual(["[object Object]"]);
  });

  it("share their turns among what is followed on one of them", async () => {
    const { outlet, stream } = open({ types: "a.b" });
    stream.follow("other", wanted({ types: "a.c" }));
    outlet.room = 1;
    for (let i = 0; i < 4; i += 1) {
      publish("a.b", `b${i}`);
      publish("a.c", `c${i}`);
    }
    await settle();
    await settle();
    outlet.drain(stream);
    expect(outlet.got).toEqual(["b0", "c0", "b1", "c1", "b2", "c2", "b3", "c3"]);
    expect([stream.followed, stream.unfollow("other"), stream.unfollow("other"), stream.followed]).toEqual([2, true, false, 1]);
  });

  it("fill the window only while somebody follows, or did within a minute", async () => {
    expect(observers).toHaveLength(0);
    const first = open();
    const second = open();
    expect(observers).toHaveLength(1);
    publish("a.b", 1);
    expect(streams.bytes).toBeGreaterThan(0);
    first.stream.close();
    second.stream.close();
    publish("a.b", 2);
    await clock.advance(LINGER_MS - 1);
    const back = open({}, first.id);
    await settle();
    expect(back.outlet.got).toEqual(["1", "2"]);
    await clock.advance(LINGER_MS * 2);
    expect(observers).toHaveLength(1);
    back.stream.close();
    await clock.advance(LINGER_MS);
    expect([observers.length, streams.bytes, opened]).toEqual([0, 0, 0]);
    const late = open({}, back.id);
    await settle();
    expect(late.outlet.got).toEqual(["gap null"]);
  });

  it("are pinged with the place where they stand, and end when they take nothing for a minute", async () => {
    const [quick, slow] = [open(), open({ types: "a.b" })];
    slow.outlet.room = 1;
    publish("a.b", 1);
    publish("a.c", 2);
    await settle();
    await clock.advance(PING_MS);
    expect(quick.outlet.got).toEqual(["1", "2", "ping 2"]);
    await clock.advance(STALLED_MS);
    expect(slow.outlet.got).toEqual(["1", "cut"]);
    expect([streams.size, opened]).toEqual([1, 1]);
  });

  it("end with the principal and with the host, and say so to those who listen", async () => {
    const [revoked, stays, stuck] = [open(), open(), open()];
    stuck.outlet.room = 1;
    publish("a.b", 1);
    await settle();
    ends[0]?.();
    ends[0]?.();
    publish("a.b", 2);
    await settle();
    expect([revoked.outlet.got, stays.outlet.got]).toEqual([
      ["1", "end unauthenticated"],
      ["1", "2"],
    ]);
    streams.stop();
    expect([stays.outlet.got, stuck.outlet.got]).toEqual([
      ["1", "2", "end stopping"],
      ["1", "cut"],
    ]);
    expect([opened, streams.size, observers.length]).toEqual([0, 0, 0]);
    expect(() => open()).toThrow(expect.objectContaining({ code: "queue-full" }));
  });

  it("are so many together, and as many of one principal as the gate lets", () => {
    streams = make(10, 10 * KIB, 2);
    expect(() => open({}, undefined, { ...anybody, name: "busy" })).toThrow(expect.objectContaining({ code: "rate-limited" }));
    const [one] = [open(), open()];
    expect(() => open()).toThrow(expect.objectContaining({ code: "queue-full", message: expect.stringContaining("the limit") }));
    one?.stream.close();
    one?.stream.close();
    open();
    expect([opened, streams.size]).toEqual([2, 2]);
  });

  it("are cut off when answers wait for a client that asks and does not read", () => {
    const { outlet, stream } = open();
    outlet.room = 1;
    for (let i = 0; i < 300; i += 1) stream.answer(Buffer.from("answer"));
    expect(outlet.got).toEqual(["answer", "cut"]);
    expect(streams.size).toBe(0);
  });
});

describe("what is wanted", () => {
  it("is read strictly, and what is wrong is named", () => {
    const wrong = [
      { types: [] },
      { types: ["a b"] },
      { types: Array(17).fill("a.b") },
      { source: 5 },
      { source: "x".repeat(257) },
      { filter: { "data.": 1 } },
      { filter: { "data.a": { $gt: 1 } } },
      { filter: [] },
      { type: "a.b" },
    ];
    for (const query of wrong) expect(eventQuerySchema.safeParse(query).success, JSON.stringify(query)).toBe(false);
    expect(eventQuerySchema.parse({ types: "a.b" })).toEqual({ types: ["a.b"] });
    expect(eventQuerySchema.parse({})).toEqual({ types: ["**"] });
  });
});
