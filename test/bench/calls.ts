// Entering a plugin and answering it, beside @extism/extism.

import { enter, loaded, perRepetition, type Wasm } from "./cells.ts";
import { extismPlugin } from "./extism.ts";
import { figure, measureBoth, perCall, type Row } from "./measure.ts";

const bytesOf = (length: number): Uint8Array => new Uint8Array(length).fill(0x61);

function faster(work: string, { ours, theirs }: { readonly ours: number; readonly theirs: number }, goal: number): Row {
  const ratio = theirs / ours;
  return {
    work,
    ours: figure(ours, "µs"),
    theirs: figure(theirs, "µs"),
    ratio: `${ratio.toFixed(1)} × faster`,
    goal: `≥ ${goal} ×`,
    reached: ratio >= goal,
  };
}

export async function benchCalls(wasm: Wasm, extism: Wasm): Promise<Row[]> {
  const cell = await loaded("inline", wasm);
  const worker = await extismPlugin(extism, { worker: true });
  const foreground = await extismPlugin(extism, { worker: false });
  const [small, large] = [bytesOf(100), bytesOf(10_000)];
  const of100 = await measureBoth({
    runOurs: () => perCall(20_000, () => enter(cell, "echo", small)),
    runTheirs: () => perCall(1_000, () => worker.call("echo", small)),
  });
  const of10k = await measureBoth({
    runOurs: () => perCall(5_000, () => enter(cell, "echo", large)),
    runTheirs: () => perCall(500, () => foreground.call("echo", large)),
  });
  const hostCall = await measureBoth({
    runOurs: () => perRepetition(cell, "config_get", 50_000),
    runTheirs: async () => (await perCall(1, () => worker.call("ask", "300"))) / 300,
    rounds: 5,
  });
  await Promise.all([worker.close(), foreground.close(), cell[Symbol.asyncDispose]()]);
  return [
    faster("call, 100 B in and out; inline vs extism worker", of100, 20),
    faster("call, 10 KB in and out; inline vs extism foreground", of10k, 20),
    faster("host call answered in the cell; vs extism worker", hostCall, 50),
  ];
}
