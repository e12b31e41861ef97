// From a folder to a host by way of Docker's registry: publish, install, update, lock, and the same host again from the lock.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockFileOf, readLock } from "../../host/install/lock.ts";
import { bulkhead, type Ran } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { describeWithServer, startedServer } from "../support/servers.ts";

describeWithServer("oci", "bulkhead at an OCI registry", () => {
  let folder: TemporaryFolder;
  let place: string;
  let repositories = 0;

  beforeEach(async () => {
    folder = temporaryFolder();
    repositories += 1;
    place = `oci://127.0.0.1:${(await startedServer("oci")).port}/command-${process.pid}/thermostat-${repositories}`;
    configure({});
  });
  afterEach(() => folder.remove());

  const configure = (more: object): void =>
    writeFileSync(
      join(folder.path, "bulkhead.json"),
      JSON.stringify({ hardening: { acceptVulnerableNode: true }, adapters: { http: false }, ...more }),
    );
  const run = (...args: string[]): Promise<Ran> =>
    bulkhead(args, { cwd: folder.path, env: { npm_config_userconfig: join(folder.path, ".npmrc") }, input: "" });
  const ok = async (...args: string[]): Promise<Ran> => {
    const ran = await run(...args);
    if (ran.code !== 0) throw new Error(`bulkhead ${args.join(" ")}: ${ran.stderr}`);
    return ran;
  };
  const written = (version: string, more: object = {}): Promise<string> =>
    writePlugin(join(folder.path, `sources-${version}`), "thermostat", "(module)", { version, ...more });
  const publish = async (version: string, more: object = {}): Promise<string> =>
    JSON.parse((await ok("publish", await written(version, more), "--to", place, "--json")).stdout).source;
  const locked = async () => (await readLock(lockFileOf(join(folder.path, "bulkhead.json"))))?.get("thermostat");

  it("publishes, installs, updates and builds the same host again from the lock", async () => {
    const first = await publish("1.0.0");
    const installed = await ok("install", `${place}:1.0.0`, "--grant", "none");
    expect(installed.stdout).toContain(`thermostat 1.0.0 from ${first}`);
    expect(await locked()).toMatchObject({ version: "1.0.0", source: first, configured: false });

    const asked = { permission: "state.read", resource: "devices.*", reason: "to look" };
    const second = await publish("1.1.0", { permissions: [asked] });
    expect((await ok("outdated")).stdout).toContain("1.1.0");
    expect((await ok("update", "thermostat")).stderr).toContain("thermostat 1.1.0 waits, 1.0.0 goes on");
    await ok("update", "thermostat", "--grant", "all");
    expect(await locked()).toMatchObject({ version: "1.1.0", source: second });

    const lock = readFileSync(join(folder.path, "bulkhead.lock"), "utf8");
    rmSync(join(folder.path, "data"), { recursive: true });
    await ok("install", "--frozen");
    expect(await ok("drift")).toMatchObject({ stdout: "all as it is locked\n" });
    expect(readFileSync(join(folder.path, "bulkhead.lock"), "utf8")).toBe(lock);
    expect(await ok("rollback", "thermostat").catch(({ message }) => message)).toContain("has no version before 1.1.0");
  });

  it("locks what the configuration names by a range, and says what is not in it", async () => {
    await publish("1.0.0");
    const source = await publish("1.2.0");
    await publish("2.0.0");
    configure({ plugins: { thermostat: { source: `${place}@^1.0.0` } } });
    await ok("install");
    expect(await locked()).toMatchObject({ version: "1.2.0", source, configured: true });
    await ok("install", "--frozen");
    configure({ plugins: { thermostat: { source: `${place}@^2.0.0` } } });
    expect(await run("install", "--frozen")).toMatchObject({ code: 1, stderr: expect.stringContaining("bulkhead.lock has no thermostat") });
  });

  it("comes from the mirror that the configuration names, under the name that was written", async () => {
    const source = await publish("1.0.0");
    const { host } = new URL(place.replace("oci:", "http:"));
    configure({ install: { mirrors: { "oci://registry.acme.example/": `oci://${host}/` } } });
    await ok("install", place.replace(host, "registry.acme.example"), "--grant", "none");
    expect(await locked()).toMatchObject({ source: source.replace(host, "registry.acme.example") });
  });

  it("publishes no other bytes in the same version, and takes no options of npm's", async () => {
    const first = await publish("1.0.0");
    const other = await written("1.0.0", { description: "another one" });
    expect(await run("publish", other, "--to", place)).toMatchObject({ code: 1, stderr: expect.stringContaining("conflict") });
    expect(await run("publish", other, "--to", place, "--dry-run")).toMatchObject({ code: 1 });
    const forced = await ok("publish", other, "--to", place, "--force");
    expect(forced.stderr).toMatch(/oci:\/\/\S+:1\.0\.0@sha256:[0-9a-f]{64} is published/);
    expect(forced.stderr).not.toContain(first);
    const dry = await ok("publish", await written("3.0.0"), "--to", place, "--dry-run");
    expect(dry.stderr).toContain("would be published");
    expect(await run("install", `${place}:3.0.0`, "--grant", "none")).toMatchObject({ code: 2 });
    for (const [option, value] of [
      ["--registry", "http://127.0.0.1:1/"],
      ["--access", "public"],
      ["--tag", "next"],
    ] as const)
      expect(await run("publish", other, "--to", place, option, value)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`${option} is for an npm registry`),
      });
    expect(await run("publish", other, "--force")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--force is for an OCI registry"),
    });
    expect(await run("publish", other, "--login-at", "https://auth.example")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--login-at is for an OCI registry"),
    });
  });
});
