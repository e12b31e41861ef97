// Service calls there and back in every kind of cell: from the host, and from one plugin to another, each in a cell of its own.

import type { Host } from "../../host/core/host.ts";
import { startTrace } from "../../host/core/trace.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { CELL_KINDS, type CellKind, createCell } from "../support/cells.ts";
import { definition, newHost, QUIET, text, type Wasm } from "./cells.ts";
import { eachCall, figure, measureInTurn, percentile, type Row } from "./measure.ts";

const CALLS = 500;
const ROUNDS = { rounds: 7, warmUpRounds: 2 };
const PAYLOAD = text.encode("x".repeat(100));

interface Pair {
  readonly host: Host;
  readonly close: () => Promise<void>;
}

/** A plugin that provides a service, and one that may call it. */
async function startPair(kind: CellKind, wasm: Wasm): Promise<Pair> {
  const host = newHost();
  const [provider, caller] = [createCell(kind, QUIET), createCell(kind, QUIET)];
  const grants = [{ permission: "services.call" as const, resource: "bench.echo", reason: "benchmark" }];
  host.add(definition("bench", wasm, { services: [{ name: "bench.echo", entryPoint: "echo" }] }), provider);
  const services = [{ name: "caller.call-echo", entryPoint: "call_echo" }];
  host.add(definition("caller", wasm, { services, permissions: grants, grants }), caller);
  await startAll(host, QUIET);
  const close = async (): Promise<void> => {
    await stopAll(host, 1_000);
    await Promise.all([provider[Symbol.asyncDispose](), caller[Symbol.asyncDispose]()]);
  };
  return { host, close };
}

function call({ host }: Pair, service: string, payload: Uint8Array): Promise<Uint8Array> {
  return host.services.call({ service, payload, caller: { kind: "adapter", name: "bench" }, traceparent: startTrace() });
}

/** Microseconds of each call that a plugin makes within one turn, by its own clock. */
async function withinPlugin(pair: Pair): Promise<number[]> {
  const answer: unknown = JSON.parse(new TextDecoder().decode(await call(pair, "caller.call-echo", text.encode(String(CALLS)))));
  if (!Array.isArray(answer)) throw new Error("the plugin answers no list of times");
  return answer.map(Number);
}

export async function benchServices(wasm: Wasm): Promise<Row[]> {
  const pairs = new Map<CellKind, Pair>();
  for (const kind of CELL_KINDS) pairs.set(kind, await startPair(kind, wasm));
  const inTurn = (work: (pair: Pair) => Promise<readonly number[]>): ReturnType<typeof measureInTurn<string>> =>
    measureInTurn(Object.fromEntries([...pairs].map(([kind, pair]) => [kind, () => work(pair)])), ROUNDS);
  const fromHost = await inTurn((pair) => eachCall(CALLS, () => call(pair, "bench.echo", PAYLOAD)));
  const fromPlugin = await inTurn(withinPlugin);
  await Promise.all([...pairs.values()].map(({ close }) => close()));
  return [
    ...rows("service call of 100 B from the host", fromHost),
    ...rows("service call of 100 B from plugin to plugin, a cell each", fromPlugin),
  ];
}

function rows(work: string, figures: Readonly<Record<string, readonly number[]>>): Row[] {
  const inline = percentile(figures.inline ?? [], 0.5);
  return Object.entries(figures).map(([kind, us]) => ({
    work: `${work}; ${kind}`,
    ours: `p50 ${figure(percentile(us, 0.5), "µs")}`,
    theirs: `p99 ${figure(percentile(us, 0.99), "µs")}`,
    ratio: `${(percentile(us, 0.5) / inline).toFixed(1)} × inline`,
    goal: "none",
    reached: true,
  }));
}
