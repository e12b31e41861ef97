// The attacks that take more than one turn of plugins that run: rings, crash loops, calls of what is down, killed cells.

import { startTrace } from "../../core/trace.ts";
import { cellOf, IS_LINUX } from "./processes.ts";
import { type AttackResult, call, type Hostile, type Isolation, measure, notTried, openWorld, type Strike, type World } from "./world.ts";

type Tell = (result: AttackResult) => void;

const RING_SECONDS = 1;
const RING_EVENTS_PER_SECOND = 50;
const CRASHES_TO_QUARANTINE = 10;
// Failures closer together count as one.
const CRASH_SPACING_MS = 25;
const AT_ONCE_MS = 500;
const KILL = "its process killed while it writes";
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs all of them in this isolation and tells of each as it ends. */
export async function runScenarios(isolation: Isolation, tell: Tell): Promise<void> {
  await inWorld(
    isolation,
    [...ring("duo", 2), ...ring("trio", 3), crasher, keeper, odd, heir, spill, thenable, ...BOMBERS, grumbler],
    async (world) => {
      const strikes: Omit<Strike, "isolation">[] = [
        { attack: "calls in a ring of two", limit: "call-loop", expected: /call-loop/, strike: () => call(world, "duo-0.call-next") },
        { attack: "calls in a ring of three", limit: "call-loop", expected: /call-loop/, strike: () => call(world, "trio-0.call-next") },
        eventsInARing(world, "duo", 2),
        eventsInARing(world, "trio", 3),
        { attack: "crash loop", limit: "quarantine", expected: /^quarantined$/, strike: () => crashLoop(world) },
        callOfDown(world, "quarantined", "crasher.trap"),
        callOfDown(world, "stopped", "duo-0.call-next"),
        {
          attack: "exports named like what every object has",
          limit: "own exports only",
          expected: /^entered, no-such-service$/,
          strike: async () => `${(await call(world, "odd.own")) || "entered"}, ${await call(world, "heir.inherited")}`,
        },
        {
          attack: "data beyond its own memory",
          limit: "instantiation",
          expected: /^plugin-failed$/,
          strike: () => call(world, "spill.serve"),
        },
      ];
      strikes.push({
        attack: "exports that look like a promise",
        limit: "boxed exports",
        expected: /^entered$/,
        strike: async () => (await call(world, "thenable.serve")) || "entered",
      });
      if (isolation === "process" && IS_LINUX) strikes.push(killWhileWriting(world));
      strikes.push(bombs(world), errorTexts(world));
      for (const strike of strikes) tell(await measure(world, { ...strike, isolation }));
      if (isolation === "process" && !IS_LINUX) tell(notTried(KILL, isolation, "needs /proc, which Linux has"));
    },
  );
}

const BOMBS = ["get_many", "apply", "commit", "scan", "publish", "deadline", "fetch"] as const;
const BOMBERS: readonly Hostile[] = Array.from({ length: 8 }, (_, i) => {
  const name = `bomber-${i}`;
  const entryPoint = BOMBS[i % BOMBS.length] ?? "apply";
  return {
    name,
    module: "bomber",
    services: { [`${name}.bomb`]: entryPoint, [`${name}.once`]: "once" },
    limits: { cpuMs: 500, deadlineMs: 3_000 },
  };
});
const NOISE = "selftest.noise";
const grumbler: Hostile = {
  name: "grumbler",
  module: "bomber",
  services: {},
  subscriptions: [{ type: NOISE, entryPoint: "error" }],
  grants: [{ permission: "events.subscribe", resource: NOISE }],
};
// More than its mailbox takes.
const GRUMBLES = 3_000;

/** Eight plugins without grants, each of which makes the host parse as much as it can. */
function bombs(world: World): Omit<Strike, "isolation"> {
  return {
    attack: "millions of records for every host function that takes JSON, by eight",
    limit: "a limit a type, shared host time",
    expected: /^invalid-message, 8 ended$/,
    strike: async () => {
      const refused = /"code":"([a-z-]+)"/.exec(await call(world, "bomber-0.once"))?.[1];
      const ended = await Promise.all(BOMBERS.map(({ name }) => call(world, `${name}.bomb`)));
      const count = ended.filter((code) => /^(cpu-exhausted|deadline-exceeded|quota-exceeded|memory-exhausted)$/.test(code)).length;
      return `${refused}, ${count} ended`;
    },
  };
}

/** Events that it fails on with many words, or has no room for, each of which the host would write down. */
function errorTexts(world: World): Omit<Strike, "isolation"> {
  return {
    attack: "log by the texts of errors and lost events",
    limit: "one funnel, 60 lines a minute",
    expected: /^few lines, the rest is told of$/,
    strike: async () => {
      const { core } = world.host;
      world.logged.length = 0;
      for (let i = 0; i < GRUMBLES; i += 1)
        core.events.publish(
          core.stamp({ type: NOISE, contentType: "text/plain", source: "/host", traceparent: startTrace(), data: new Uint8Array(0) }),
        );
      await pause(1_500);
      const lines = world.logged.filter((line) => line.startsWith(NOISE)).length;
      const isTold = world.logged.some((line) => /\d+ more lines about grumbler were dropped/.test(line));
      return lines > 0 && lines <= 70 && isTold ? "few lines, the rest is told of" : `${lines} lines, ${isTold ? "" : "not "}told`;
    },
  };
}

function callOfDown(world: World, state: string, service: string): Omit<Strike, "isolation"> {
  return {
    attack: `call of a plugin that is ${state}`,
    limit: "plugin-not-running",
    expected: /^plugin-not-running at once$/,
    strike: async () => {
      const start = performance.now();
      const answer = await call(world, service);
      return `${answer} ${performance.now() - start < AT_ONCE_MS ? "at once" : "too late"}`;
    },
  };
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
const keeper: Hostile = {
  name: "keeper",
  services: { "keeper.put": "put", "keeper.get": "get", "keeper.put-for-ever": "put_for_ever" },
  limits: { cpuMs: 10_000, hostCalls: 1_000_000 },
};
const odd: Hostile = { name: "odd", module: "odd-exports", services: { "odd.own": "constructor" } };
// It exports no such name, though no object lacks it.
const heir: Hostile = { name: "heir", module: "odd-exports", services: { "heir.inherited": "valueOf" } };

const spill: Hostile = { name: "spill", module: "data-beyond", services: { "spill.serve": "serve" } };

const thenable: Hostile = { name: "thenable", services: { "thenable.serve": "serve" } };

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
      if (counted < RING_EVENTS_PER_SECOND) return `only ${counted} events: the ring never turned`;
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

function killWhileWriting(world: World): Omit<Strike, "isolation"> {
  return {
    attack: KILL,
    limit: "supervisor, SQLite",
    expected: /^plugin-failed, then acknowledged$/,
    strike: async () => {
      const refused = await call(world, "keeper.put", "acknowledged");
      const writing = call(world, "keeper.put-for-ever", "torn");
      await pause(100);
      process.kill(cellOf("keeper"), "SIGKILL");
      // Served by the next process, from the file that the first one left.
      return `${refused}${await writing}, then ${await call(world, "keeper.get", "acknowledged")}`;
    },
  };
}
