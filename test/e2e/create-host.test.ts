import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHost, defineProvider, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const SERVES = `(module (func (export "serve") (result i32) (i32.const 0)))`;

describe("createHost", () => {
  let folder: TemporaryFolder;
  const hosts: RunningHost[] = [];
  const boot = async (configuration: object): Promise<{ host: RunningHost; log: ReturnType<typeof memoryLog> }> => {
    const log = memoryLog();
    const host = await createHost({ configuration: parseConfiguration(JSON.stringify(configuration), join(folder.path, "c.json")), log });
    hosts.push(host);
    return { host, log };
  };

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.stop();
    folder.remove();
  });

  it("leaves out what cannot be installed, says why, and runs the others", async () => {
    await writePlugin(folder.path, "good", SERVES, { services: { "good.x": { entryPoint: "serve" } } });
    await writePlugin(folder.path, "wants", SERVES, { dependencies: { good: "^2.0.0" } });
    await writePlugin(folder.path, "evil", `(module (import "env" "system" (func (param i32))))`);
    mkdirSync(join(folder.path, "garbage"));
    writeFileSync(
      join(folder.path, "garbage", "plugin.json"),
      JSON.stringify({ name: "garbage", version: "1.0.0", api: "0.1", wasm: "g.wasm" }),
    );
    writeFileSync(join(folder.path, "garbage", "g.wasm"), "this is no module");
    const plugins = Object.fromEntries(
      ["good", "wants", "evil", "garbage", "other"].map((name) => [name, { path: name === "other" ? "good" : name, isolation: "inline" }]),
    );
    const { host, log } = await boot({ adapters: { http: false }, plugins });
    expect(host.url).toBeUndefined();
    expect(host.core.plugins.map(({ name, state, failure }) => [name, state, failure?.code])).toEqual([
      ["good", "running", undefined],
      ["wants", "failed", "conflict"],
    ]);
    const errors = log.lines.filter((line) => line.level === "error").map((line) => `${line.message} ${String(line.cause ?? "")}`);
    expect(errors).toContainEqual(expect.stringMatching(/^evil is left out: [\s\S]*env[\s\S]*system/));
    expect(errors).toContainEqual(expect.stringMatching(/^garbage is left out/));
    expect(errors).toContainEqual(expect.stringContaining("other is left out: "));
    expect(host.core.plugin("wants")?.failure?.message).toContain("needs good ^2.0.0; 1.0.0 is installed");
  });

  it("installs nothing under the name of a provider, nor remembers that it was asked to", async () => {
    await writePlugin(folder.path, "shop", SERVES, { services: { "shop.x": { entryPoint: "serve" } } });
    const dataDir = join(folder.path, "d");
    const host = await createHost({ dataDir, providers: [defineProvider("shop", {})], log: memoryLog() });
    hosts.push(host);
    await expect(host.install(join(folder.path, "shop"))).rejects.toMatchObject({ code: "conflict" });
    await host.stop();
    const again = await createHost({ dataDir, log: memoryLog() });
    hosts.push(again);
    expect(again.core.plugins).toEqual([]);
  });

  it("warns of a plugin that subscribes without a grant, and not of one that has it", async () => {
    const subscriptions = [{ type: "devices.*", entryPoint: "serve" }];
    const permissions = [{ permission: "events.subscribe", resource: "devices.*", reason: "test" }];
    for (const name of ["deaf", "hears"]) await writePlugin(folder.path, name, SERVES, { subscriptions, permissions });
    const plugins = { deaf: { path: "deaf", isolation: "inline" }, hears: { path: "hears", isolation: "inline", grants: "all" } };
    const { log } = await boot({ adapters: { http: false }, plugins });
    // What a Node with known flaws, or a machine without bubblewrap, has to be told of is another matter.
    const told = log.lines.map((line) => line.message).filter((line) => line.includes("subscribes to"));
    expect(told).toEqual([expect.stringMatching(/^deaf subscribes to devices\.\* and will hear nothing: plugins\.deaf\.grants/)]);
  });

  it("warns of a plugin that extends a point and will not be asked, with what is missing, and not of one that will", async () => {
    const points = { "shop.discount": { entryPoint: "serve" }, "shop.price": { entryPoint: "serve" } };
    const asks = [{ permission: "extensions.answer", resource: "shop.discount", reason: "test" }];
    const all = [...asks, { permission: "extensions.answer", resource: "shop.price", reason: "test" }];
    await writePlugin(folder.path, "mute", SERVES, { api: "0.2", extends: points, permissions: asks });
    await writePlugin(folder.path, "heard", SERVES, { api: "0.2", extends: points, permissions: all });
    const plugins = { mute: { path: "mute", isolation: "inline" }, heard: { path: "heard", isolation: "inline", grants: "all" } };
    const { log } = await boot({ adapters: { http: false }, plugins });
    expect(log.lines.map((line) => line.message).filter((line) => line.includes("extends"))).toEqual([
      "mute extends shop.price and will not be asked: its manifest does not ask for it: permissions needs extensions.answer on shop.price",
      'mute extends shop.discount and will not be asked: plugins.mute.grants needs {"permission": "extensions.answer", "resource": "shop.discount"}',
    ]);
  });

  it("refuses malformed adapter options and a taken port, and leaves nothing running", async () => {
    await expect(boot({ adapters: { http: { prot: 1 } } })).rejects.toMatchObject({
      code: "invalid-message",
      detail: expect.stringContaining("http"),
    });
    await expect(boot({ adapters: { ftp: {} } })).rejects.toMatchObject({ code: "invalid-message" });
    const { host } = await boot({ adapters: { http: { port: 0 } } });
    const port = Number(new URL(host.url ?? "").port);
    await expect(boot({ dataDir: "other", adapters: { http: { port } } })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("is taken"),
    });
  });
});
