// Calls that nobody waits for: what it costs to send one, volatile beside a call and durable beside the publishing of a kept event.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sendOptions } from "../../host/capabilities/sends/options.ts";
import type { Host } from "../../host/core/host.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { CallScope } from "../../host/core/turn.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Sends } from "../../host/lifecycle/sends/sends.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { createCell } from "../support/cells.ts";
import { definition, newHost, QUIET, type Wasm } from "./cells.ts";
import { DATA, IN_FLIGHT, inFlight, keepingHost, publishOn } from "./durable.ts";
import { measureBoth, median, type Row, slower } from "./measure.ts";

const ONE_BY_ONE = 2_000;
/** Less than the queue of the provider takes. */
const AT_ONCE = 500;
const TOGETHER = 20_000;
const KEPT = 10_000;
const CALLER = { kind: "plugin", name: "sender" } as const;
const SERVICE = "bench.echo";

interface Sending {
  readonly host: Host;
  readonly sends: Sends;
  /** The turn of a plugin that sends: what it needs is watched until it is handled. */
  readonly within: CallScope;
  /** Resolves once nothing that was sent waits. */
  handled(): Promise<void>;
  close(): Promise<void>;
}

async function sending(wasm: Wasm): Promise<Sending> {
  const dataDir = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const host = newHost();
  const ample = { maxPerPlugin: 100_000, maxMiBPerPlugin: 1_000, max: 100_000, maxMiB: 1_000 };
  const opening = { clock: systemClock, log: QUIET, dataDir };
  const sends = new Sends({
    ...{ clock: systemClock, log: QUIET, core: () => host, isKnown: () => true, isAccepted: () => true },
    options: sendOptions.parse({ volatile: ample, durable: ample }),
    openLog: async () => sqlite.open(opening, eventLogOptions.parse({ letGo: "handled", maxMiB: 4_096, maxMiBPerPublisher: 4_096 })),
  });
  const cell = createCell("process", QUIET);
  host.add(definition("bench", wasm, { services: [{ name: SERVICE, entryPoint: "echo" }] }), cell);
  const grants = ["services.call", "services.durable"].map((permission) => ({ permission, resource: "**", reason: "benchmark" }));
  const plugin = host.add(definition("sender", wasm, { permissions: grants, grants }), cell);
  await startAll(host, QUIET);
  const context = { caller: CALLER, traceparent: startTrace(), deadline: Number.POSITIVE_INFINITY, waiting: [], authorities: [] };
  return {
    ...{ host, sends, within: { plugin, context } },
    handled: () => {
      let left = sends.statistics().volatile.waiting;
      return new Promise((resolve) => {
        const unlisten = host.observe({
          turn() {
            left -= 1;
            if (left > 0) return;
            unlisten();
            // It is given back in the microtasks after the turn.
            setImmediate(resolve);
          },
        });
      });
    },
    async close() {
      await stopAll(host, 1_000);
      await sends.close();
      await cell[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true });
    },
  };
}

const send = ({ sends, within }: Sending, isDurable: boolean): Promise<string> =>
  sends.send({ id: undefined, service: SERVICE, payload: DATA.slice(), caller: CALLER, traceparent: startTrace(), within }, isDurable);
const call = ({ host }: Sending): Promise<Uint8Array> =>
  host.services.call({ service: SERVICE, payload: DATA, caller: CALLER, traceparent: startTrace() });

/** Microseconds each of so many. */
async function each(count: number, work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return ((performance.now() - start) * 1_000) / count;
}

export async function benchSends(wasm: Wasm): Promise<Row[]> {
  const world = await sending(wasm);
  const oneByOne = async (times: number, work: () => Promise<unknown>): Promise<void> => {
    for (let i = 0; i < times; i += 1) await work();
  };
  const taken = await measureBoth({
    async runOurs() {
      // Which takes no pass of the event loop, so the queue is given time to empty.
      const us: number[] = [];
      for (let i = 0; i < ONE_BY_ONE; i += AT_ONCE) {
        us.push(await each(AT_ONCE, () => oneByOne(AT_ONCE, () => send(world, false))));
        await world.handled();
      }
      return median(us);
    },
    runTheirs: () => each(ONE_BY_ONE, () => oneByOne(ONE_BY_ONE, () => call(world))),
  });
  const handled = await measureBoth({
    runOurs: () =>
      each(TOGETHER, async () => {
        // No more than the provider's queue takes.
        for (let i = 0; i < TOGETHER; i += IN_FLIGHT) {
          await Promise.all(Array.from({ length: IN_FLIGHT }, () => send(world, false)));
          await world.handled();
        }
      }),
    runTheirs: () =>
      each(TOGETHER, async () => {
        for (let i = 0; i < TOGETHER; i += IN_FLIGHT) await Promise.all(Array.from({ length: IN_FLIGHT }, () => call(world)));
      }),
  });
  const rows = [
    slower("volatile send of 200 B to a process cell until it is taken, one by one; vs a call until it is answered", taken, 1),
    slower(`volatile sends of 200 B until they are handled, ${IN_FLIGHT} at a time; vs calls`, handled, 2.5),
    await keeping(world),
  ];
  await world.close();
  return rows;
}

async function keeping(world: Sending): Promise<Row> {
  const { host, close } = await keepingHost(["bench.**"]);
  const traceparent = startTrace();
  // The provider is down, so that it is the taking that is measured.
  await world.host.plugin("bench")?.stop(1_000);
  const both = await measureBoth({
    runOurs: () => each(KEPT, () => inFlight(KEPT, () => send(world, true))),
    runTheirs: () => each(KEPT, () => inFlight(KEPT, () => publishOn(host, "bench.happened", traceparent))),
    rounds: 5,
  });
  await close();
  return slower(`durable send of 200 B, ${IN_FLIGHT} in flight, until it is on the disk; vs publish of a kept event`, both, 1.3);
}
