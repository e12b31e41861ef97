// The turns of the shipped plugins, metered and as they were compiled, on the same engine: both sides differ in the module only. What the host answers
// is made up here and costs next to nothing, so that the plugin's own work shows.

import { SLICE_MS } from "../../host/cell/inside/scheduler.ts";
import { FUEL_EXPORT, MEMORY_EXPORT, REFUEL_EXPORT } from "../../host/engine/admission.ts";
import { admitPlugin } from "../../host/engine/admit-plugin.ts";
import type { GuestEnvironment, GuestInstance } from "../../host/engine/engine.ts";
import { importedBy } from "../../host/engine/guest/imported.ts";
import { type Link, MeteredInstance } from "../../host/engine/metered.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { memoryStorage } from "../support/memory-storage.ts";
import { readWasm, text, type Wasm } from "./cells.ts";
import { measureInTurn, median } from "./measure.ts";

interface Step {
  readonly entryPoint: string;
  readonly input: string;
}

interface Shipped {
  readonly name: string;
  readonly work: string;
  /** Once before everything. */
  readonly setUp: readonly Step[];
  /** What is measured; leaves the plugin as it was. */
  readonly steps: readonly Step[];
}

// Short rounds: what else the machine does comes in bursts of a hundred milliseconds, which would disturb one side only.
const TIMES = 20;
const ROUNDS = { rounds: 300, warmUpRounds: 200 };
/** What a millisecond is worth to the scheduler at first. */
const SLICE_FUEL = 300_000;
const OK = text.encode("\0id");

const json = (entryPoint: string, input: unknown): Step => ({ entryPoint, input: JSON.stringify(input) });

const STATE_CHANGED = {
  specversion: "1.0",
  ...{ id: "1", source: "/plugins/devices", type: "devices.state-changed", time: "2026-01-01T00:00:00.000Z" },
  ...{ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", datacontenttype: "application/json" },
  data: { id: "lamp-1", changed: { desired: { on: true }, reported: {} }, desired: { on: true }, reported: {}, pending: { on: true } },
};

export const SHIPPED: readonly Shipped[] = [
  {
    name: "devices",
    work: "create, turn on, report, get, remove",
    setUp: [],
    steps: [
      json("create", { id: "lamp-1", name: "Küche", desired: { brightness: 40, scene: "evening" } }),
      json("turn_on", { id: "lamp-1" }),
      json("report", { id: "lamp-1", state: { on: true, brightness: 40, temperature: 21.5 } }),
      json("get", { id: "lamp-1" }),
      json("remove", { id: "lamp-1" }),
    ],
  },
  {
    name: "automation",
    work: "an event, 20 rules, one of them calls a service",
    setUp: Array.from({ length: 20 }, (_, i) =>
      json("add", {
        id: `rule-${i}`,
        trigger: i % 2 === 0 ? "devices.*" : "alarms.**",
        condition: { field: "desired.on", operator: "equals", value: i === 0 },
        action: { service: "logger.log", arguments: { level: "INFO", message: "{{data.id}} was switched" } },
      }),
    ),
    steps: [{ entryPoint: "on_event", input: JSON.stringify(STATE_CHANGED) }],
  },
  {
    name: "logger",
    work: "log an entry, query ten",
    setUp: Array.from({ length: 50 }, (_, i) => json("log_entry", { level: "INFO", message: `entry ${i}` })),
    steps: [
      json("log_entry", { level: "WARNING", message: "lamp-1 did not answer for 30 s", fields: { device: "lamp-1", attempts: 3 } }),
      json("query", { level: "DEBUG", contains: "entry", limit: 10 }),
    ],
  },
];

/** Median microseconds of all steps of a plugin. */
export interface ShippedFigures {
  readonly meteredUs: number;
  readonly unmeteredUs: number;
}

/** Both sides, measured in turn. */
async function benchShippedPlugin(shipped: Shipped): Promise<ShippedFigures> {
  const wasm = await readWasm(`../../plugins/${shipped.name}`);
  const run = async (link: Link): Promise<() => Promise<readonly number[]>> => {
    const instance = new MeteredInstance(link, environment(shipped.name), importedBy(wasm));
    for (const step of shipped.setUp) await enter(instance, step);
    return async () => {
      const start = performance.now();
      for (let i = 0; i < TIMES; i += 1) for (const step of shipped.steps) await enter(instance, step);
      return [((performance.now() - start) * 1_000) / TIMES];
    };
  };
  const sides = { metered: await run(linkOf(admitPlugin(wasm, DEFAULT_LIMITS).module)), unmetered: await run(linkOriginal(wasm)) };
  const { metered, unmetered } = await measureInTurn(sides, ROUNDS);
  return { meteredUs: median(metered), unmeteredUs: median(unmetered) };
}

function linkOf(module: Wasm): Link {
  const compiled = new WebAssembly.Module(module);
  return (imports) => new WebAssembly.Instance(compiled, imports);
}

/** The original has no fuel: globals that nobody reads stand for what the engine expects. */
function linkOriginal(wasm: Wasm): Link {
  const link = linkOf(wasm);
  return async (imports, ports) => {
    const { exports } = await link(imports, ports);
    const added = {
      [FUEL_EXPORT]: new WebAssembly.Global({ value: "i32", mutable: true }, SLICE_FUEL),
      [REFUEL_EXPORT]: new WebAssembly.Global({ value: "anyfunc", mutable: true }),
      ...(exports.memory === undefined ? {} : { [MEMORY_EXPORT]: exports.memory }),
    };
    return { exports: { ...exports, ...added } };
  };
}

async function enter(instance: GuestInstance, { entryPoint, input }: Step): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  instance.run(entryPoint, input, SLICE_FUEL, (result) => {
    if (result.ok) resolve();
    else reject(new Error(`${entryPoint}: ${result.code}: ${result.message}`));
  });
  return promise;
}

/** Slices of a millisecond, as the scheduler of a cell has them. */
function pacer(): GuestEnvironment["pacer"] {
  let sliceStart = performance.now();
  return {
    extend: () => (performance.now() - sliceStart < SLICE_MS ? SLICE_FUEL : 0),
    async refuel() {
      sliceStart = performance.now();
      return SLICE_FUEL;
    },
    overrun: () => SLICE_FUEL,
    overdue: () => false,
    wait: (answer) => answer,
  };
}

function environment(plugin: string): GuestEnvironment {
  return {
    plugin,
    limits: DEFAULT_LIMITS,
    scope: {
      config: { level: "DEBUG" },
      caller: { kind: "plugin", name: "automation" },
      clock: { now: () => 1_767_225_600_000, monotonicMs: () => 1_000, after: () => () => {} },
      storage: memoryStorage(),
      limits: DEFAULT_LIMITS,
      log: () => {},
      reportFault: (fault) => {
        throw fault;
      },
    },
    pacer: pacer(),
    askHost: async () => OK,
  };
}

if (import.meta.main) {
  const shipped = SHIPPED.find(({ name }) => name === process.argv[2]);
  if (shipped === undefined) throw new Error(`there is no plugin ${process.argv[2]}`);
  console.log(JSON.stringify(await benchShippedPlugin(shipped)));
}
