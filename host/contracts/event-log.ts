// What every event log must do: keep what it has accepted, in order, and hand it to each consumer at least once.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, Consumption, Delivery, EventLog, RecordedEvent } from "../core/ports/events.ts";
import type { CloudEvent } from "../core/types.ts";
import type { ContractTest } from "./contract.ts";

/** Less than by default of what a log may keep. */
export interface EventLogToOpen {
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
  readonly maxPublisherBytes?: number;
  readonly maxWaitingEvents?: number;
  readonly maxDeadLetters?: number;
}

export interface OpenedEventLog extends AsyncDisposable {
  readonly log: EventLog;
  now(): number;
  /** Lets time pass for the log. */
  pass(ms: number): Promise<void>;
  /** Opens anew what was left without a word, as after a crash; undefined where nothing is meant to outlive it. */
  readonly reopen?: (() => Promise<EventLog>) | undefined;
}

const PATIENCE_MS = 5_000;
let made = 0;

function event(source: string, data: string | Uint8Array, type = "plant.watered", timeMs = Date.UTC(2026, 0, 1)): CloudEvent {
  made += 1;
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const time = new Date(timeMs).toISOString();
  return { id: `contract-${made}`, source, type, time, traceparent, contentType: "text/plain", data: bytes };
}

const textOf = ({ data }: { readonly data: Uint8Array }): string => new TextDecoder().decode(data);
const many = (source: string, from: number, to: number): CloudEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => event(source, `${source}${from + i}`));
const consumer = (name: string, rest: Partial<Consumer> = {}): Consumer => ({
  ...{ name, types: "plant.**", from: "first", order: "publisher", maxInFlight: 16 },
  ...rest,
});
const everything = { types: "**", after: 0, limit: 1_000 } as const;

/** Writes down what it is given, and settles it as told. */
class Hearing {
  readonly heard: string[] = [];
  readonly attempts: number[] = [];
  readonly open: Delivery[] = [];
  readonly batches: number[] = [];
  settle: (delivery: Delivery, text: string) => void;

  constructor(settle: (delivery: Delivery, text: string) => void = (delivery) => delivery.ack()) {
    this.settle = settle;
  }

  readonly handler = (deliveries: readonly Delivery[]): void => {
    this.batches.push(deliveries.length);
    for (const delivery of deliveries) {
      const text = textOf(delivery.event);
      this.heard.push(text);
      this.attempts.push(delivery.attempt);
      this.open.push(delivery);
    }
    for (const delivery of deliveries) this.settle(delivery, textOf(delivery.event));
  };

  /** The event with this text, under way. */
  delivery(text: string): Delivery {
    const found = this.open.findLast((one) => textOf(one.event) === text);
    assert.ok(found, `${text} was not delivered; heard: ${this.heard.join(" ")}`);
    return found;
  }
}

const leaveOpen = (): void => {};

/** `open` gives an empty log each time. */
export function eventLogContract(open: (log?: EventLogToOpen) => Promise<OpenedEventLog>): readonly ContractTest[] {
  const test = (name: string, run: (opened: OpenedEventLog) => Promise<void>, options?: EventLogToOpen): ContractTest => ({
    name,
    async run() {
      await using opened = await open(options);
      await run(opened);
    },
  });
  const until = async ({ pass }: OpenedEventLog, isSo: () => boolean | Promise<boolean>, what: () => string): Promise<void> => {
    const start = performance.now();
    while (!(await isSo())) {
      assert.ok(performance.now() - start < PATIENCE_MS, what());
      await pass(1);
      await delay(1);
    }
  };
  const heard = (opened: OpenedEventLog, hearing: Hearing, texts: readonly string[]): Promise<void> =>
    until(
      opened,
      () => hearing.heard.length >= texts.length,
      () => `heard ${hearing.heard.join(" ")}, not ${texts.join(" ")}`,
    ).then(() => assert.deepEqual(hearing.heard, texts));
  /** Nothing more comes, as far as a moment can tell. */
  const quiet = async ({ pass }: OpenedEventLog): Promise<void> => {
    for (let i = 0; i < 20; i += 1) {
      await pass(1);
      await delay(1);
    }
  };
  const listen = async (log: EventLog, hearing: Hearing, how: Partial<Consumer> & { readonly name: string }): Promise<Consumption> => {
    const consumption = await log.consume(consumer(how.name, how));
    consumption.deliverTo(hearing.handler);
    return consumption;
  };
  const texts = (events: readonly RecordedEvent[]): string[] => events.map(textOf);
  const waiting = (log: EventLog, name: string): number =>
    log.statistics().consumers.find((one) => one.consumer.name === name)?.waiting ?? Number.NaN;

  return [
    test("keeps events as they are, in order, at positions that grow", async ({ log }) => {
      const [first, second] = [event("/a", "eins €"), event("/b", new Uint8Array([0, 255, 1]))];
      await log.append([first, second]);
      await log.append([event("/a", "")]);
      const { events, next } = await log.read(everything);
      assert.equal(next, undefined);
      assert.deepEqual(events.map(({ position: _position, ...rest }) => ({ ...rest, data: [...rest.data] })).slice(0, 2), [
        { ...first, data: [...first.data] },
        { ...second, data: [...second.data] },
      ]);
      assert.equal(events[2]?.data.length, 0);
      const positions = events.map(({ position }) => position);
      assert.deepEqual(
        positions,
        [...positions].sort((a, b) => a - b),
      );
      assert.equal(new Set(positions).size, 3);
    }),

    test("reads by type, source, time and position, page by page", async ({ log }) => {
      const at = Date.UTC(2026, 5, 1);
      await log.append([event("/a", "1", "x.one", at), event("/b", "2", "x.two", at + 1_000), event("/a", "3", "y.one", at + 2_000)]);
      assert.deepEqual(texts((await log.read({ ...everything, types: "x.*" })).events), ["1", "2"]);
      assert.deepEqual(texts((await log.read({ ...everything, source: "/a" })).events), ["1", "3"]);
      assert.deepEqual(texts((await log.read({ ...everything, sinceMs: at + 1_000, untilMs: at + 1_000 })).events), ["2"]);
      const first = await log.read({ ...everything, limit: 2 });
      assert.deepEqual(texts(first.events), ["1", "2"]);
      assert.deepEqual(texts((await log.read({ ...everything, after: first.next ?? Number.NaN, limit: 2 })).events), ["3"]);
      await assert.rejects(log.read({ ...everything, limit: 0 }), { code: "invalid-message" });
      await assert.rejects(log.read({ ...everything, types: "a b" }), { code: "invalid-message" });
    }),

    test("takes an event of the same id once", async (opened) => {
      const { log } = opened;
      const hearing = new Hearing();
      await listen(log, hearing, { name: "p/s" });
      const one = event("/a", "once");
      await log.append([one, one]);
      await log.append([one, event("/a", "next")]);
      await heard(opened, hearing, ["once", "next"]);
      await quiet(opened);
      assert.deepEqual(hearing.heard, ["once", "next"]);
      assert.deepEqual(texts((await log.read(everything)).events), ["once", "next"]);
    }),

    test("gives a new consumer what comes from now on, or all that is kept", async (opened) => {
      const { log } = opened;
      await log.append([event("/a", "before")]);
      const [late, early] = [new Hearing(), new Hearing()];
      await listen(log, late, { name: "p/new", from: "new" });
      await listen(log, early, { name: "p/first", from: "first" });
      await log.append([event("/a", "after"), event("/a", "other", "animal.fed")]);
      await heard(opened, early, ["before", "after"]);
      await heard(opened, late, ["after"]);
      await assert.rejects(log.consume(consumer("p/new")), { code: "conflict" });
    }),

    test("delivers the events of one source one at a time and in order, those of others beside them", async (opened) => {
      const { log } = opened;
      const hearing = new Hearing(leaveOpen);
      await listen(log, hearing, { name: "p/s" });
      await log.append([...many("a", 1, 3), ...many("b", 1, 2)]);
      await heard(opened, hearing, ["a1", "b1"]);
      await quiet(opened);
      assert.deepEqual(hearing.heard, ["a1", "b1"]);
      hearing.delivery("b1").ack();
      await heard(opened, hearing, ["a1", "b1", "b2"]);
      hearing.delivery("a1").ack();
      await heard(opened, hearing, ["a1", "b1", "b2", "a2"]);
    }),

    test("holds up the source of an event that fails, and no other", async (opened) => {
      const { log, pass } = opened;
      const hearing = new Hearing((delivery, text) => (text === "a1" && delivery.attempt < 3 ? delivery.retry(60_000) : delivery.ack()));
      await listen(log, hearing, { name: "p/s" });
      await log.append([...many("a", 1, 2), ...many("b", 1, 3)]);
      await until(
        opened,
        () => hearing.heard.includes("b3"),
        () => hearing.heard.join(" "),
      );
      assert.equal(hearing.heard.includes("a2"), false);
      assert.equal(hearing.heard.filter((text) => text === "a1").length, 1);
      await pass(60_000);
      await until(
        opened,
        () => hearing.heard.filter((text) => text === "a1").length === 2,
        () => hearing.heard.join(" "),
      );
      await pass(60_000);
      await until(
        opened,
        () => hearing.heard.includes("a2"),
        () => hearing.heard.join(" "),
      );
      const attempts = hearing.heard.flatMap((text, i) => (text === "a1" ? [hearing.attempts[i]] : []));
      assert.deepEqual(attempts, [1, 2, 3]);
      assert.equal(waiting(log, "p/s"), 0);
    }),

    test("does not count what is put back", async (opened) => {
      const { log } = opened;
      const hearing = new Hearing((delivery) => (hearing.heard.length < 3 ? delivery.putBack(10) : delivery.ack()));
      await listen(log, hearing, { name: "p/s" });
      await log.append([event("/a", "x")]);
      await heard(opened, hearing, ["x", "x", "x"]);
      assert.deepEqual(hearing.attempts, [1, 1, 1]);
    }),

    test("delivers many at once where order does not matter, so that one that fails delays none", async (opened) => {
      const { log, pass } = opened;
      const hearing = new Hearing((delivery, text) => {
        if (text === "a2" && delivery.attempt === 1) delivery.retry(30_000);
      });
      await listen(log, hearing, { name: "p/s", order: "none", maxInFlight: 3 });
      await log.append(many("a", 1, 6));
      await heard(opened, hearing, ["a1", "a2", "a3", "a4"]);
      hearing.delivery("a4").ack();
      await heard(opened, hearing, ["a1", "a2", "a3", "a4", "a5"]);
      for (const text of ["a1", "a3", "a5"]) hearing.delivery(text).ack();
      await heard(opened, hearing, ["a1", "a2", "a3", "a4", "a5", "a6"]);
      await pass(30_000);
      await heard(opened, hearing, ["a1", "a2", "a3", "a4", "a5", "a6", "a2"]);
      assert.equal(hearing.attempts.at(-1), 2);
    }),

    test("makes a dead letter of what is given up, and goes on", async (opened) => {
      const { log, now } = opened;
      const hearing = new Hearing((delivery, text) => (text === "a1" ? delivery.giveUp("it has no leaves") : delivery.ack()));
      const consumption = await listen(log, hearing, { name: "p/s" });
      await log.append(many("a", 1, 2));
      await heard(opened, hearing, ["a1", "a2"]);
      const [letter, ...others] = await log.deadLetters({ after: 0, limit: 10 });
      assert.deepEqual(others, []);
      assert.ok(letter);
      assert.deepEqual(
        [letter.consumer, textOf(letter.event), letter.reason, letter.attempts, letter.event.type],
        ["p/s", "a1", "it has no leaves", 1, "plant.watered"],
      );
      assert.ok(Math.abs(letter.atMs - now()) < 60_000);
      assert.equal((await log.deadLetters({ of: "p", after: 0, limit: 10 })).length, 1);
      assert.equal((await log.deadLetters({ of: "p/s", after: letter.id, limit: 10 })).length, 0);
      assert.equal((await log.deadLetters({ of: "p/", after: 0, limit: 10 })).length, 0);
      assert.equal(await log.drop([letter.id, letter.id, letter.id + 7]), 1);
      assert.equal((await log.deadLetters({ after: 0, limit: 10 })).length, 0);
      assert.equal(log.statistics().consumers[0]?.deadLetters, 0);
      await assert.rejects(log.forget("p/s"), { code: "conflict" });
      consumption.close();
      await log.forget("p/s");
      assert.equal(log.statistics().consumers.length, 0);
    }),

    test("delivers batches, as large as allowed or as old, and what fails alone the next time", async (opened) => {
      const { log, pass } = opened;
      const hearing = new Hearing(leaveOpen);
      await listen(log, hearing, { name: "p/s", batch: { max: 3, waitMs: 1_000, maxBytes: 1_000_000 } });
      await log.append([...many("a", 1, 2), ...many("b", 1, 2)]);
      await heard(opened, hearing, ["a1", "a2", "b1"]);
      for (const text of ["a1", "a2", "b1"]) hearing.delivery(text).ack();
      await quiet(opened);
      assert.deepEqual(hearing.batches, [3]);
      await pass(1_000);
      await heard(opened, hearing, ["a1", "a2", "b1", "b2"]);
      hearing.settle = (delivery) => (delivery.attempt === 1 ? delivery.retry(0) : delivery.ack());
      hearing.delivery("b2").ack();
      await log.append(many("c", 1, 3));
      await until(
        opened,
        () => hearing.heard.length >= 10,
        () => hearing.heard.join(" "),
      );
      assert.deepEqual(hearing.heard.slice(4), ["c1", "c2", "c3", "c1", "c2", "c3"]);
      assert.deepEqual(hearing.batches, [3, 1, 3, 1, 1, 1]);
    }),

    test("puts only so many bytes into a batch", async (opened) => {
      const { log } = opened;
      const hearing = new Hearing();
      await listen(log, hearing, { name: "p/s", batch: { max: 10, waitMs: 5, maxBytes: 3_000 } });
      await log.append(Array.from({ length: 4 }, () => event("/a", "x".repeat(1_200))));
      await until(
        opened,
        () => hearing.heard.length === 4,
        () => `${hearing.heard.length} came`,
      );
      assert.deepEqual(hearing.batches, [2, 2]);
    }),

    test("delivers a backlog that is larger than what it loads, all of it in order", async (opened) => {
      const { log } = opened;
      const consumption = await log.consume(consumer("p/s"));
      for (let i = 0; i < 3; i += 1) await log.append([...many("a", i * 500 + 1, i * 500 + 500), ...many("b", i * 500 + 1, i * 500 + 500)]);
      assert.equal(waiting(log, "p/s"), 3_000);
      const hearing = new Hearing();
      consumption.deliverTo(hearing.handler);
      await until(
        opened,
        () => hearing.heard.length === 3_000,
        () => `${hearing.heard.length} came`,
      );
      for (const source of ["a", "b"]) {
        const numbers = hearing.heard.filter((text) => text.startsWith(source)).map((text) => Number(text.slice(1)));
        assert.deepEqual(
          numbers,
          numbers.toSorted((x, y) => x - y),
        );
        assert.equal(new Set(numbers).size, 1_500);
      }
      assert.equal(waiting(log, "p/s"), 0);
    }),

    test("delivers nothing while it is to go nowhere, and the rest afterwards", async (opened) => {
      const { log } = opened;
      const hearing = new Hearing();
      const consumption = await listen(log, hearing, { name: "p/s" });
      consumption.deliverTo(undefined);
      await log.append(many("a", 1, 2));
      await quiet(opened);
      assert.deepEqual(hearing.heard, []);
      consumption.deliverTo(hearing.handler);
      await heard(opened, hearing, ["a1", "a2"]);
    }),

    test("keeps what waits for one that is gone, nothing of what comes later, and goes on when it is back", async (opened) => {
      const { log } = opened;
      const first = await log.consume(consumer("p/s", { from: "new" }));
      await log.append(many("a", 1, 2));
      first.close();
      await log.append([event("b", "later")]);
      assert.equal(waiting(log, "p/s"), 2);
      assert.equal(log.statistics().consumers[0]?.isThere, false);
      const hearing = new Hearing();
      await listen(log, hearing, { name: "p/s", from: "new" });
      await until(
        opened,
        () => hearing.heard.length >= 2,
        () => hearing.heard.join(" "),
      );
      assert.deepEqual(
        hearing.heard.filter((text) => text.startsWith("a")),
        ["a1", "a2"],
      );
    }),

    test("loses nothing for one that goes and comes back while events are being written", async (opened) => {
      const { log } = opened;
      for (const isBackAtOnce of [true, false]) {
        const name = `p/${isBackAtOnce}`;
        const gone = await log.consume(consumer(name, { from: "new" }));
        const appending = log.append([event(`/${name}`, "1")]);
        gone.close();
        if (!isBackAtOnce) await appending;
        const hearing = new Hearing();
        const back = await log.consume(consumer(name, { from: "new" }));
        await appending;
        assert.equal(waiting(log, name), 1);
        back.deliverTo(hearing.handler);
        await log.append([event(`/${name}`, "2")]);
        await heard(opened, hearing, ["1", "2"]);
        assert.equal(waiting(log, name), 0);
        back.close();
      }
    }),

    test("counts what waits for one that comes back for other types", async ({ log }) => {
      const before = await log.consume(consumer("p/s", { types: "**" }));
      await log.append([event("/a", "1"), event("/a", "2", "x.y")]);
      assert.equal(waiting(log, "p/s"), 2);
      before.close();
      const after = await log.consume(consumer("p/s", { types: "x.y" }));
      assert.equal(waiting(log, "p/s"), 1);
      after.close();
    }),

    test("knows after a crash one that came back right after it was forgotten", async (opened) => {
      const { log, reopen } = opened;
      if (reopen === undefined) return;
      const gone = await log.consume(consumer("p/s"));
      gone.close();
      const forgetting = log.forget("p/s");
      await log.consume(consumer("p/s", { from: "new" }));
      await forgetting;
      await log.append([event("/a", "1")]);
      const again = await reopen();
      const hearing = new Hearing();
      await listen(again, hearing, { name: "p/s", from: "new" });
      await heard(opened, hearing, ["1"]);
    }),

    test("says how much waits of each publisher", async ({ log }) => {
      await log.consume(consumer("p/s", { types: "plant.*" }));
      await log.append([event("/a", "1"), event("/b", "2"), event("/a", "3"), event("/c", "4", "other.thing")]);
      const [statistics] = log.statistics().consumers;
      const shown = statistics?.publishers.map(({ source, waiting }) => `${source} ${waiting}`).sort();
      assert.deepEqual(shown, ["/a 2", "/b 1"]);
      const bytes = statistics?.publishers.reduce((sum, one) => sum + one.waitingBytes, 0);
      assert.equal(bytes, statistics?.waitingBytes);
    }),

    test(
      "lets go of the oldest when there is too much, into dead letters for whoever has not heard it",
      async (opened) => {
        const { log } = opened;
        const hearing = new Hearing();
        await listen(log, hearing, { name: "p/quick" });
        const slow = await log.consume(consumer("q/slow"));
        await log.append(Array.from({ length: 20 }, (_, i) => event("/a", `${i}`.padStart(1_000, "0"))));
        await until(
          opened,
          () => hearing.heard.length === 20,
          () => `${hearing.heard.length} came`,
        );
        await log.trim();
        const { bytes, events } = log.statistics();
        assert.ok(bytes <= 10_000 && events >= 7, `${events} events of ${bytes} bytes are kept`);
        const letters = await log.deadLetters({ after: 0, limit: 100 });
        assert.equal(letters.length, 20 - events);
        assert.deepEqual(new Set(letters.map(({ consumer: name }) => name)), new Set(["q/slow"]));
        assert.match(letters[0]?.reason ?? "", /^expired/);
        const late = new Hearing();
        slow.deliverTo(late.handler);
        await until(
          opened,
          () => late.heard.length === events,
          () => `${late.heard.length} came`,
        );
        assert.equal(waiting(log, "q/slow"), 0);
      },
      { maxBytes: 10_000 },
    ),

    test(
      "lets go of what is too old, and not of what is under way",
      async (opened) => {
        const { log, pass, now } = opened;
        const hearing = new Hearing(leaveOpen);
        await listen(log, hearing, { name: "p/s" });
        await log.append([event("/a", "old", "plant.watered", now())]);
        await heard(opened, hearing, ["old"]);
        await pass(120_000);
        await log.trim();
        assert.equal(log.statistics().events, 1);
        hearing.delivery("old").ack();
        await log.trim();
        assert.equal(log.statistics().events, 0);
        assert.deepEqual(await log.deadLetters({ after: 0, limit: 10 }), []);
      },
      { maxAgeMs: 60_000 },
    ),

    test(
      "lets go of what is too much though the oldest is under way, which ends as it would have",
      async (opened) => {
        const { log } = opened;
        const hearing = new Hearing(leaveOpen);
        await listen(log, hearing, { name: "p/slow" });
        await log.append([event("/a", "slow"), ...Array.from({ length: 20 }, (_, i) => event("/a", `${i}`.padStart(1_000, "0")))]);
        await heard(opened, hearing, ["slow"]);
        await log.trim();
        const { bytes, events } = log.statistics();
        assert.ok(bytes <= 10_000 && events >= 7, `${events} events of ${bytes} bytes are kept`);
        assert.equal((await log.deadLetters({ after: 0, limit: 100 })).length, 21 - events);
        assert.equal(waiting(log, "p/slow"), events);
        hearing.settle = (delivery) => delivery.ack();
        hearing.delivery("slow").retry(0);
        await until(
          opened,
          () => hearing.heard.length === 1 + events,
          () => hearing.heard.join(" "),
        );
        assert.equal(hearing.heard[1], "slow");
        assert.deepEqual(
          hearing.heard.slice(2).map(Number),
          Array.from({ length: events - 1 }, (_, i) => 21 - events + i),
        );
        assert.equal(waiting(log, "p/slow"), 0);
      },
      { maxBytes: 10_000 },
    ),

    test(
      "lets only so many wait for one consumer though the first is under way, after a crash too",
      async (opened) => {
        const { log, reopen } = opened;
        const hearing = new Hearing(leaveOpen);
        await listen(log, hearing, { name: "p/slow" });
        await log.append(many("a", 1, 12));
        await heard(opened, hearing, ["a1"]);
        await log.trim();
        assert.equal(waiting(log, "p/slow"), 5);
        const letters = await log.deadLetters({ after: 0, limit: 100 });
        assert.deepEqual(texts(letters.map((letter) => letter.event)), ["a2", "a3", "a4", "a5", "a6", "a7", "a8"]);
        const again = reopen === undefined ? log : await reopen();
        const after = new Hearing();
        if (reopen === undefined) {
          hearing.settle = (delivery) => delivery.ack();
          hearing.delivery("a1").ack();
        } else await listen(again, after, { name: "p/slow" });
        const rest = reopen === undefined ? hearing : after;
        await heard(opened, rest, ["a1", "a9", "a10", "a11", "a12"]);
      },
      { maxWaitingEvents: 5 },
    ),

    test(
      "gives one publisher only so much room, whatever others keep",
      async ({ log }) => {
        await log.append([event("/quiet", "kept")]);
        for (let i = 0; i < 20; i += 1) await log.append([event("/loud", "x".repeat(1_000))]);
        await log.trim();
        const { events } = await log.read({ ...everything, source: "/loud" });
        assert.ok(events.length >= 2 && events.length <= 4, `${events.length} of the loud one are kept`);
        assert.equal((await log.read({ ...everything, source: "/quiet" })).events.length, 1);
      },
      { maxPublisherBytes: 5_000 },
    ),

    test(
      "lets only so many wait for one consumer, and so many dead letters lie",
      async (opened) => {
        const { log } = opened;
        const consumption = await log.consume(consumer("p/s"));
        await log.append(many("a", 1, 12));
        await log.trim();
        assert.equal(waiting(log, "p/s"), 5);
        const letters = await log.deadLetters({ after: 0, limit: 100 });
        assert.deepEqual(
          letters.map((letter) => textOf(letter.event)),
          ["a5", "a6", "a7"],
        );
        assert.equal(log.statistics().consumers[0]?.deadLetters, 3);
        const hearing = new Hearing();
        consumption.deliverTo(hearing.handler);
        await heard(opened, hearing, ["a8", "a9", "a10", "a11", "a12"]);
        // The log itself keeps them all: they were too many for the consumer, not for the log.
        assert.equal(log.statistics().events, 12);
      },
      { maxWaitingEvents: 5, maxDeadLetters: 3 },
    ),

    test("tells how much it keeps, of what types, and what waits for whom", async ({ log }) => {
      await log.consume(consumer("p/s"));
      await log.append([event("/a", "1"), event("/a", "22", "x.y")]);
      const { events, bytes, types, consumers, head } = log.statistics();
      assert.equal(events, 2);
      assert.ok(bytes > 300 && head >= 2);
      assert.deepEqual(new Set(types.map(({ type, events: count }) => `${type} ${count}`)), new Set(["plant.watered 1", "x.y 1"]));
      assert.equal(consumers[0]?.waiting, 1);
      assert.equal(consumers[0]?.consumer.order, "publisher");
    }),

    test("holds an event of a mebibyte as it is", async (opened) => {
      const { log } = opened;
      const data = new Uint8Array(1_024 * 1_024).map((_, i) => i % 251);
      const found: RecordedEvent[] = [];
      const consumption = await log.consume(consumer("p/s"));
      consumption.deliverTo(([delivery]) => {
        if (delivery === undefined) return;
        found.push(delivery.event);
        delivery.ack();
      });
      await log.append([event("/a", data)]);
      await until(
        opened,
        () => found.length === 1,
        () => "nothing came",
      );
      assert.deepEqual(found[0]?.data, data);
    }),

    test("has after a crash what it had accepted, and delivers again what was not settled, and only that", async (opened) => {
      const { log, reopen } = opened;
      if (reopen === undefined) return;
      const hearing = new Hearing((delivery, text) => {
        if (text === "a1" || text === "n2") delivery.ack();
        if (text === "n1") delivery.giveUp("no");
        if (text === "b1") delivery.retry(200);
      });
      await listen(log, hearing, { name: "p/s" });
      await listen(log, hearing, { name: "p/none", types: "n.**", order: "none" });
      const none = many("n", 1, 3).map((one) => ({ ...one, type: "n.n" }));
      await log.append([...many("a", 1, 3), ...many("b", 1, 2), ...none]);
      await until(
        opened,
        () => hearing.heard.length >= 6,
        () => hearing.heard.join(" "),
      );
      assert.equal((await log.deadLetters({ after: 0, limit: 10 })).length, 1);
      await quiet(opened);
      const again = await reopen();
      assert.equal((await again.read(everything)).events.length, 8);
      assert.equal((await again.deadLetters({ after: 0, limit: 10 })).length, 1);
      const after = new Hearing();
      assert.equal(waiting(again, "p/s"), 4);
      assert.equal(waiting(again, "p/none"), 1);
      await listen(again, after, { name: "p/none", types: "n.**", order: "none" });
      await heard(opened, after, ["n3"]);
      const ordered = new Hearing();
      await listen(again, ordered, { name: "p/s" });
      await until(
        opened,
        () => ordered.heard.length >= 4,
        () => ordered.heard.join(" "),
      );
      assert.deepEqual(
        ordered.heard.filter((text) => text.startsWith("a")),
        ["a2", "a3"],
      );
      assert.deepEqual(
        ordered.heard.filter((text) => text.startsWith("b")),
        ["b1", "b2"],
      );
      assert.equal(ordered.attempts[ordered.heard.indexOf("b1")], 2);
      await again.append([event("/a", "fresh")]);
      await until(
        opened,
        () => ordered.heard.includes("fresh"),
        () => ordered.heard.join(" "),
      );
    }),

    test("waits after a crash as long as it would have, and at most so long when the clock was set back", async (opened) => {
      const { log, reopen, pass } = opened;
      if (reopen === undefined) return;
      const hearing = new Hearing((delivery) => delivery.retry(600_000));
      await listen(log, hearing, { name: "p/s" });
      await log.append([event("/a", "x")]);
      await heard(opened, hearing, ["x"]);
      await quiet(opened);
      const again = await reopen();
      const after = new Hearing();
      await listen(again, after, { name: "p/s" });
      await quiet(opened);
      assert.deepEqual(after.heard, []);
      await pass(600_000);
      await heard(opened, after, ["x"]);
      assert.deepEqual(after.attempts, [2]);
    }),
  ];
}
