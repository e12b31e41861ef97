// `bulkhead inspect` as people run it: admitted, refused with every reason, unreadable, hostile names.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needsOf } from "../../host/capabilities/index.ts";
import { CELL_FUNCTIONS } from "../../host/engine/guest/cell-functions.ts";
import { EXTISM_USER, FUNCTION_BY_IMPORT, functionOfImport } from "../../host/engine/guest/imports.ts";
import { COMMAND } from "../support/command.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { wat } from "../support/wat.ts";

describe("bulkhead inspect", () => {
  let folder: TemporaryFolder;

  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder.remove());

  const inspect = (...args: string[]) => spawnSync(process.execPath, [COMMAND, "inspect", ...args], { encoding: "utf8" });
  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    const file = join(folder.path, name);
    writeFileSync(file, bytes);
    return file;
  };

  it("shows a folder's requests, its imports with the permission each needs, and the verdict", () => {
    const { status, stdout } = inspect(ownPlugin("devices"));
    expect(status).toBe(0);
    for (const part of ["devices", "events_publish", "events.publish", "storage_get", "its own things only", "It would be admitted."]) {
      expect(stdout).toContain(part);
    }
  });

  it("gives every reason of a refusal, as JSON too, and still says what the module is", async () => {
    const file = await write(
      "bad.wasm",
      await wat('(module (import "env" "a\\1b[31m" (func)) (import "wasi" "b" (func)) (memory 1) (func (export "run")))'),
    );
    const { status, stdout } = inspect(file, "--json");
    expect(status).toBe(1);
    const inspection = JSON.parse(stdout);
    expect(inspection.verdict).toBe("refused");
    expect(inspection.reasons).toHaveLength(2);
    expect(inspection.module).toMatchObject({ functions: 1, exports: [{ name: "run" }], memory: { minPages: 1 } });
    const table = inspect(file);
    expect(table.status).toBe(1);
    expect(table.stdout).not.toContain("\x1b");
    expect(table.stdout).toContain("\\u{1b}[31m");
  });

  it("refuses what is no module, and exits with 2 for what is not there", async () => {
    const file = await write("text.wasm", new TextEncoder().encode("no module"));
    expect(inspect(file)).toMatchObject({ status: 1, stdout: expect.stringContaining("It would be refused") });
    expect(inspect(join(folder.path, "nothing.wasm"))).toMatchObject({ status: 2 });
  });

  it("knows a permission for every function that touches others", () => {
    for (const [name, functionName] of FUNCTION_BY_IMPORT) {
      // A plugin's schedules, blobs and passwords are its own, though the host keeps or hashes them.
      const isOwn = CELL_FUNCTIONS.has(functionName) || /^(schedules\.|blobs\.|crypto\.password-)/.test(functionName);
      expect(needsOf(functionOfImport(EXTISM_USER, name) ?? "") !== undefined, name).toBe(!isOwn);
    }
  });
});
