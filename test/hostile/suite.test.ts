// The hostile suite in every isolation, as `bulkhead selftest` runs it; that it can fail; and that its modules are those of their sources.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TURN_ATTACKS } from "../../host/cli/selftest/attacks.ts";
import { BOMBS, WORST_ADMITTED } from "../../host/cli/selftest/bombs.ts";
import { exitCodeOf } from "../../host/cli/selftest/command.ts";
import { COMPONENT_BOMBS } from "../../host/cli/selftest/component-bombs.ts";
import { COMPONENT_ATTACKS, HOARDER_ATTACKS } from "../../host/cli/selftest/components.ts";
import { runAdmissionSuite, runIsolation, runSuite } from "../../host/cli/selftest/run.ts";
import { type AttackResult, measure, notTried, openWorld, PATIENCE_MS } from "../../host/cli/selftest/world.ts";
import { CELL_KINDS } from "../support/cells.ts";
import { hostileModule } from "../support/components.ts";

const here = (name: string): URL => new URL(name, import.meta.url);

describe("the modules", () => {
  it.each(readdirSync(here(".")).filter((name) => name.endsWith(".wat")))(
    "%s is compiled as it stands (npm run build:hostile)",
    async (name) => {
      const compiled = Buffer.from(await hostileModule(name, readFileSync(here(name), "utf8")));
      expect(compiled.equals(readFileSync(here(name.replace(".wat", ".wasm"))))).toBe(true);
    },
  );

  it("have an attack for each export of the attacker", () => {
    const exported = [...readFileSync(here("attacker.wat"), "utf8").matchAll(/\(export "(\w+)"\)/g)].map((match) => match[1]);
    expect(TURN_ATTACKS.map(({ entryPoint }) => entryPoint).sort()).toEqual(exported.sort());
  });
});

describe("the suite", () => {
  it.each(CELL_KINDS)("is stopped in a host with %s cells, and the neighbour keeps serving", async (kind) => {
    const results: AttackResult[] = [];
    await runIsolation(kind, (result) => results.push(result));
    expect(results.filter(({ held, tried }) => tried && !held)).toEqual([]);
    expect(results.length).toBe(
      TURN_ATTACKS.length + 12 + (kind === "process" ? 1 : 0) + 7 + COMPONENT_ATTACKS.length + HOARDER_ATTACKS.length,
    );
  });

  it("is stopped at admission", async () => {
    const results: AttackResult[] = [];
    await runAdmissionSuite((result) => results.push(result));
    expect(results.filter(({ held, tried }) => tried && !held)).toEqual([]);
    expect(results).toHaveLength(BOMBS.length + COMPONENT_BOMBS.length + WORST_ADMITTED.length + 4);
  });
});

describe("a check that can fail", () => {
  const anything = { attack: "x", isolation: "inline", limit: "none" } as const;

  it("tells that a limit did not hold", async () => {
    const results: AttackResult[] = [];
    const harmless = { name: "nothing", entryPoint: "odd_names", limit: "none", expected: /^cpu-exhausted$/ };
    const unproven = { name: "unproven", entryPoint: "odd_names", limit: "none", expected: /^done$/, proof: () => false };
    await runSuite("inline", (result) => results.push(result), [harmless, unproven]);
    expect(results.map(({ attack, held }) => [attack, held])).toEqual([
      ["nothing", false],
      ["unproven", false],
    ]);
  });

  it("tells that the neighbour is dead", async () => {
    const world = await openWorld("inline", []);
    const kill = async (): Promise<string> => {
      await world.host.core.plugin("polite")?.stop(0);
      return "done";
    };
    expect(await measure(world, { ...anything, expected: /done/, strike: kill })).toMatchObject({ held: false, neighbourMs: -1 });
    await world.close();
  });

  it("tells that the host stood still, and that prototypes were polluted", async () => {
    const world = await openWorld("process", []);
    const stall = async (): Promise<string> => {
      for (const end = performance.now() + PATIENCE_MS + 100; performance.now() < end; );
      return "done";
    };
    const stalled = await measure(world, { ...anything, expected: /done/, strike: stall });
    expect(stalled.held).toBe(false);
    expect(stalled.hostMs).toBeGreaterThan(PATIENCE_MS);
    const pollute = async (): Promise<string> => {
      Object.defineProperty(Object.prototype, "polluted", { value: 1, configurable: true });
      return "done";
    };
    const polluted = await measure(world, { ...anything, expected: /done/, strike: pollute });
    Reflect.deleteProperty(Object.prototype, "polluted");
    expect(polluted.held).toBe(false);
    await world.close();
  });

  it("ends with an exit code of its own unless all that was tried was held", () => {
    const held: AttackResult = { ...anything, outcome: "", ms: 0, neighbourMs: 0, hostMs: 0, held: true, tried: true };
    const skipped = notTried("y", "process", "no such system");
    expect(exitCodeOf([held, skipped])).toBe(0);
    expect(exitCodeOf([held, { ...held, held: false }])).toBe(1);
    expect(exitCodeOf([skipped])).toBe(1);
    expect(exitCodeOf([])).toBe(1);
  });
});
