// Packing a folder takes what a plugin is made of and nothing else, gives the same bytes each time, and refuses what could not be installed.

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packPlugin } from "../../host/install/pack.ts";
import { fetchPackage } from "../../host/install/package-sources.ts";
import { packageReader } from "../../host/lifecycle/package-reader.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "nothing",
    (thrown: unknown) => thrown,
  );

describe("packPlugin", () => {
  let folder: TemporaryFolder;
  let plugin: string;

  beforeEach(async () => {
    folder = temporaryFolder();
    plugin = await writePlugin(folder.path, "thermostat", "(module)", { version: "1.2.3" });
  });
  afterEach(() => folder.remove());

  const write = (name: string, content: string): void => writeFileSync(join(plugin, name), content);

  it("takes manifest, module, README.md and LICENSE, and neither sources nor secrets", async () => {
    mkdirSync(join(plugin, "assembly"));
    for (const name of ["README.md", "LICENSE", ".env", ".npmrc", "other.wasm", "assembly/index.ts"]) write(name, "text");
    const packed = await packPlugin(plugin);
    expect(packed.files).toEqual(["LICENSE", "README.md", "package.json", "plugin.json", "plugin.wasm"]);
    expect(packed).toMatchObject({ fileName: "thermostat-1.2.3.tgz", npmName: "thermostat", version: "1.2.3" });
  });

  it("makes what can be fetched again, with the integrity that it says", async () => {
    const { tarball, integrity } = await packPlugin(plugin);
    const file = join(folder.path, "packed.tgz");
    writeFileSync(file, tarball);
    const fromTarball = await fetchPackage(file, { reader: packageReader() });
    const fromFolder = await fetchPackage(plugin, { reader: packageReader() });
    expect(fromTarball).toMatchObject({ integrity, source: `tarball:${file}`, wasmSha256: fromFolder.wasmSha256 });
    expect(fromTarball.manifestText).toBe(fromFolder.manifestText);
  });

  it("gives the same bytes whenever the files were written", async () => {
    const { tarball } = await packPlugin(plugin);
    utimesSync(join(plugin, "plugin.json"), 1, 1);
    expect((await packPlugin(plugin)).tarball.equals(tarball)).toBe(true);
  });

  it("takes the npm name that it is told, else package.json's, else the plugin's", async () => {
    expect(await packPlugin(plugin, { name: "@acme/thermostat" })).toMatchObject({ fileName: "acme-thermostat-1.2.3.tgz" });
    write("package.json", '{"name": "@home/heating", "version": "1.2.3"}');
    expect(await packPlugin(plugin)).toMatchObject({ npmName: "@home/heating" });
    expect(await packPlugin(plugin, { name: "@acme/thermostat" })).toMatchObject({ npmName: "@acme/thermostat" });
    expect(await failure(packPlugin(plugin, { name: "../up" }))).toMatchObject({
      code: "invalid-message",
      message: expect.stringContaining("@acme/thermostat"),
    });
  });

  it("takes of a package.json what a registry shows, and no script, dependency or secret", async () => {
    const building = { private: true, scripts: { postinstall: "evil" }, devDependencies: { assemblyscript: "1.0.0" }, publishConfig: {} };
    write("package.json", JSON.stringify({ name: "thermostat", license: "MIT", description: "Keeps warm.", ...building }));
    const { tarball } = await packPlugin(plugin);
    const file = join(folder.path, "packed.tgz");
    writeFileSync(file, tarball);
    const packed = JSON.parse(execFileSync("tar", ["-xzOf", file, "package/package.json"], { encoding: "utf8" })) as object;
    const files = ["plugin.json", "plugin.wasm"];
    expect(packed).toEqual({ name: "thermostat", version: "1.2.3", description: "Keeps warm.", license: "MIT", files });
  });

  it("refuses a package.json of another version", async () => {
    write("package.json", '{"name": "thermostat", "version": "1.2.4"}');
    const message = expect.stringContaining("package.json says 1.2.4, plugin.json 1.2.3");
    expect(await failure(packPlugin(plugin))).toMatchObject({ code: "invalid-manifest", message });
  });

  it("refuses a link, which could bring in what lies elsewhere", async () => {
    writeFileSync(join(folder.path, "secret"), "secret");
    symlinkSync("../secret", join(plugin, "README.md"));
    expect(await failure(packPlugin(plugin))).toMatchObject({
      code: "invalid-manifest",
      message: expect.stringContaining("no plain file"),
    });
  });

  it("refuses what could not be installed: no module, or too large a one", async () => {
    write("plugin.wasm", "x".repeat(65 * 1024 * 1024));
    expect(await failure(packPlugin(plugin))).toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("64 MiB") });
    write("plugin.json", '{"name":"thermostat","version":"1.2.3","api":"0.1","wasm":"none.wasm"}');
    expect(await failure(packPlugin(plugin))).toMatchObject({ code: "invalid-manifest", message: expect.stringContaining("none.wasm") });
  });
});
