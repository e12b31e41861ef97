// Our reader of wit/ against the reference implementation, which jco brings along.

import { componentEmbed, componentNew, componentWit, print } from "@bytecodealliance/jco-transpile/wasm-tools";
import { describe, expect, it } from "vitest";
import { readContract } from "../../../plugin-sdk/codegen/build.ts";
import { coreSignature } from "../../../plugin-sdk/codegen/flatten.ts";
import { functionsOf, importedInterfaces } from "../../../plugin-sdk/codegen/model.ts";
import { worldText } from "../../support/components.ts";

const embedded = async (witSource: string): Promise<Uint8Array> => componentEmbed({ witSource, world: "plugin", dummy: true });

describe("wit/ as jco reads it", () => {
  it("is a valid world, and no longer one when a type is missing", async () => {
    const wit = await componentWit(await componentNew(await embedded(await worldText()), []));
    expect(wit).toContain("export bulkhead:plugin/entry-points@0.2.0;");
    await expect(embedded((await worldText()).replace("record caller {", "record nobody {"))).rejects.toThrow(/caller/);
  });

  it("has the functions and core signatures that our reader finds", async () => {
    const text = await print(await embedded(await worldText()));
    const types = [...text.matchAll(/\(type \(;\d+;\) \(func(?: \(param ([a-z0-9 ]+)\))?(?: \(result ([a-z0-9 ]+)\))?\)\)/g)].map(
      ([, params = "", results = ""]) => `${params} -> ${results}`,
    );
    const imports = [...text.matchAll(/\(import "[^"]*\/([a-z-]+)@[0-9.]+" "([a-z-]+)" \(func \(;\d+;\) \(type (\d+)\)\)\)/g)];
    const found = imports.map(([, face, func, type]) => [`${face}.${func}`, types[Number(type)]]);
    const contract = await readContract();
    const expected = importedInterfaces(contract).flatMap((face) =>
      functionsOf(face).map((func) => {
        const { params, results } = coreSignature(contract, face, func);
        return [`${face.name}.${func.name}`, `${params.join(" ")} -> ${results.join(" ")}`];
      }),
    );
    expect(found.length).toBeGreaterThan(15);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });
});
