// `bulkhead sbom` as people run it: what it writes is packed and signed with the plugin.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bulkhead, type Ran } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

describe("bulkhead sbom", () => {
  let folder: TemporaryFolder;
  let plugin: string;
  const run = (...args: string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path, env: { SOURCE_DATE_EPOCH: "86400" } });

  beforeAll(async () => {
    folder = temporaryFolder();
    plugin = await writePlugin(folder.path, "lamp", "(module)", { api: "0.2", description: "a lamp" });
  });
  afterAll(() => folder.remove());

  it("prints the bill of a plugin, and says where there is no lock file", async () => {
    const { code, stdout, stderr } = await run("sbom", "lamp");
    expect([code, stderr]).toEqual([0, expect.stringContaining("no lock file")]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ bomFormat: "CycloneDX", specVersion: "1.6" },
      metadata: { timestamp: "1970-01-02T00:00:00.000Z", component: { name: "lamp", description: "a lamp" } },
      components: [{ type: "file", name: "plugin.wasm" }],
    });
  });

  it("writes it into the folder, from where it is packed", async () => {
    writeFileSync(join(plugin, "package-lock.json"), '{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}}');
    expect(await run("sbom", "lamp", "--write")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("sbom.cdx.json is written"),
    });
    const text = readFileSync(join(plugin, "sbom.cdx.json"), "utf8");
    expect(JSON.parse(text).components.map(({ name }: { name: string }) => name)).toEqual(["plugin.wasm", "a"]);
    await run("sbom", "lamp", "--write");
    expect(readFileSync(join(plugin, "sbom.cdx.json"), "utf8")).toBe(text);
    expect(JSON.parse((await run("pack", "lamp", "--json")).stdout).files).toContain("sbom.cdx.json");
  });

  it("prints the bill of the host", async () => {
    const { code, stdout } = await run("sbom", "--host");
    const { metadata, components } = JSON.parse(stdout);
    expect([code, metadata.component.name]).toEqual([0, "bulkhead"]);
    expect(components.map(({ name }: { name: string }) => name)).toContain("better-sqlite3");
  });

  it("says what it does not understand", async () => {
    writeFileSync(join(plugin, "package-lock.json"), "{");
    expect(await run("sbom", "lamp")).toMatchObject({ code: 2, stderr: expect.stringContaining("package-lock.json is not JSON") });
    for (const args of [[], ["lamp", "--host"], ["--host", "--write"], ["nowhere"]])
      expect(await run("sbom", ...args), args.join(" ")).toMatchObject({ code: 2 });
  });
});
