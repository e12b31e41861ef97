// The attacks of a hostile component, test/hostile/attacker.component.wat: on what moves values between a component and the host. What a component has of a module, its metered core
// module, is attacked as one.

import { loadTranspiler } from "../../cell/admission/transpiler.ts";
import { toHostError } from "../../core/errors.ts";
import { ATTACKER_LIMITS, type TurnAttack } from "./attacks.ts";
import { type AttackResult, call, type Hostile, type Isolation, measure, notTried, openWorld } from "./world.ts";

export const COMPONENT_ATTACKS: readonly TurnAttack[] = [
  { name: "endless loop", entryPoint: "loop", limit: "cpuMs", expected: /^cpu-exhausted$/ },
  { name: "endless loop in the allocator", entryPoint: "allocator", limit: "no interruption", expected: /^cpu-exhausted$/ },
  { name: "endless loop when its answer is released", entryPoint: "post-return", limit: "no interruption", expected: /^cpu-exhausted$/ },
  { name: "recursion as deep as it goes", entryPoint: "recursion", limit: "stackKiB", expected: /^memory-exhausted$/ },
  { name: "trap", entryPoint: "trap", limit: "the Wasm line", expected: /^plugin-failed$/ },
  { name: "memory.grow flood", entryPoint: "grow", limit: "memoryMiB", expected: /^held$/ },
  { name: "answer beyond the memory", entryPoint: "beyond", limit: "range check", expected: /^(plugin-failed|quota-exceeded)$/ },
  { name: "result beyond the memory", entryPoint: "wild", limit: "range check", expected: /^plugin-failed$/ },
  { name: "result that is neither ok nor an error", entryPoint: "forged", limit: "lifting", expected: /^plugin-failed$/ },
  { name: "answer of 3 MiB", entryPoint: "huge", limit: "payloadMiB", expected: /^quota-exceeded$/ },
  { name: "one text 100,000 times in a list", entryPoint: "keys", limit: "payloadMiB", expected: /^quota-exceeded$/ },
  { name: "list longer than the memory", entryPoint: "many", limit: "payloadMiB", expected: /^quota-exceeded$/ },
  { name: "call without a grant", entryPoint: "denied", limit: "grants", expected: /^composed has no permission services\.call/ },
];

/** Those of test/hostile/hoarder.component.wat, which is written for another host. */
export const HOARDER_ATTACKS: readonly TurnAttack[] = [
  { name: "resources of its own without end", entryPoint: "ownHandles", limit: "16,384 handles", expected: /^memory-exhausted$/ },
  { name: "three tables that grow", entryPoint: "tables", limit: "tableElements", expected: /^held$/ },
];

const serviceOf = (plugin: string, entryPoint: string): string => `${plugin}.${entryPoint.toLowerCase()}`;

/** Runs all of them in this isolation; where jco is not installed, tells that they were not tried. */
export async function runComponents(isolation: Isolation, tell: (result: AttackResult) => void): Promise<void> {
  const absent = await loadTranspiler().then(
    () => undefined,
    (thrown) => toHostError(thrown).message,
  );
  if (absent !== undefined) return tell(notTried("a hostile component", isolation, absent));
  const hostile = (name: string, module: string, attacks: readonly TurnAttack[]): Hostile => ({
    name,
    module,
    services: Object.fromEntries(attacks.map(({ entryPoint }) => [serviceOf(name, entryPoint), entryPoint])),
    limits: ATTACKER_LIMITS,
  });
  const composed = hostile("composed", "attacker.component", COMPONENT_ATTACKS);
  const hoarder = hostile("hoarder", "hoarder.component", HOARDER_ATTACKS);
  // Every attack is one failure of the attacker, and none of them is to be its last.
  const world = await openWorld(isolation, [composed, hoarder], { pauseAfter: 1_000, quarantineAfter: 1_000 });
  try {
    for (const [{ name: plugin }, attacks] of [
      [composed, COMPONENT_ATTACKS],
      [hoarder, HOARDER_ATTACKS],
    ] as const) {
      for (const { name, entryPoint, limit, expected } of attacks) {
        const strike = (): Promise<string> => call(world, serviceOf(plugin, entryPoint), "flood");
        tell(await measure(world, { attack: `component: ${name}`, isolation, limit, expected, strike }));
      }
    }
  } finally {
    await world.close();
  }
}
