// The contract stands in wit/ once; the table of host functions, the errors and the import list must say the same.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blobFunctions } from "../../host/capabilities/blobs/functions.ts";
import { ALWAYS_NEEDS, CAPABILITIES } from "../../host/capabilities/index.ts";
import { scheduleFunctions } from "../../host/capabilities/schedules/functions.ts";
import type { Scheduler } from "../../host/capabilities/schedules/scheduler.ts";
import { HOST_ERROR_CODES } from "../../host/core/errors.ts";
import { OWN_NEEDS } from "../../host/core/host-functions.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { CELL_FUNCTIONS } from "../../host/engine/guest/cell-functions.ts";
import { isAllowedImport } from "../../host/engine/guest/imports.ts";
import { readContract } from "../../plugin-sdk/codegen/build.ts";
import { functionsOf, importedInterfaces, importName } from "../../plugin-sdk/codegen/model.ts";
import { blobsInMemory } from "../support/blobs.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const contract = await readContract();
const faces = importedInterfaces(contract);

describe("the contract", () => {
  it("has every function of the world's imports in one of the tables of host functions, and no other", () => {
    const inWit = faces.flatMap((face) => functionsOf(face).map(({ name }) => `${face.name}.${name}`));
    const ofCapabilities = Object.values(CAPABILITIES).flatMap(({ needs }) => Object.keys(needs));
    // Those of capabilities that need no permission.
    const permissionFree = [
      ...Object.keys(scheduleFunctions({} as Scheduler, systemClock)),
      ...Object.keys(blobFunctions(blobsInMemory())),
    ];
    expect([...CELL_FUNCTIONS.keys(), ...OWN_NEEDS.keys(), ...ofCapabilities, ...ALWAYS_NEEDS.keys(), ...permissionFree].sort()).toEqual(
      [...inWit].sort(),
    );
    expect(inWit.length).toBeGreaterThan(10);
  });

  it("maps every function to an import by the rule of docs/abi.md", () => {
    for (const face of faces) {
      for (const func of functionsOf(face)) {
        const name = importName(face, func);
        const asked = { module: "extism:host/user", name, kind: "function", params: func.params.map(() => "i64"), results: ["i64"] };
        expect(isAllowedImport(asked, {}), name).toBe(true);
      }
    }
  });

  it("refuses imports that it does not have, have another signature, or name a prototype's property", () => {
    const refused = (module: string, name: string, params: string[] = [], results: string[] = []) =>
      isAllowedImport({ module, name, kind: "function", params, results }, {});
    expect(refused("env", "abort")).toContain("the host provides no such function; a program that embeds the host can declare it");
    for (const module of ["env", "extism:host/env"]) expect(refused(module, "extism_input_load_u8")).toContain("built with an old PDK");
    expect(refused("wasi_snapshot_preview1", "fd_open", ["i32"], ["i32"])).toBe("the host provides no such function");
    expect(refused("wasi_snapshot_preview1", "fd_write", ["i32"], ["i32"])).toBe("it is (i32,i32,i32,i32) -> (i32), not (i32) -> (i32)");
    for (const name of ["constructor", "__proto__", "toString"]) expect(refused("extism:host/env", name)).toContain("no such function");
    for (const module of ["constructor", "__proto__"]) expect(refused(module, "alloc")).toContain("no such function");
    expect(refused("extism:host/env", "alloc", ["i32"], ["i64"])).toBe("it is (i64) -> (i64), not (i32) -> (i64)");
  });

  it("has every import of docs/abi.md in the allow-list, and the other way round", () => {
    const abi = read("docs/abi.md");
    const documented = new Set(
      [...abi.matchAll(/`([a-z_0-9]+)\(/g)].map((match) => match[1]).concat([...abi.matchAll(/`(log_[a-z]+)`/g)].map((match) => match[1])),
    );
    const source = read("host/engine/guest/imports.ts");
    const env = /const ENV[^{]*\{([\s\S]*?)\n\};/.exec(source)?.[1] ?? "";
    const provided = [...env.matchAll(/^\s*([a-z_0-9]+):/gm)].map((match) => match[1]);
    expect(provided.length).toBeGreaterThan(20);
    expect([...documented].sort()).toEqual([...new Set([...provided, "load", "store", "release"])].sort());
  });

  it("has the error codes of docs/errors.md, in the same order", () => {
    const inDocs = [...read("docs/errors.md").matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
    expect(inDocs).toEqual([...HOST_ERROR_CODES]);
  });
});
