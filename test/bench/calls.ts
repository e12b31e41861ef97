// Entering a plugin and answering it, beside @extism/extism and beside the least that a call can be.

import type { Cell } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { Caller } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { bareEcho } from "./bare-echo.ts";
import { loaded, perRepetition, type Wasm } from "./cells.ts";
import { extismPlugin } from "./extism.ts";
import { faster, measureBoth, measureInTurn, median, perCall, type Row, slower } from "./measure.ts";

const ROUNDS = { rounds: 7, warmUpRounds: 1 };
const CALLER: Caller = { kind: "adapter", name: "bench" };
const DEADLINE_MS = 60_000;
const bytesOf = (length: number): Uint8Array => new Uint8Array(length).fill(0x61);

export async function benchCalls(wasm: Wasm, extism: Wasm): Promise<Row[]> {
  const cell = await loaded("inline", wasm);
  const worker = await extismPlugin(extism, { worker: true });
  const foreground = await extismPlugin(extism, { worker: false });
  const bare = await bareEcho();
  const [small, large] = [bytesOf(100), bytesOf(10_000)];
  const of100 = await measureInTurn(
    {
      ours: async () => [await perCall(20_000, () => echo(cell, small))],
      bare: async () => [await perCall(20_000, () => bare(small))],
      extism: async () => [await perCall(1_000, () => worker.call("echo", small))],
    },
    ROUNDS,
  );
  const of10k = await measureInTurn(
    {
      ours: async () => [await perCall(5_000, () => echo(cell, large))],
      bare: async () => [await perCall(5_000, () => bare(large))],
      extism: async () => [await perCall(300, () => foreground.call("echo", large))],
    },
    ROUNDS,
  );
  const hostCall = await measureBoth({
    runOurs: () => perRepetition(cell, "config_get", 50_000),
    runTheirs: async () => (await perCall(1, () => worker.call("ask", "300"))) / 300,
    rounds: 5,
  });
  await Promise.all([worker.close(), foreground.close(), cell[Symbol.asyncDispose]()]);
  const beside = ({ ours, ...theirs }: typeof of100, other: "bare" | "extism") => ({ ours: median(ours), theirs: median(theirs[other]) });
  return [
    slower("call, 100 B in and out; inline vs a bare promising echo", beside(of100, "bare"), 3),
    slower("call, 10 KB in and out; inline vs a bare promising echo", beside(of10k, "bare"), 2),
    faster("call, 100 B in and out; inline vs extism worker", beside(of100, "extism"), 20),
    faster("call, 10 KB in and out; inline vs extism foreground", beside(of10k, "extism"), 24),
    faster("host call answered in the cell; vs extism worker", hostCall, 50),
  ];
}

// Without the conveniences of test/support: they are a third of what such a call allocates.
function echo(cell: Cell, input: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    cell.run({
      plugin: "bench",
      entryPoint: "echo",
      input,
      caller: CALLER,
      traceparent: startTrace(),
      deadline: systemClock.monotonicMs() + DEADLINE_MS,
      answer: refuse,
      end: (outcome) => (outcome.ok ? resolve(outcome.output) : reject(new Error(outcome.error.message))),
    }),
  );
}

async function refuse(): Promise<never> {
  throw new Error("an echo asks for nothing");
}
