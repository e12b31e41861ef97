// The command brings plugins from a real registry with what they depend on, writes the lock, and builds the same host again from it.

import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { lockFileOf, readLock } from "../../host/install/lock.ts";
import { packPlugin } from "../../host/install/pack.ts";
import { COMMAND } from "../support/command.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { startRegistry, type TestRegistry } from "../support/registry.ts";

const EMPTY = "(module)";
const READS = { permission: "state.read", resource: "devices.*", reason: "to look" };
const WRITES = { permission: "state.write", resource: "devices.*", reason: "to change" };

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("bulkhead install", () => {
  let world: TemporaryFolder;
  let registry: TestRegistry;
  let folder: TemporaryFolder;

  const publish = async (name: string, version: string, manifest: object = {}): Promise<void> => {
    const made = await writePlugin(join(world.path, version), name, EMPTY, { version, ...manifest });
    const npmName = `@acme/${name}`;
    await registry.publish(npmName, version, (await packPlugin(made, { name: npmName })).tarball);
  };
  const run = (...args: string[]): Promise<Result> =>
    new Promise((done) => {
      const env = { ...process.env, npm_config_userconfig: join(world.path, ".npmrc") };
      execFile(process.execPath, [COMMAND, ...args], { cwd: folder.path, env }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
      ).stdin?.end();
    });
  const ok = async (...args: string[]): Promise<Result> => {
    const result = await run(...args);
    if (result.code !== 0) throw new Error(`bulkhead ${args.join(" ")}: ${result.stderr}`);
    return result;
  };
  const configure = (plugins: object = {}): void =>
    writeFileSync(
      join(folder.path, "bulkhead.json"),
      JSON.stringify({ hardening: { acceptVulnerableNode: true }, adapters: { http: false }, plugins }),
    );
  const lock = async () => readLock(lockFileOf(join(folder.path, "bulkhead.json")));
  const json = async (...args: string[]): Promise<unknown> => JSON.parse((await ok(...args, "--json")).stdout);
  const list = async (): Promise<string[]> =>
    ((await json("list")) as { plugin: string; version: string }[]).map(({ plugin, version }) => `${plugin} ${version}`);

  beforeAll(async () => {
    world = temporaryFolder();
    registry = await startRegistry(world.path);
    writeFileSync(join(world.path, ".npmrc"), registry.npmrc);
    await publish("sensors", "1.0.0");
    await publish("sensors", "1.1.0");
    await publish("sensors", "2.0.0");
    await publish("heating", "1.0.0", { permissions: [READS], dependencies: { sensors: "npm:@acme/sensors@^1.0.0" } });
    await publish("cooling", "1.0.0", { dependencies: { sensors: "npm:@acme/sensors@^2.0.0", heating: "npm:@acme/heating@^1.0.0" } });
    await publish("ring-a", "1.0.0", { dependencies: { "ring-b": "npm:@acme/ring-b@^1.0.0" } });
    await publish("ring-b", "1.0.0", { dependencies: { "ring-a": "npm:@acme/ring-a@^1.0.0" } });
    await publish("lonely", "1.0.0", { dependencies: { nowhere: "^1.0.0" } });
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    world.remove();
  });
  beforeEach(() => {
    folder = temporaryFolder();
    configure();
  });
  afterEach(() => folder.remove());

  it("grants nothing silently, and shows what is asked for", async () => {
    const refused = await run("install", "@acme/heating");
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("--grant all, none or a file") });
    expect(refused.stdout).toContain("to look");
    expect(await list()).toEqual([]);
    expect(await ok("install", "@acme/heating", "--dry-run")).toMatchObject({ stdout: expect.stringContaining("sensors 1.1.0") });
    expect(await list()).toEqual([]);
  });

  it("brings what a plugin depends on, newest that fits, and grants what it was told", async () => {
    writeFileSync(join(folder.path, "grants.yaml"), "- permission: state.read\n  resource: devices.lamp\n");
    await ok("install", "@acme/heating@^1", "--grant", "grants.yaml");
    expect(await list()).toEqual(["heating 1.0.0", "sensors 1.1.0"]);
    expect(await json("permissions", "heating")).toMatchObject([{ status: "partly granted" }]);
    const locked = await lock();
    expect(locked?.get("sensors")).toMatchObject({ version: "1.1.0", source: "npm:@acme/sensors@1.1.0", configured: false });
    expect(locked?.get("heating")?.permissions).toEqual([{ permission: "state.read", resource: "devices.lamp", effect: "allow" }]);
    expect((await json("info", "heating")) as object).toMatchObject({
      installation: { source: "npm:@acme/heating@1.0.0" },
      state: "not running",
    });
    expect((await ok("info", "heating")).stdout).toContain("sensors ^1.0.0");
  });

  it("explains what does not fit, and leaves nothing behind", async () => {
    const conflict = await run("install", "@acme/cooling", "--grant", "none");
    expect(conflict.code).toBe(1);
    expect(conflict.stderr).toContain("heating needs sensors ^1.0.0; cooling brings 2.0.0");
    expect(await run("install", "@acme/ring-a", "--grant", "none")).toMatchObject({ code: 1, stderr: expect.stringContaining("a cycle") });
    const lonely = await run("install", "@acme/lonely", "--grant", "none");
    expect(lonely).toMatchObject({ code: 1, stderr: expect.stringContaining("lonely needs nowhere ^1.0.0, which is not installed") });
    expect(await run("install", "@acme/nobody")).toMatchObject({ code: 2, stderr: expect.stringContaining("@acme/nobody") });
    expect(await list()).toEqual([]);
    expect(await lock()).toBeUndefined();
  });

  it("does not update a plugin to a version that others cannot use", async () => {
    await ok("install", "@acme/heating", "--grant", "none");
    expect(await ok("outdated")).toMatchObject({ stdout: expect.stringContaining("sensors") });
    const update = await run("update", "sensors", "@acme/sensors@2.0.0");
    expect(update).toMatchObject({ code: 1, stderr: expect.stringContaining("heating 1.0.0 needs sensors ^1.0.0, so it cannot be 2.0.0") });
    expect(await run("uninstall", "sensors")).toMatchObject({ code: 1, stderr: expect.stringContaining("heating") });
    expect(await list()).toContain("sensors 1.1.0");
  });

  it("says what the owner of a point sends to whoever answers it, and which points will not be asked", async () => {
    configure();
    const point = { entryPoint: "answer" };
    const path = await writePlugin(folder.path, "rebate", `(module (func (export "answer")))`, {
      api: "0.2",
      extends: { "shop.discount": point, "shop.price": point },
      permissions: [{ permission: "extensions.answer", resource: "shop.discount", reason: "to lower prices" }],
    });
    const { stdout } = await ok("install", path, "--dry-run");
    expect(stdout).toContain("With extensions.answer shop.discount it receives what shop sends.");
    expect(stdout).toContain("It extends shop.price and will not be asked: it does not ask for extensions.answer on it.");
    expect(stdout).not.toContain("It extends shop.discount");
  });

  it("shows what an update asks for more, and waits until somebody decides", async () => {
    await ok("install", "@acme/heating", "--grant", "all");
    await publish("heating", "1.1.0", { permissions: [READS, WRITES], dependencies: { sensors: "npm:@acme/sensors@^1.0.0" } });
    const waits = await ok("update", "heating");
    expect(waits.stderr).toContain("heating 1.0.0 → 1.1.0 also asks for state.write devices.*");
    expect(waits.stderr).toContain("heating 1.1.0 waits, 1.0.0 goes on");
    expect(await list()).toContain("heating 1.0.0");
    await ok("update", "heating", "--grant", "all");
    expect(await list()).toContain("heating 1.1.0");
    expect((await lock())?.get("heating")).toMatchObject({ version: "1.1.0", permissions: [{}, { permission: "state.write" }] });
  });

  it("builds the same host again from the lock, and only that", async () => {
    await ok("install", "@acme/heating@1.0.0", "--grant", "all", "--isolation", "thread");
    await ok("revoke", "heating", "state.read", "devices.lamp");
    const before = readFileSync(join(folder.path, "bulkhead.lock"), "utf8");
    rmSync(join(folder.path, "data"), { recursive: true });
    await ok("install", "--frozen");
    expect(await list()).toEqual(["heating 1.0.0", "sensors 1.1.0"]);
    expect(await json("list")).toMatchObject([{ isolation: "thread" }, {}]);
    expect(await json("permissions", "heating")).toMatchObject([{ status: "partly granted" }]);
    expect(readFileSync(join(folder.path, "bulkhead.lock"), "utf8")).toBe(before);
    expect(await ok("drift")).toMatchObject({ stdout: "all as it is locked\n" });
    await ok("install", "--frozen");
    const other = await writePlugin(folder.path, "other", EMPTY);
    await ok("install", other);
    writeFileSync(join(folder.path, "bulkhead.lock"), before);
    expect(await run("install", "--frozen")).toMatchObject({ code: 1, stderr: expect.stringContaining("other is not in bulkhead.lock") });
    expect(await run("drift")).toMatchObject({ code: 1, stdout: "other is not in the lock\n" });
  });

  it("refuses a source that gives something else than what is locked", async () => {
    await ok("install", "@acme/sensors@1.0.0");
    const file = join(folder.path, "bulkhead.lock");
    const text = readFileSync(file, "utf8");
    rmSync(join(folder.path, "data"), { recursive: true });
    const { integrity, wasmSha256 } = JSON.parse(text).plugins.sensors;
    for (const [was, is] of [
      [integrity, `sha512-${Buffer.alloc(64).toString("base64")}`],
      [wasmSha256, "0".repeat(64)],
    ]) {
      writeFileSync(file, text.replace(was, is));
      expect(await run("install", "--frozen")).toMatchObject({ code: 1, stderr: expect.stringContaining("not what bulkhead.lock says") });
    }
    expect(await list()).toEqual([]);
    writeFileSync(file, "{}");
    expect(await run("install", "--frozen")).toMatchObject({ code: 2, stderr: expect.stringContaining("is no lock") });
    rmSync(file);
    expect(await run("install", "--frozen")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no") });
  });

  it("runs what the configuration names by source, in the version that is locked, also on another machine", async () => {
    const grants = [{ permission: "state.read", resource: "devices.*" }];
    configure({ sensors: { source: "@acme/sensors@^1" }, heating: { source: "@acme/heating@1.0.0", grants } });
    expect(await run("install", "--frozen")).toMatchObject({ code: 2 });
    await ok("install");
    expect((await lock())?.get("heating")).toMatchObject({ version: "1.0.0", configured: true, permissions: grants });
    const elsewhere = join(world.path, "elsewhere");
    mkdirSync(elsewhere);
    for (const file of ["bulkhead.json", "bulkhead.lock"]) cpSync(join(folder.path, file), join(elsewhere, file));
    const boot = async () => {
      const file = join(elsewhere, "bulkhead.json");
      const log = memoryLog();
      const host = await createHost({
        configuration: parseConfiguration(readFileSync(file, "utf8"), file),
        log,
        lock: await readLock(lockFileOf(file)),
      });
      const states = host.core.plugins.map(({ name, state, definition }) => `${name} ${definition.version} ${state}`);
      await host.stop();
      return { states, warnings: log.lines.map(({ message }) => message).filter((message) => message.includes("bulkhead.lock")) };
    };
    expect((await boot()).states).toEqual([]);
    await ok("install", "--frozen", "--config", join(elsewhere, "bulkhead.json"));
    expect(await boot()).toEqual({ states: ["sensors 1.1.0 running", "heating 1.0.0 running"], warnings: [] });
    await ok("grant", "heating", "state.read", "other.*", "--config", join(elsewhere, "bulkhead.json"));
    writeFileSync(join(elsewhere, "bulkhead.lock"), readFileSync(join(folder.path, "bulkhead.lock")));
    expect((await boot()).warnings).toEqual(['differs from bulkhead.lock: heating has "allow state.read other.*", which is not locked']);
  });

  it("reads the same from YAML, and refuses a plugin with both a path and a source", async () => {
    writeFileSync(join(folder.path, "bulkhead.yaml"), "plugins:\n  sensors:\n    source: '@acme/sensors@1.0.0'\n");
    await ok("install", "--config", "bulkhead.yaml");
    expect(existsSync(join(folder.path, "bulkhead.lock"))).toBe(true);
    expect((await ok("list", "--config", "bulkhead.yaml")).stdout).toContain("1.0.0");
    writeFileSync(join(folder.path, "both.yaml"), "plugins:\n  sensors:\n    source: x\n    path: y\n");
    expect(await run("list", "--config", "both.yaml")).toMatchObject({ code: 2, stderr: expect.stringContaining("one of them") });
  });
});
