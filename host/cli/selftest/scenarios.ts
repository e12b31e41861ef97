// The attacks that take more than one turn: plugins in rings, plugins that hang while they start or stop, crash loops, killed cells.

import { readdirSync, readFileSync } from "node:fs";
import { type AttackResult, call, type Hostile, type Isolation, measure, openWorld, type Strike, type World } from "./world.ts";

type Tell = (result: AttackResult) => void;

const HANGING_LIMITS = { startMs: 300, cpuMs: 100, deadlineMs: 300 };
const STOP_LIMIT_MS = 5_000;
const RING_SECONDS = 1;
const RING_EVENTS_PER_SECOND = 50;
const CRASHES_TO_QUARANTINE = 10;
// Failures closer together count as one.
const CRASH_SPACING_MS = 25;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs all of them in this isolation and tells of each as it ends. */
export async function runScenarios(isolation: Isolation, tell: Tell): Promise<void> {
  await inWorld(isolation, [...ring("duo", 2), ...ring("trio", 3), crasher, writer], async (world) => {
    const strikes: Omit<Strike, "isolation">[] = [
      { attack: "calls in a ring of two", limit: "call-loop", expected: /call-loop/, strike: () => call(world, "duo-0.call-next") },
      { attack: "calls in a ring of three", limit: "call-loop", expected: /call-loop/, strike: () => call(world, "trio-0.call-next") },
      eventsInARing(world, "duo", 2),
      eventsInARing(world, "trio", 3),
      { attack: "crash loop", limit: "quarantine", expected: /^quarantined$/, strike: () => crashLoop(world) },
      {
        attack: "call of a plugin that is down",
        limit: "plugin-not-running",
        expected: /^plugin-not-running$/,
        strike: () => call(world, "crasher.trap"),
      },
    ];
    if (isolation === "process" && process.platform === "linux") strikes.push(killWhileWriting(world));
    for (const strike of strikes) tell(await measure(world, { ...strike, isolation }));
  });
  for (const module of ["stuck-start", "stuck-load", "stuck-on-start"]) tell(await hangWhileStarting(isolation, module));
  tell(await hangWhileStopping(isolation));
}

async function inWorld(isolation: Isolation, plugins: readonly Hostile[], work: (world: World) => Promise<void>): Promise<void> {
  const containment = { pauseAfter: CRASHES_TO_QUARANTINE, quarantineAfter: CRASHES_TO_QUARANTINE };
  const world = await openWorld(isolation, plugins, containment);
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

const crasher: Hostile = { name: "crasher", module: "attacker", services: { "crasher.trap": "trap" } };
const writer: Hostile = {
  name: "writer",
  module: "attacker",
  services: { "writer.write": "storage_flood", "writer.add": "storage_keys_flood" },
  // As many keys as the flood writes again and again.
  limits: { storageMiB: 64, storageKeys: 64, cpuMs: 10_000, hostCalls: 1_000_000 },
};

function ring(name: string, size: number): Hostile[] {
  return Array.from({ length: size }, (_, i) => {
    const self = `${name}-${i}`;
    const next = `${name}-${(i + 1) % size}`;
    const previous = `${name}-${(i + size - 1) % size}`;
    return {
      name: self,
      module: "ring",
      services: { [`${self}.call-next`]: "call_next", [`${self}.begin`]: "pass_on" },
      subscriptions: [{ type: `${previous}.passed`, entryPoint: "pass_on" }],
      grants: [
        { permission: "services.call", resource: `${next}.*` },
        { permission: "events.subscribe", resource: `${previous}.*` },
      ],
      limits: { publishesPerSecond: RING_EVENTS_PER_SECOND },
      config: { service: `${next}.call-next`, event: `${self}.passed` },
    };
  });
}

function eventsInARing(world: World, name: string, size: number): Omit<Strike, "isolation"> {
  // A bucket that is full at first, and what is filled in meanwhile, of each member; and as much again for a slow machine.
  const most = 2 * size * RING_EVENTS_PER_SECOND * (1 + RING_SECONDS);
  return {
    attack: `events in a ring of ${size}`,
    limit: "publishesPerSecond",
    expected: /^[1-9]\d* events, then none$/,
    strike: async () => {
      const count = (): number => world.events.filter(({ type }) => type.startsWith(`${name}-`)).length;
      await call(world, `${name}-0.begin`);
      await pause(RING_SECONDS * 1_000);
      const counted = count();
      for (let i = 0; i < size; i += 1) await world.host.core.plugin(`${name}-${i}`)?.stop(0);
      const after = count();
      await pause(50);
      return counted <= most && count() === after ? `${counted} events, then none` : `${counted} events, ${count() - after} of them late`;
    },
  };
}

/** Traps until the plugin is quarantined; answers with its state in the end. */
async function crashLoop(world: World): Promise<string> {
  const state = (): string => world.host.core.plugin("crasher")?.state ?? "gone";
  for (let i = 0; i < 2 * CRASHES_TO_QUARANTINE && state() === "running"; i += 1) {
    await call(world, "crasher.trap");
    await pause(CRASH_SPACING_MS);
  }
  return state();
}

/** Only where the system tells whose child a process is. */
function killWhileWriting(world: World): Omit<Strike, "isolation"> {
  return {
    attack: "its process killed while it writes",
    limit: "supervisor, SQLite",
    expected: /^plugin-failed, then .*storageKeys/,
    strike: async () => {
      const writing = call(world, "writer.write");
      await pause(100);
      process.kill(cellOf("writer"), "SIGKILL");
      const outcome = await writing;
      // Served by the next process, from the file that the first one left.
      return `${outcome}, then ${await call(world, "writer.add")}`;
    },
  };
}

function cellOf(plugin: string): number {
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "latin1").trim().split(" "),
  );
  const found = children.find((pid) => pid !== "" && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(`"plugins":["${plugin}"]`));
  if (found === undefined) throw new Error(`no process of ${plugin} was found`);
  return Number(found);
}

async function hangWhileStarting(isolation: Isolation, module: string): Promise<AttackResult> {
  const start = performance.now();
  const world = await openWorld(isolation, [{ name: "stuck", module, services: { "stuck.serve": "serve" }, limits: HANGING_LIMITS }]);
  try {
    const stuck = world.host.core.plugin("stuck");
    const result = await measure(world, {
      attack: `endless loop: ${module.replace("stuck-", "")}`,
      isolation,
      limit: "startMs, cpuMs",
      // A start function runs at the first turn of a plugin without on_load.
      expected: /^(cpu-exhausted|deadline-exceeded)$/,
      strike: async () => stuck?.failure?.code ?? (await call(world, "stuck.serve")),
    });
    return { ...result, ms: performance.now() - start };
  } finally {
    await world.close();
  }
}

// The neighbour is stopped as well, so here it is the time that counts.
async function hangWhileStopping(isolation: Isolation): Promise<AttackResult> {
  const world = await openWorld(isolation, [
    { name: "stuck", module: "stuck-stop", services: { "stuck.serve": "serve" }, limits: HANGING_LIMITS },
  ]);
  const start = performance.now();
  await world.close();
  const ms = performance.now() - start;
  const outcome = `the host stopped ${ms < STOP_LIMIT_MS ? "in time" : "too late"}`;
  const attack = "endless loop: on-stop";
  return { attack, isolation, limit: "deadlineMs, cpuMs", outcome, ms, neighbourMs: 0, hostMs: 0, held: ms < STOP_LIMIT_MS };
}
