// The attacks of a hostile component, test/hostile/attacker.component.wat: on what moves values between a component and the host. What a component has of a module, its metered core
// module, is attacked as one.

import { loadTranspiler } from "../../cell/transpiler.ts";
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

/** Runs all of them in this isolation; where jco is not installed, tells that they were not tried. */
export async function runComponents(isolation: Isolation, tell: (result: AttackResult) => void): Promise<void> {
  const absent = await loadTranspiler().then(
    () => undefined,
    (thrown) => toHostError(thrown).message,
  );
  if (absent !== undefined) return tell(notTried("a hostile component", isolation, absent));
  const composed: Hostile = {
    name: "composed",
    module: "attacker.component",
    services: Object.fromEntries(COMPONENT_ATTACKS.map(({ entryPoint }) => [`composed.${entryPoint}`, entryPoint])),
    limits: ATTACKER_LIMITS,
  };
  // Every attack is one failure of the attacker, and none of them is to be its last.
  const world = await openWorld(isolation, [composed], { pauseAfter: 1_000, quarantineAfter: 1_000 });
  try {
    for (const { name, entryPoint, limit, expected } of COMPONENT_ATTACKS) {
      const strike = (): Promise<string> => call(world, `composed.${entryPoint}`, "flood");
      tell(await measure(world, { attack: `component: ${name}`, isolation, limit, expected, strike }));
    }
  } finally {
    await world.close();
  }
}
