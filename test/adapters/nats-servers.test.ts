// Leases and the shared state over three NATS servers of which one is killed or halted at a time, the leader of their streams first: nothing that was acknowledged
// is lost, and no two hold a name at once.

import { once } from "node:events";
import { expect, it } from "vitest";
import { nats as natsLeases } from "../../host/drivers/leases/nats.ts";
import { openNats } from "../../host/drivers/nats/connection.ts";
import { streamOf } from "../../host/drivers/nats/layout.ts";
import { natsOptions } from "../../host/drivers/nats/options.ts";
import { nats as natsState } from "../../host/drivers/state/nats.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { eventually } from "../support/eventually.ts";
import { memoryLog } from "../support/memory-log.ts";
import { initialized, threeNatsServers } from "../support/nats.ts";
import { textOf, utf8 } from "../support/scripted-cell.ts";
import { describeWithServer } from "../support/servers.ts";

const ROUNDS = 4;
const MAX_OUTAGE_MS = 60_000;

describeWithServer("nats", "three NATS servers", () => {
  it("lose one of them, and nothing that was acknowledged", { timeout: 600_000 }, async () => {
    await using servers = await threeNatsServers();
    const options = natsOptions.parse({ servers: servers.urls, timeoutMs: 2_000 });
    await eventually("the streams are made", () =>
      initialized(options, 3).then(
        () => true,
        () => undefined,
      ),
    );
    const opening = { clock: systemClock, log: memoryLog(), dataDir: "/" };
    // Each host has a connection of its own, as in processes of their own.
    const connected = (host: number) => ({ ...options, servers: [...options.servers.slice(host), ...options.servers.slice(0, host)] });
    await using all = new AsyncDisposableStack();
    const states = await Promise.all(
      [0, 1].map(async (host) => all.use(await natsState.open(opening, { ...connected(host), maxMiB: 1, maxKeys: 100 }))),
    );
    const leases = await Promise.all(
      [0, 1, 2].map(async (host) => all.use(await natsLeases.open(opening, { ...connected(host), ttlMs: 10_000 }))),
    );
    const admin = all.use(await openNats(options, memoryLog()));

    const epochs: number[] = [];
    let holders = 0;
    for (const one of leases)
      all.use(
        one.contend("work", async ({ epoch, lost, holds }) => {
          epochs.push(epoch);
          holders += Number(holds());
          expect(holders).toBeLessThanOrEqual(1);
          await once(lost, "abort");
          holders -= 1;
        }),
      );

    const write = { owner: "p", expected: undefined, ttlMs: undefined, maxBytes: 1_000_000, maxKeys: 100 };
    let acknowledged = 0;
    const next = (): Promise<true | undefined> =>
      Promise.resolve(states[acknowledged % 2]?.set("n", utf8(String(acknowledged + 1)), write)).then(
        () => {
          acknowledged += 1;
          return true as const;
        },
        () => undefined,
      );
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let i = 0; i < 20; i += 1) await eventually("a write is acknowledged", next, MAX_OUTAGE_MS);
      const { cluster } = await eventually("the servers say who leads", () =>
        admin.manager.streams.info(streamOf(options.prefix, "state")).catch(() => undefined),
      );
      const leader = Number(cluster?.leader?.slice(1));
      if (round % 2 === 0) await servers.kill(leader);
      else servers.halt(leader);
      for (let i = 0; i < 20; i += 1) await eventually("a write is acknowledged without it", next, MAX_OUTAGE_MS);
      if (round % 2 === 0) servers.start(leader);
      else servers.goOn(leader);
      for (const state of states)
        await eventually(
          "every host has the last value",
          async () => textOf((await state.get("n"))?.value ?? utf8("")) === String(acknowledged) || undefined,
          MAX_OUTAGE_MS,
        );
    }
    await eventually("somebody holds", () => holders === 1 || undefined, MAX_OUTAGE_MS);
    expect(epochs).toEqual([...new Set(epochs)].toSorted((a, b) => a - b));
    expect(acknowledged).toBe(40 * ROUNDS);
  });
});
