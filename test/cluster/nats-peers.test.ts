// Peers over NATS: the contract, and calls between hosts.

import { expect, it } from "vitest";
import { type OpenedPeers, peersContract } from "../../host/contracts/peers.ts";
import { openNats } from "../../host/drivers/nats/connection.ts";
import type { NatsOptions } from "../../host/drivers/nats/options.ts";
import { nats } from "../../host/drivers/peers/nats.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { callFrom, hostInCluster, knows, mayCall } from "../support/clusters.ts";
import { memoryLog } from "../support/memory-log.ts";
import { natsOptionsOfTest } from "../support/nats.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";
import { describeWithServer } from "../support/servers.ts";

const join = (host: string, options: NatsOptions) => nats.open({ clock: systemClock, log: memoryLog(), dataDir: "", host }, options);

async function overNats(): Promise<OpenedPeers> {
  const options = await natsOptionsOfTest();
  const [a, b, c] = [await join("a", options), await join("b", options), await join("c", options)];
  const connection = await openNats(options, memoryLog());
  const all = { b, c };
  return {
    ...{ a, b, c },
    async settle() {
      await connection.connection.flush();
    },
    async drop(host) {
      await all[host][Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      for (const one of [a, b, c, connection]) await one[Symbol.asyncDispose]();
    },
  };
}

describeWithServer("nats", "the contract of peers, over NATS", () => {
  for (const { name, run } of peersContract(overNats)) it(name, run);
});

describeWithServer("nats", "hosts over NATS", () => {
  it("call each other's services, and lose nothing of a call whose host goes but its answer", async () => {
    const options = await natsOptionsOfTest();
    await using a = await hostInCluster(await join("a", options));
    const b = await hostInCluster(await join("b", options), { callers: { asker: ["far.*"] } });
    const begun = Promise.withResolvers<void>();
    await b.add("far", {
      echo: (input) => input,
      hold() {
        begun.resolve();
        return new Promise(() => {});
      },
    });
    await a.add("asker", { ask: async (input, turn) => utf8(await callFrom(turn, "far.echo", textOf(input))) }, mayCall("far.*"));
    await knows(a, "far.echo");
    expect(await a.call("asker.ask", "over NATS")).toBe("over NATS");
    const holding = a.call("far.hold");
    await begun.promise;
    await b[Symbol.asyncDispose]();
    await expect(holding).rejects.toMatchObject({ code: "host-lost" });
  });
});
