// AssemblyScript's imports are generated and its functions for authors are written by hand around them, so this says which one is missing.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readContract } from "../../../plugin-sdk/codegen/build.ts";
import { functionsOf, importedInterfaces, importName } from "../../../plugin-sdk/codegen/model.ts";

const ASSEMBLY = new URL("../../../plugin-sdk/assemblyscript/assembly/", import.meta.url);

describe("the functions for authors", async () => {
  const source = readdirSync(ASSEMBLY)
    .filter((name) => name !== "imports.ts")
    .map((name) => readFileSync(new URL(name, ASSEMBLY), "utf8"))
    .join("\n");
  const imports = importedInterfaces(await readContract()).flatMap((face) => functionsOf(face).map((func) => importName(face, func)));

  it.each(imports)("call %s", (name) => {
    expect(source).toContain(`abi.${name}(`);
  });
});
