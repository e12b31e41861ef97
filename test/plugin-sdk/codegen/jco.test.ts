// Our reader of wit/ against the reference implementation. jco is no dependency (337 MB): BULKHEAD_JCO names its command, which .ci/run installs.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readContract } from "../../../plugin-sdk/codegen/build.ts";
import { coreSignature } from "../../../plugin-sdk/codegen/flatten.ts";
import { functionsOf, importedInterfaces } from "../../../plugin-sdk/codegen/model.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/plugin-folders.ts";

const run = promisify(execFile);
const jco = process.env.BULKHEAD_JCO;
const wit = fileURLToPath(new URL("../../../wit", import.meta.url));

describe.skipIf(jco === undefined)("wit/ as jco reads it (BULKHEAD_JCO names its command)", () => {
  let folder: TemporaryFolder;
  const jcoSays = async (...args: string[]): Promise<string> => (await run(jco ?? "", args, { timeout: 60_000 })).stdout;

  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());

  it("is valid", async () => {
    await jcoSays("types", wit, "--world-name", "plugin", "--out-dir", join(folder.path, "types"));
  });

  it("has the functions and core signatures that our reader finds", async () => {
    const file = join(folder.path, "dummy.wasm");
    await jcoSays("embed", "--dummy", "--wit", wit, "--world-name", "plugin", "--output", file);
    const text = await jcoSays("print", file);
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
