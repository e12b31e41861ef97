// The blobs of a plugin as its operator sees them, of a host that runs and of one that does not; and what is left when the plugin is gone.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ShownBlobs } from "../../host/admin/blob-operations.ts";
import { openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { scribe } from "../support/blobs.ts";
import { bulkhead } from "../support/command.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const MIB = 1_048_576;

describe("the blobs of a plugin", () => {
  let folder: TemporaryFolder;
  beforeEach(async () => {
    folder = temporaryFolder();
    await scribe(folder.path, "scribe");
  });
  afterEach(() => folder.remove());
  const configurationOf = (plugins: object) =>
    parseConfiguration(JSON.stringify({ adapters: { http: false }, plugins }), join(folder.path, "bulkhead.json"));
  const started = (plugins: object): Promise<RunningHost> => createHost({ configuration: configurationOf(plugins), log: memoryLog() });
  const write = (host: RunningHost, name: string): Promise<string[]> =>
    host.call<string[]>("scribe.run", [
      { op: "create", name },
      ...[1, 2, 3].map((fill) => ({ op: "append", bytes: MIB, fill })),
      { op: "finish" },
    ]);
  const configured = { scribe: { path: "scribe", isolation: "inline" } };

  it("are listed, written to a file and removed by the command, whether the host runs or not, and the audit log tells", async () => {
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ adapters: { http: false }, plugins: configured }));
    const command = (...args: string[]) => bulkhead(["blobs", ...args], { cwd: folder.path });
    const look = async (): Promise<void> => {
      const { stdout } = await command("list", "scribe");
      for (const word of ["../a", "text/plain", String(3 * MIB), "1 blobs, 3145742 bytes in all"]) expect(stdout).toContain(word);
      const { blobs } = JSON.parse((await command("list", "scribe", "--json")).stdout) as ShownBlobs;
      expect(blobs).toMatchObject([{ name: "../a", size: 3 * MIB }]);
    };
    const host = await started(configured);
    await write(host, "../a");
    await look();
    expect(await command("get", "scribe", "../a", "--out", "a.bin")).toMatchObject({ code: 0 });
    const content = readFileSync(join(folder.path, "a.bin"));
    expect(content.length).toBe(3 * MIB);
    for (let i = 0; i < 3; i += 1) expect(content.subarray(i * MIB, (i + 1) * MIB).every((byte) => byte === i + 1)).toBe(true);
    expect(await command("get", "scribe", "../a", "--out", "a.bin")).toMatchObject({ code: 2, stderr: expect.stringContaining("EEXIST") });
    await host.stop();
    await look();
    expect((await command("get", "scribe", "../a")).stdout.length).toBe(3 * MIB);
    expect((await command("get", "scribe", "b")).stderr).toContain('scribe has no blob "b"');
    expect((await command("list", "nobody")).stderr).toContain("there is no plugin nobody");
    expect(await command("delete", "scribe", "../a")).toMatchObject({ code: 0 });
    expect((await command("delete", "scribe", "../a")).stderr).toContain('scribe has no blob "../a"');
    expect((await command("list", "scribe")).stdout).toBe("0 blobs, 0 bytes in all\n");
    await using control = await openControl(configurationOf(configured));
    const audit = JSON.stringify(await control.invoke("audit", {}));
    for (const action of ["blobs-list", "blobs-get", "blobs-delete"]) expect(audit).toContain(action);
  });

  it("stay when the plugin is uninstalled, and go with its data", async () => {
    await using host = await started({});
    const install = (): Promise<string> => host.install(join(folder.path, "scribe"));
    await using control = await openControl(configurationOf({}));
    await install();
    const [told] = (await write(host, "a")).slice(-1);
    await control.invoke("uninstall", { plugin: "scribe", purge: false });
    await install();
    expect(await host.call("scribe.run", [{ op: "stat", name: "a" }])).toEqual([told]);
    await control.invoke("uninstall", { plugin: "scribe", purge: true });
    expect(existsSync(join(folder.path, "data", "blobs", "scribe"))).toBe(false);
    await install();
    expect(await host.call("scribe.run", [{ op: "stat", name: "a" }])).toEqual(["none"]);
  });
});
