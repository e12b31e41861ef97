// Runs the hostile suite: attacks of one turn and of several in one isolation, and modules that must not get as far as that.

import { readFile } from "node:fs/promises";
import { ADMISSION_BOUNDS, admitInProcess } from "../../cell/admission/admission-process.ts";
import { toHostError } from "../../core/errors.ts";
import { startTrace } from "../../core/trace.ts";
import { DEFAULT_LIMITS } from "../../manifest/limits.ts";
import { ATTACKER_LIMITS, TURN_ATTACKS, type TurnAttack } from "./attacks.ts";
import { BOMBS, heaviest, smallest, WORST_ADMITTED } from "./bombs.ts";
import { COMPONENT_BOMBS } from "./component-bombs.ts";
import { runComponents } from "./components.ts";
import { runLifecycle } from "./lifecycle.ts";
import { admissionProcess, IS_LINUX } from "./processes.ts";
import { runScenarios } from "./scenarios.ts";
import { type AttackResult, call, type Hostile, type Isolation, measure, notTried, openWorld, SUITE, type World } from "./world.ts";

type Tell = (result: AttackResult) => void;

const MIB = 1024 * 1024;
// Every attack is one failure of the attacker, and none of them is to be its last.
const PATIENT = { pauseAfter: 1_000, quarantineAfter: 1_000 };
// Less than the heaviest module takes to compile, more than Node takes to boot, which the smallest one shows.
const TIGHT = { ...ADMISSION_BOUNDS, memoryBytes: 128 * MIB };
// Node has booted by then and the module is being checked.
const ABORT_AFTER_MS = 400;

const spinner: Hostile = {
  name: "spinner",
  module: "attacker",
  services: { "spinner.loop": "loop" },
  limits: { cpuMs: 60_000, deadlineMs: 60_000 },
};

/** Runs all attacks that take a running plugin, and tells of each as it ends. */
export async function runSuite(isolation: Isolation, tell: Tell, attacks: readonly TurnAttack[] = TURN_ATTACKS): Promise<void> {
  const world = await openWorld(isolation, [attacker(attacks), spinner], PATIENT);
  try {
    for (const attack of attacks) tell(await strikeOnce(world, isolation, attack));
  } finally {
    await world.close();
  }
}

/** Runs everything that takes this isolation. */
export async function runIsolation(isolation: Isolation, tell: Tell): Promise<void> {
  await runSuite(isolation, tell);
  await runScenarios(isolation, tell);
  await runLifecycle(isolation, tell);
  await runComponents(isolation, tell);
}

function attacker(attacks: readonly TurnAttack[]): Hostile {
  return {
    name: "attacker",
    services: Object.fromEntries(attacks.map(({ entryPoint }) => [serviceOf(entryPoint), entryPoint])),
    grants: [
      ...["attacker.*", "polite.who", "spinner.loop"].map((resource) => ({ permission: "services.call", resource })),
      ...["state.read", "state.write"].map((permission) => ({ permission, resource: "attacker.*" })),
    ],
    limits: ATTACKER_LIMITS,
  };
}

const serviceOf = (entryPoint: string): string => `attacker.${entryPoint.replaceAll("_", "-")}`;

function strikeOnce(world: World, isolation: Isolation, attack: TurnAttack): Promise<AttackResult> {
  const { name, entryPoint, limit, expected, proof = () => true } = attack;
  world.events.length = 0;
  world.logged.length = 0;
  const traceparent = startTrace();
  const strike = (): Promise<string> => call(world, serviceOf(entryPoint), "flood", traceparent);
  return measure(world, { attack: name, isolation, limit, expected, strike, proof: () => proof({ ...world, traceparent }) });
}

/** Runs the attacks that admission must stop, beside a host that goes on serving. */
export async function runAdmissionSuite(tell: Tell): Promise<void> {
  const world = await openWorld("process", []);
  const strike = (attack: string, limit: string, expected: RegExp, wasm: Uint8Array<ArrayBuffer>, bounds = ADMISSION_BOUNDS) =>
    measure(world, { attack, isolation: "admission", limit, expected, strike: () => verdict(wasm, bounds) });
  try {
    const oddImports = new Uint8Array(await readFile(new URL("odd-imports.wasm", SUITE)));
    tell(await strike("imports named __proto__ and constructor", "allow-list", /__proto__.*no such function/, oddImports));
    for (const { name, limit, expected, make } of [...BOMBS, ...COMPONENT_BOMBS]) tell(await strike(name, limit, expected, make()));
    // A busy machine may need more than that for the last of them, which is no harm either.
    for (const { name, make } of WORST_ADMITTED)
      tell(await strike(name, "20 s of CPU, 1.5 GiB", /^admitted$|took more than 20000 ms of CPU/, make()));
    tell(await strike("the smallest module in 128 MiB", "nothing", /^admitted$/, smallest(), TIGHT));
    tell(await strike("the most loops in 128 MiB", "its process is killed", /took more than 128 MiB/, heaviest(), TIGHT));
    tell(await dieWhileChecking(world));
  } finally {
    await world.close();
  }
}

// What a module that V8 cannot bear looks like from outside: V8 aborts.
async function dieWhileChecking(world: World): Promise<AttackResult> {
  const attack = "V8 aborts while it checks";
  if (!IS_LINUX) return notTried(attack, "admission", "needs /proc, which Linux has");
  const strike = async (): Promise<string> => {
    const checked = verdict(heaviest(), ADMISSION_BOUNDS);
    await new Promise((resolve) => setTimeout(resolve, ABORT_AFTER_MS));
    process.kill(admissionProcess(), "SIGABRT");
    return checked;
  };
  return measure(world, {
    attack,
    isolation: "admission",
    limit: "a process of its own",
    expected: /^signal SIGABRT.*ended the process/,
    strike,
  });
}

function verdict(wasm: Uint8Array<ArrayBuffer>, bounds: typeof ADMISSION_BOUNDS): Promise<string> {
  return admitInProcess(wasm, DEFAULT_LIMITS, { bounds }).then(
    () => "admitted",
    (thrown) =>
      (toHostError(thrown).detail ?? toHostError(thrown).message).replaceAll("\n", " ") +
      (toHostError(thrown).detail === undefined ? "" : ` (${toHostError(thrown).message})`),
  );
}
