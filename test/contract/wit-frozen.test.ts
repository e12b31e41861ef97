// What was released of wit/ stays as it is, to the byte: plugins were built for it, and its versions are served together.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { API_VERSIONS } from "../../host/core/wit.ts";
import { OWN } from "../../host/engine/component/standard/own.ts";
import { supportedInterface } from "../../host/engine/component/supported.ts";
import { apiOf, apiOfImport, EXTISM_USER } from "../../host/engine/guest/imports.ts";
import { readContract, readReleases } from "../../plugin-sdk/codegen/build.ts";
import { functionsOf, importedInterfaces, importName } from "../../plugin-sdk/codegen/model.ts";
import { apiOf as apiOfContract } from "../../plugin-sdk/codegen/releases.ts";

const WIT = new URL("../../wit/", import.meta.url);

const RELEASED: readonly (readonly [file: string, sha256: string])[] = [
  ["v0.1/host.wit", "3a1ebc906aeea4c1bb5967bdf35fd00048dcc578f0bea2f83adc9563b3893f5f"],
  ["v0.1/plugin.wit", "7fa93fb90e8df3c9b99d3dd7658fcc6c21441871653a977209c8e309fe21bbb9"],
  ["v0.1/types.wit", "84fd2a9de3b506a48fed8686df31e5c2657b801121df9ccb204d4b297435a7a6"],
];

describe("a released wit/", () => {
  it("is what it was, and every one is", () => {
    const hashOf = (file: string): string =>
      createHash("sha256")
        .update(readFileSync(new URL(file, WIT)))
        .digest("hex");
    expect(RELEASED.map(([file]) => [file, hashOf(file)])).toEqual(RELEASED);
    const released = readdirSync(WIT, { recursive: true, encoding: "utf8" }).filter((file) => /^v.*\.wit$/.test(file));
    expect(released.sort()).toEqual(RELEASED.map(([file]) => file));
  });

  it("is served, to modules and to components, and so is the one that is being written", async () => {
    const contracts = [...(await readReleases()), await readContract()];
    expect(contracts.map(apiOfContract)).toEqual([...API_VERSIONS]);
    for (const [i, contract] of contracts.entries()) {
      const version = apiOfContract(contract);
      const needs = importedInterfaces(contract).flatMap((face) =>
        functionsOf(face).map((func) => apiOfImport({ module: EXTISM_USER, name: importName(face, func) })),
      );
      expect(API_VERSIONS.slice(0, i + 1)).toContain(apiOf(needs).since);
      for (const face of importedInterfaces(contract)) {
        const served = supportedInterface(`bulkhead:plugin/${face.name}@${version}.0`);
        expect(served, face.name).toHaveProperty("functions");
        if (typeof served === "object") expect([...served.functions.keys()]).toEqual(functionsOf(face).map(({ name }) => name));
      }
    }
    expect([...OWN.keys()]).toEqual([...API_VERSIONS]);
    for (const version of ["0.0.9", "0.1.1", "0.3.0", "1.0.0"])
      expect(supportedInterface(`bulkhead:plugin/log@${version}`)).toBe("another version");
  });

  it("needs the latest version that anything of it came with, and the first where nothing did", () => {
    const [first, second] = [
      { since: "0.1", because: "a" },
      { since: "0.2", because: "b" },
    ] as const;
    expect(apiOf([first, second, first])).toBe(second);
    expect(apiOf([first])).toBe(first);
    expect(apiOf([])).toEqual({ since: "0.1", because: "nothing of it" });
    expect(apiOfImport({ module: "wasi_snapshot_preview1", name: "fd_write" })).toMatchObject({ since: "0.1" });
  });
});
