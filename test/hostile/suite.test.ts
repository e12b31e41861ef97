// The hostile suite in every isolation, as `bulkhead selftest` runs it; and that its modules are those of their sources.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MODULE_ATTACKS, TURN_ATTACKS } from "../../host/cli/selftest/attacks.ts";
import { type AttackResult, runAdmissionSuite, runSuite } from "../../host/cli/selftest/run.ts";
import { CELL_KINDS } from "../support/cells.ts";
import { wat } from "../support/wat.ts";

const here = (name: string): URL => new URL(name, import.meta.url);

describe("the modules", () => {
  it.each(readdirSync(here(".")).filter((name) => name.endsWith(".wat")))(
    "%s is compiled as it stands (npm run build:hostile)",
    async (name) => {
      const compiled = Buffer.from(await wat(readFileSync(here(name), "utf8")));
      expect(compiled.equals(readFileSync(here(name.replace(".wat", ".wasm"))))).toBe(true);
    },
  );

  it("have an attack for each export of the attacker", () => {
    const exported = [...readFileSync(here("attacker.wat"), "utf8").matchAll(/\(export "(\w+)"\)/g)].map((match) => match[1]);
    expect(TURN_ATTACKS.map(({ entryPoint }) => entryPoint).sort()).toEqual(exported.sort());
  });
});

describe("the suite", () => {
  it.each(CELL_KINDS)(
    "is stopped in a host with %s cells, and the neighbour keeps serving",
    async (kind) => {
      const results: AttackResult[] = [];
      await runSuite(kind, (result) => results.push(result));
      expect(results.filter(({ held }) => !held)).toEqual([]);
      expect(results).toHaveLength(TURN_ATTACKS.length + 1);
    },
    90_000,
  );

  it("is stopped at admission", async () => {
    const results: AttackResult[] = [];
    await runAdmissionSuite((result) => results.push(result));
    expect(results.filter(({ held }) => !held)).toEqual([]);
    expect(results).toHaveLength(MODULE_ATTACKS.length);
  });
});
