// Events to one subscriber in every kind of cell, beside a call of @extism/extism's worker for each.

import type { Cell } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { CELL_KINDS, type CellKind, createCell } from "../support/cells.ts";
import { definition, hardenedCell, newHost, QUIET, text, type Wasm } from "./cells.ts";
import { extismPlugin } from "./extism.ts";
import { figure, measureBoth, perCall, type Row } from "./measure.ts";

const EVENTS = 40_000;
/** How many times as many as calls of extism's worker. */
const GOALS: Readonly<Record<CellKind, number | undefined>> = { inline: undefined, thread: 30, process: 60 };

export async function benchEvents(wasm: Wasm, extism: Wasm): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of CELL_KINDS) rows.push(await benchCell(`${kind} cell`, createCell(kind, QUIET), GOALS[kind], wasm, extism));
  rows.push(await benchCell("process cell behind bubblewrap", await hardenedCell(), undefined, wasm, extism));
  return rows;
}

async function benchCell(name: string, cell: Cell, goal: number | undefined, wasm: Wasm, extism: Wasm): Promise<Row> {
  const worker = await extismPlugin(extism, { worker: true });
  const data = text.encode(`{"value":"${"x".repeat(86)}"}`);
  const { publishAll, close } = await subscriber(cell, wasm, data);
  const rate = await measureBoth({
    runOurs: publishAll,
    runTheirs: async () => 1e6 / (await perCall(1_000, () => worker.call("on_event", data))),
    rounds: 5,
  });
  await close();
  await Promise.all([worker.close(), cell[Symbol.asyncDispose]()]);
  const ratio = rate.ours / rate.theirs;
  return {
    work: `events of 100 B to one subscriber; ${name} vs extism worker call`,
    ours: figure(rate.ours, "/s"),
    theirs: figure(rate.theirs, "/s"),
    ratio: `${ratio.toFixed(1)} × more`,
    goal: goal === undefined ? "none" : `≥ ${goal} ×`,
    reached: goal === undefined || ratio >= goal,
  };
}

interface Subscriber {
  /** Events a second, published as fast as the mailbox takes them, until all are handled. */
  readonly publishAll: () => Promise<number>;
  readonly close: () => Promise<void>;
}

async function subscriber(cell: Cell, wasm: Wasm, data: Uint8Array): Promise<Subscriber> {
  const host = newHost();
  const grants = [{ permission: "events.subscribe" as const, resource: "**", reason: "benchmark" }];
  const subscriptions = [{ type: "bench.*", entryPoint: "on_event" }];
  const plugin = host.add(definition("bench", wasm, { permissions: grants, grants, subscriptions }), cell);
  await startAll(host, QUIET);
  const traceparent = startTrace();
  const publish = (): void =>
    host.events.publish(
      host.stamp({ type: "bench.happened", contentType: "application/json", data, source: "/plugins/other", traceparent }),
    );
  const publishAll = async (): Promise<number> => {
    let ended = 0;
    let failed = 0;
    const start = performance.now();
    const undo = host.observe({
      turn: ({ outcome }) => {
        ended += 1;
        if (!outcome.ok) failed += 1;
      },
    });
    for (let published = 0; ended < EVENTS; ) {
      while (published < EVENTS && plugin.queued < plugin.definition.limits.mailboxLength) {
        publish();
        published += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    undo();
    if (failed > 0) throw new Error(`${failed} events were not handled`);
    return EVENTS / ((performance.now() - start) / 1_000);
  };
  return { publishAll, close: () => stopAll(host, 1_000) };
}
