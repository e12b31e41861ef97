// `bulkhead pack` writes a tarball, and `bulkhead publish` brings one to a real registry, from which it can be fetched, without running a script.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchPackage } from "../../host/install/package-sources.ts";
import { packageReader } from "../../host/lifecycle/package-reader.ts";
import { COMMAND } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { startRegistry, type TestRegistry } from "../support/registry.ts";

describe("bulkhead", () => {
  let folder: TemporaryFolder;
  let registry: TestRegistry;
  let plugin: string;

  beforeAll(async () => {
    folder = temporaryFolder();
    registry = await startRegistry(folder.path);
    writeFileSync(join(folder.path, ".npmrc"), registry.npmrc);
    plugin = await writePlugin(folder.path, "thermostat", "(module)", { version: "1.2.3" });
    const scripts = Object.fromEntries(
      ["prepublishOnly", "prepare", "prepack", "publish"].map((name) => [name, `touch ${folder.path}/mark`]),
    );
    writeFileSync(join(plugin, "package.json"), JSON.stringify({ name: "@acme/thermostat", version: "1.2.3", scripts }));
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    folder.remove();
  });

  const run = (...args: string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> =>
    new Promise((done) => {
      const env = { ...process.env, npm_config_userconfig: join(folder.path, ".npmrc"), npm_config_cache: join(folder.path, "npm-cache") };
      execFile(process.execPath, [COMMAND, ...args], { cwd: folder.path, env }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
      );
    });
  const fetched = (spec: string): ReturnType<typeof fetchPackage> =>
    fetchPackage(spec, { reader: packageReader(), registry: registry.url });

  it("packs into this folder or where it is told, and says what is in it", async () => {
    const packed = await run("pack", plugin, "--json");
    const answer = JSON.parse(packed.stdout);
    const file = join(folder.path, "acme-thermostat-1.2.3.tgz");
    expect(answer).toMatchObject({ name: "@acme/thermostat", file, files: ["package.json", "plugin.json", "plugin.wasm"] });
    expect(await fetched(file)).toMatchObject({ integrity: answer.integrity });
    expect(await run("pack", plugin, "--out", "mine.tgz", "--name", "other")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("plugin.wasm"),
    });
    expect(readFileSync(join(folder.path, "mine.tgz")).length).toBeGreaterThan(0);
    expect(await run("pack", folder.path)).toMatchObject({ code: 2, stderr: expect.stringContaining("invalid-manifest") });
    expect(await run("pack", plugin, "--out", "/none/x.tgz")).toMatchObject({ code: 2, stderr: expect.stringContaining("--out") });
  });

  it("publishes so that it can be fetched, and not twice", async () => {
    const dry = await run("publish", plugin, "--registry", registry.url, "--dry-run");
    expect(dry).toMatchObject({ code: 0, stderr: expect.stringContaining("would be published") });
    await expect(fetched("@acme/thermostat")).rejects.toMatchObject({ code: "invalid-message" });

    const published = await run("publish", plugin, "--registry", registry.url, "--access", "public", "--json");
    expect(published).toMatchObject({ code: 0, stderr: expect.stringContaining("@acme/thermostat@1.2.3 is published") });
    const { integrity } = JSON.parse(published.stdout);
    expect(await fetched("@acme/thermostat@^1.0.0")).toMatchObject({ integrity, source: "npm:@acme/thermostat@1.2.3" });
    expect(existsSync(join(folder.path, "mark"))).toBe(false);

    expect(await run("publish", plugin, "--registry", registry.url)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is not published"),
    });
  });

  it("publishes under another name and tag", async () => {
    const options = ["--registry", registry.url, "--name", "@acme/heating", "--tag", "next"];
    expect(await run("publish", plugin, ...options)).toMatchObject({ code: 0 });
    expect(await fetched("@acme/heating@next")).toMatchObject({ source: "npm:@acme/heating@1.2.3" });
  });
});
