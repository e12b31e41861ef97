// Peers of one process: the contract, and what tests do to them.

import { describe, expect, it } from "vitest";
import { type OpenedPeers, peersContract } from "../../host/contracts/peers.ts";
import { MemoryNetwork, memory, memoryNetwork } from "../../host/drivers/peers/memory.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { fakeClock, settle } from "../support/fake-clock.ts";
import { memoryLog } from "../support/memory-log.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ports = () => ({ clock: systemClock, log: memoryLog() });

async function inMemory(): Promise<OpenedPeers> {
  const network = new MemoryNetwork();
  const [a, b, c] = [network.join("a", ports()), network.join("b", ports()), network.join("c", ports())];
  const all = { b, c };
  return {
    ...{ a, b, c, settle },
    drop: (host) => all[host][Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      for (const one of [a, b, c]) await one[Symbol.asyncDispose]();
    },
  };
}

describe("the contract of peers, in memory", () => {
  for (const { name, run } of peersContract(inMemory)) it(name, run);
});

describe("peers in memory", () => {
  it("refuse a name that is there, and are forgotten with their last host", async () => {
    const opening = { ...ports(), dataDir: "", host: "a" };
    const options = memory.options.parse({ network: "one" });
    const first = await memory.open(opening, options);
    await expect(memory.open(opening, options)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("cluster.host"),
    });
    const network = memoryNetwork("one");
    await first[Symbol.asyncDispose]();
    expect(memoryNetwork("one")).not.toBe(network);
  });

  it("carry nothing over a link that is cut, and lose what is under way", async () => {
    const network = new MemoryNetwork();
    const [a, b] = [network.join("a", ports()), network.join("b", ports())];
    const answered = Promise.withResolvers<Uint8Array>();
    b.answer(() => answered.promise);
    const giveUp = new AbortController();
    const asked = a.ask("b", bytes("x"), giveUp.signal);
    await settle();
    network.cut("b", "a");
    await expect(a.ask("b", bytes("x"), giveUp.signal)).rejects.toMatchObject({ code: "host-unreachable" });
    answered.resolve(bytes("lost"));
    await settle();
    giveUp.abort();
    await expect(asked).rejects.toMatchObject({ code: "deadline-exceeded" });
    network.heal("a", "b");
    await expect(a.ask("b", bytes("x"), new AbortController().signal)).resolves.toEqual(bytes("lost"));
  });

  it("keep what is for a host that stands still until it goes on, and take as long as they are told", async () => {
    const network = new MemoryNetwork();
    const clock = fakeClock();
    const [a, b] = [network.join("a", { ...ports(), clock }), network.join("b", { ...ports(), clock })];
    b.answer(async () => bytes("here"));
    network.freeze("b");
    let answer: Uint8Array | undefined;
    const asked = a.ask("b", bytes("x"), new AbortController().signal).then((given) => {
      answer = given;
    });
    await settle();
    expect(answer).toBeUndefined();
    network.delay(100);
    network.thaw("b");
    await settle();
    await clock.advance(99);
    expect(answer).toBeUndefined();
    await clock.advance(1);
    await asked;
    expect(answer).toEqual(bytes("here"));
  });
});
