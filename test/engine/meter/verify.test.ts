// The checker takes whatever the meter makes, and notices when the meter is broken, one way after the other.

import { readdir, readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type admit, DEFAULT_ADMISSION_LIMITS } from "../../../host/engine/admission.ts";
import { rewrite } from "../../../host/engine/meter/rewrite.ts";
import { assemble } from "../corpus/text.ts";
import type { Mutant } from "./fuel-mutants.ts";
import { mutants } from "./mutants.ts";
import { type Specimen, specimens } from "./specimens.ts";
import { equal, GUEST, metered, refusal } from "./verifying.ts";

const METER = "../../../host/engine/meter";

let all: readonly Specimen[];
beforeAll(async () => {
  all = await specimens();
});

describe("the checker", () => {
  it("uses nothing of what wove the fuel in", async () => {
    const folder = new URL("../../../host/engine/meter/", import.meta.url);
    const files = (await readdir(folder)).filter((name) => name.startsWith("verify"));
    expect(files).toContain("verify.ts");
    for (const file of files) {
      const imports = (await readFile(new URL(file, folder), "utf8")).matchAll(/from "(\.[^"]+)"/g);
      for (const [, from] of imports)
        expect(from, file).toMatch(/^\.\/(verify-[a-z]+|added-exports)\.ts$|^\.\.\/wasm\/|^\.\.\/\.\.\/core\/errors\.ts$/);
    }
  });
});

describe("a module that the meter made", () => {
  it("is taken, whatever the meter had to do in it", () => {
    for (const { name, bytes } of all) {
      expect(refusal(metered(bytes)), name).toBeUndefined();
      expect(refusal(metered(bytes, rewrite, true), true), `${name}, called by other guests`).toBeUndefined();
    }
  });
});

/** A module of the host's that uses a broken meter. */
async function withMutant<T>({ file, change }: Mutant, user: string): Promise<T> {
  vi.resetModules();
  const path = `${METER}/${file}`;
  vi.doMock(path, async (load) => {
    const original: object = await load();
    return { ...original, ...change(original as never) };
  });
  const loaded: T = await import(user);
  vi.doUnmock(path);
  return loaded;
}

describe("a meter that is broken", () => {
  it("has its modules refused at admission, as the host's own fault", async () => {
    const [mutant] = mutants;
    if (mutant === undefined) throw new Error("no mutants");
    const { admit: broken } = await withMutant<{ admit: typeof admit }>(mutant, "../../../host/engine/admission.ts");
    const options = { limits: DEFAULT_ADMISSION_LIMITS, isAllowedImport: () => true as const };
    const refused = expect.objectContaining({ code: "internal", message: expect.stringContaining("the checker refuses") });
    expect(() => broken(assemble(GUEST), options)).toThrow(refused);
  });
});

describe("a meter that is broken is noticed:", () => {
  it.each(mutants)("$name", async (mutant) => {
    const { rewrite: broken } = await withMutant<{ rewrite: typeof rewrite }>(mutant, `${METER}/rewrite.ts`);

    const noticed: string[] = [];
    for (const { bytes } of all) {
      const admitted = metered(bytes, broken);
      // What V8 refuses does not come so far.
      if (!WebAssembly.validate(admitted) || equal(admitted, metered(bytes))) continue;
      const why = refusal(admitted);
      if (why !== undefined) noticed.push(why);
    }
    expect(noticed.length, "specimens that are refused").toBeGreaterThan(0);
  });
});
