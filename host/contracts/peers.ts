// What every driver of peers must do: carry bytes whole and from whom they are, and say that a host is unreachable only where it was given nothing.

import assert from "node:assert/strict";
import type { Peers } from "../seams.ts";
import type { ContractTest } from "./contract.ts";

/** Three hosts, `a`, `b` and `c`, of one cluster. */
export interface OpenedPeers extends AsyncDisposable {
  readonly a: Peers;
  readonly b: Peers;
  readonly c: Peers;
  /** Lets what was sent arrive. */
  settle(): Promise<void>;
  /** The host is gone, without a word. */
  drop(host: "b" | "c"): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (given: Uint8Array): string => new TextDecoder().decode(given);
const never = (): AbortSignal => new AbortController().signal;

/** Until it holds; a driver that carries over sockets takes its time. */
async function until(what: string, { settle }: OpenedPeers, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    if (holds()) return;
    await settle();
  }
  assert.fail(`did not happen: ${what}`);
}

const echo = async (from: string, request: Uint8Array): Promise<Uint8Array> => bytes(`${from} asked ${text(request)}`);

export function peersContract(open: () => Promise<OpenedPeers>): readonly ContractTest[] {
  const test = (name: string, run: (opened: OpenedPeers) => Promise<void>): ContractTest => ({
    name,
    async run() {
      await using opened = await open();
      await run(opened);
    },
  });

  return [
    test("carries a question to the host that it is for, and the answer back", async ({ a, b, c }) => {
      b.answer(echo);
      c.answer(async () => bytes("c has answered"));
      assert.equal(text(await a.ask("b", bytes("one"), never())), "a asked one");
      assert.equal(text(await a.ask("c", bytes("two"), never())), "c has answered");
      assert.deepEqual([a.host, b.host, c.host], ["a", "b", "c"]);
    }),

    test("carries many at a time, each with its own answer", async ({ a, b, c }) => {
      b.answer(echo);
      const asked = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? a : c).ask("b", bytes(String(i)), never()));
      const answers = (await Promise.all(asked)).map(text);
      assert.deepEqual(
        answers,
        asked.map((_, i) => `${i % 2 === 0 ? "a" : "c"} asked ${i}`),
      );
    }),

    test("carries bytes as they are, and copies of them", async ({ a, b }) => {
      let kept = new Uint8Array();
      b.answer(async (_from, request) => {
        kept = request.slice();
        const answer = request.toReversed();
        return answer;
      });
      const request = Uint8Array.from({ length: 1_000 }, (_, i) => i % 256);
      const asking = a.ask("b", request, never());
      request.fill(0);
      const answer = await asking;
      assert.deepEqual(
        [...kept],
        Array.from({ length: 1_000 }, (_, i) => i % 256),
      );
      assert.deepEqual([...answer], [...kept].reverse());
      assert.equal((await a.ask("b", new Uint8Array(), never())).length, 0);
    }),

    test("says of a host that is not there, and of one that does not answer, that it is unreachable", async ({ a }) => {
      await assert.rejects(a.ask("nobody", bytes("x"), never()), { code: "host-unreachable" });
      await assert.rejects(a.ask("b", bytes("x"), never()), { code: "host-unreachable" });
    }),

    test("says so of one that has answered before and does no more", async (opened) => {
      const { a, b, c } = opened;
      const undo = b.answer(echo);
      c.answer(echo);
      await a.ask("b", bytes("x"), never());
      undo();
      await opened.settle();
      await assert.rejects(a.ask("b", bytes("x"), never()), { code: "host-unreachable" });
      await a.ask("c", bytes("x"), never());
      await opened.drop("c");
      await assert.rejects(a.ask("c", bytes("x"), never()), { code: "host-unreachable" });
    }),

    test("never says so of a host that has begun", async (opened) => {
      const { a, b } = opened;
      let begun = 0;
      b.answer(async () => {
        begun += 1;
        throw new Error("no");
      });
      await assert.rejects(a.ask("b", bytes("x"), never()), { code: "host-lost" });
      b.answer(async () => new Uint8Array(b.maxBytes + 1));
      await assert.rejects(a.ask("b", bytes("x"), never()), { code: "host-lost" });
      assert.equal(begun, 1);
    }),

    test("tells the host that is asked when nobody waits any more, and who asked at once", async (opened) => {
      const { a, b } = opened;
      let [begun, ended] = [0, 0];
      b.answer(async (_from, _request, signal) => {
        begun += 1;
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
        ended += 1;
        return bytes("too late");
      });
      const waiting = new AbortController();
      const asked = a.ask("b", bytes("x"), waiting.signal);
      await until("b is asked", opened, () => begun === 1);
      waiting.abort();
      await assert.rejects(asked, { code: "deadline-exceeded" });
      await until("b hears of it", opened, () => ended === 1);
      const before = new AbortController();
      before.abort();
      await assert.rejects(a.ask("b", bytes("x"), before.signal), { code: "deadline-exceeded" });
      await opened.settle();
      assert.equal(begun, 1);
    }),

    test("refuses a question above its limit, and takes one at it", async ({ a, b }) => {
      b.answer(async (_from, request) => bytes(String(request.length)));
      assert.equal(text(await a.ask("b", new Uint8Array(a.maxBytes), never())), String(a.maxBytes));
      await assert.rejects(a.ask("b", new Uint8Array(a.maxBytes + 1), never()), { code: "quota-exceeded" });
    }),

    test("tells all others what is broadcast, once, in order, and by channel, and not itself", async (opened) => {
      const { a, b, c } = opened;
      const heard: string[] = [];
      for (const peers of [a, b, c])
        for (const channel of ["beats", "events"] as const)
          peers.hear(channel, (from, message) => heard.push(`${peers.host} ${channel} ${from} ${text(message)}`));
      await opened.settle();
      for (let i = 0; i < 20; i += 1) a.broadcast("events", bytes(String(i)));
      b.broadcast("beats", bytes("beat"));
      await until("all is heard", opened, () => heard.length >= 42);
      await opened.settle();
      const of = (host: string): string[] => heard.filter((one) => one.startsWith(`${host} events a`));
      assert.deepEqual(
        of("b"),
        Array.from({ length: 20 }, (_, i) => `b events a ${i}`),
      );
      assert.equal(of("c").length, 20);
      assert.deepEqual(heard.filter((one) => one.includes(" beats ")).sort(), ["a beats b beat", "c beats b beat"]);
      assert.equal(heard.length, 42);
    }),

    test("stops telling who does not want to hear any more, and drops what is too large", async (opened) => {
      const { a, b, c } = opened;
      const heard: string[] = [];
      const undo = b.hear("events", () => heard.push("b"));
      c.hear("events", (_from, message) => heard.push(`c ${message.length}`));
      await opened.settle();
      undo();
      a.broadcast("events", new Uint8Array(a.maxBytes + 1));
      a.broadcast("events", new Uint8Array(3));
      await until("c hears", opened, () => heard.length > 0);
      await opened.settle();
      assert.deepEqual(heard, ["c 3"]);
    }),
  ];
}
