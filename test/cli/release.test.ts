// `bulkhead release` without a running host: the next start finds the plugin free. The quarantine comes from a data folder of 0.1.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMMAND } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

describe("bulkhead release", () => {
  let folder: TemporaryFolder;

  beforeEach(() => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "bulkhead.json"), "{}");
  });
  afterEach(() => folder.remove());

  const release = (name: string): { readonly status: number | null; readonly stderr: string } =>
    spawnSync(process.execPath, [COMMAND, "release", name], { cwd: folder.path, encoding: "utf8" });

  it("frees a plugin, and says who is quarantined when asked for another", () => {
    const file = join(folder.path, "data", "quarantine", "p.json");
    mkdirSync(join(folder.path, "data", "quarantine"), { recursive: true });
    writeFileSync(file, '{"reason":"it trapped"}');
    expect(release("q")).toMatchObject({ status: 2, stderr: expect.stringContaining("quarantined: p") });
    expect(release("../bulkhead")).toMatchObject({ status: 2 });
    expect(release("p")).toMatchObject({ status: 0, stderr: expect.stringContaining("p is released") });
    expect(existsSync(file)).toBe(false);
    expect(release("p")).toMatchObject({ status: 2, stderr: expect.stringContaining("nobody is") });
  });
});
