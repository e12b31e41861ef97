// What writing down a turn costs on the path of every turn: the same turns through the same core, with and without it, in a cell that does nothing.

import type { Host } from "../../host/core/host.ts";
import type { Cell } from "../../host/core/ports/cell.ts";
import { childSpan, startTrace } from "../../host/core/trace.ts";
import { NO_USAGE, type TurnOutcome } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { HostTelemetry } from "../../host/lifecycle/telemetry.ts";
import { telemetrySchema } from "../../host/manifest/telemetry.ts";
import { definition } from "../support/scripted-cell.ts";
import { newHost } from "./cells.ts";
import { measureInTurn, median, type Row } from "./measure.ts";

const TURNS = 50_000;
const ROUNDS = { rounds: 21, warmUpRounds: 5 };
/** As most turns are, so that each number is recorded. */
const DONE: TurnOutcome = {
  ok: true,
  output: new Uint8Array(0),
  usage: { ...NO_USAGE, fuel: 1_000, cpuUs: 12, runUs: 20, peakMemoryBytes: 131_072, hostCalls: 2 },
};
const LIMITS = { nothing: 0.05, metrics: 0.4, spans: 0.7 } as const;
type Recorded = keyof typeof LIMITS | "without";

/** Answers as soon as it is asked. */
const cell: Cell = {
  ended: new Promise(() => {}),
  load: async () => {},
  run: (turn) => turn.end(DONE),
  unload: async () => {},
  async [Symbol.asyncDispose]() {},
};

async function started(recorded: Recorded): Promise<Host> {
  const host = newHost();
  host.add(definition("bench", { work: () => undefined }), cell);
  await host.start("bench");
  if (recorded === "without") return host;
  const telemetry = new HostTelemetry({
    ...{ options: telemetrySchema.parse({ record: recorded }), clock: systemClock, version: "", dataDir: "" },
    ...{
      core: () => host,
      cells: () => ({ statistics: () => [], sleepOf: () => undefined }),
      events: () => ({ statistics: () => ({ events: 0, bytes: 0, head: 0, types: [], consumers: [] }) }),
    },
  });
  telemetry.follow();
  return host;
}

/** Microseconds a turn. */
async function run(host: Host): Promise<readonly number[]> {
  const plugin = host.plugin("bench");
  if (plugin === undefined) throw new Error("the plugin is not there");
  const caller = { kind: "host", name: "bench" } as const;
  let ended = 0;
  const done = (): void => {
    ended += 1;
  };
  const start = performance.now();
  for (let i = 0; i < TURNS; i += 1) {
    const parent = startTrace();
    const deadline = systemClock.monotonicMs() + 1_000;
    const step = { traceparent: childSpan(parent), parent, subject: "bench.work" };
    plugin.submit("work", "", { caller, ...step, deadline, waiting: [], authorities: [] }, done);
  }
  const us = ((performance.now() - start) * 1_000) / TURNS;
  if (ended !== TURNS) throw new Error(`${ended} of ${TURNS} turns have ended`);
  return [us];
}

export async function benchTelemetry(): Promise<Row[]> {
  const hosts = Object.fromEntries(
    await Promise.all(
      (["without", "nothing", "metrics", "spans"] as const).map(async (recorded) => [recorded, await started(recorded)] as const),
    ),
  );
  const figures = await measureInTurn(Object.fromEntries(Object.entries(hosts).map(([name, host]) => [name, () => run(host)])), ROUNDS);
  const without = median(figures.without ?? []);
  return Object.entries(LIMITS).map(([recorded, limit]): Row => {
    const us = median(figures[recorded] ?? []);
    const more = us - without;
    return {
      work: `what a turn costs more with telemetry.record: ${recorded}; vs the same turns without`,
      ...{ ours: `${us.toFixed(2)} µs`, theirs: `${without.toFixed(2)} µs`, ratio: `${more.toFixed(2)} µs more` },
      ...{ goal: `≤ ${limit} µs`, reached: more <= limit },
    };
  });
}
