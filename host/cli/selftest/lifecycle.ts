// Plugins that hang while they start or stop, all of them in one host, so that the neighbour has to start and stop among them.

import {
  type AttackResult,
  call,
  type Hostile,
  type Isolation,
  measure,
  openWorld,
  PATIENCE_MS,
  type World,
  watchEventLoop,
} from "./world.ts";

type Tell = (result: AttackResult) => void;

const HANGING_LIMITS = { startMs: 1_500, cpuMs: 100, deadlineMs: 1_500 };
// No turn is endless, so this bounds how long the host may take; a machine may be busy with other things.
const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 5_000;
// None of them is started again while others are looked at.
const IMPATIENT = { pauseAfter: 1, quarantineAfter: 1_000, pauseMs: 60_000, maxPauseMs: 60_000 };

const HANGING = [
  { module: "stuck-start", where: "the start function" },
  { module: "stuck-initialize", where: "_initialize" },
  { module: "stuck-load", where: "on_load" },
  { module: "stuck-on-start", where: "on_start" },
] as const;
const plugins: readonly Hostile[] = [...HANGING, { module: "stuck-stop" }].map(({ module }) => ({
  name: module,
  module,
  services: { [`${module}.serve`]: "serve" },
  limits: HANGING_LIMITS,
}));

/** Runs all of them in this isolation and tells of each as it ends. */
export async function runLifecycle(isolation: Isolation, tell: Tell): Promise<void> {
  const stalled = await watchEventLoop();
  const start = performance.now();
  const world = await openWorld(isolation, plugins, IMPATIENT);
  const ms = performance.now() - start;
  const outcome = `the neighbour is ${world.host.core.plugin("polite")?.state}`;
  const hostMs = stalled();
  const probed = await measure(world, {
    attack: "plugins that hang while the neighbour starts",
    isolation,
    limit: "startMs, cpuMs",
    expected: /is running$/,
    strike: async () => outcome,
  });
  tell({ ...probed, ms, hostMs: Math.max(hostMs, probed.hostMs), held: probed.held && ms < START_LIMIT_MS });
  try {
    for (const { module, where } of HANGING) tell(await lookAt(world, isolation, module, where));
    tell(
      await measure(world, {
        attack: "call of a plugin that failed",
        isolation,
        limit: "plugin-not-running",
        expected: /^plugin-not-running$/,
        strike: () => call(world, "stuck-load.serve"),
      }),
    );
  } finally {
    tell(await hangWhileStopping(world, isolation));
  }
}

function lookAt(world: World, isolation: Isolation, module: string, where: string): Promise<AttackResult> {
  return measure(world, {
    attack: `endless loop in ${where}`,
    isolation,
    limit: "startMs, cpuMs",
    expected: /^(cpu-exhausted|deadline-exceeded)$/,
    // Without on_load and on_start, what runs before everything else runs at the first turn.
    strike: async () => world.host.core.plugin(module)?.failure?.code ?? (await call(world, `${module}.serve`)),
  });
}

// The neighbour is stopped as well, so here it is the time that counts. That it hangs at all is seen from the state it is left in.
async function hangWhileStopping(world: World, isolation: Isolation): Promise<AttackResult> {
  const ended: string[] = [];
  world.host.core.observe({
    turn: ({ plugin, entryPoint, outcome }) => {
      if (plugin === "stuck-stop") ended.push(`${entryPoint} ${outcome.ok ? "ok" : outcome.error.code}`);
    },
  });
  const stalled = await watchEventLoop();
  const start = performance.now();
  await world.close();
  const ms = performance.now() - start;
  const outcome = ended.join(", ");
  const stopped = /^on_stop (cpu|deadline)-ex\w+, on_unload (cpu|deadline)-ex\w+$/.test(outcome);
  const hostMs = stalled();
  const held = stopped && ms < STOP_LIMIT_MS && hostMs < PATIENCE_MS;
  const attack = "endless loop in on_stop and on_unload";
  return { attack, isolation, limit: "deadlineMs, cpuMs", outcome, ms, neighbourMs: 0, hostMs, held, tried: true };
}
