// `bulkhead types` as people use it: from folders, from a host that runs and from one that does not, and what can be done with what it writes. The program and the plugin
// are those of docs/types.md.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createHost, defineProvider } from "../../host/index.ts";
import { blocksOf, commandsOf, ROOT, read } from "../docs/markdown.ts";
import { bulkhead } from "../support/command.ts";
import { memoryLog } from "../support/memory-log.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { compile } from "../support/typescript.ts";

const SHIPPED = ["automation", "devices", "logger"].flatMap((name) => ["--plugin", ownPlugin(name)]);
const SDK = join(ROOT, "plugin-sdk/typescript");
const page = blocksOf(read("docs/types.md"));
const fileOf = (path: string): string => page.find(({ info }) => info.endsWith(` file=${path}`))?.text ?? "";

const makeShop = () =>
  defineProvider("shop", {
    services: {
      getOrder: {
        description: "An order by its id.",
        input: z.object({ id: z.string() }),
        output: z.object({ id: z.string(), total: z.number() }).nullable(),
        run: ({ id }) => ({ id, total: 80 }),
      },
    },
    extensionPoints: {
      discount: {
        input: z.object({ customer: z.string(), total: z.number() }),
        output: z.object({ percent: z.number(), because: z.string() }),
      },
    },
    events: { orderPlaced: z.object({ id: z.string() }) },
  });

describe("bulkhead types", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const types = (...args: readonly string[]): ReturnType<typeof bulkhead> => bulkhead(["types", ...args], { cwd: folder.path });
  const written = (name: string): string => readFileSync(join(folder.path, name), "utf8");

  it("writes clients of the plugins that come with the host, which compile as strictly as can be", async () => {
    const { code, stdout } = await types(...SHIPPED);
    expect(code).toBe(0);
    await expect(stdout).toMatchFileSnapshot("golden/shipped-plugins.txt");
    const right = `
      import { devices, logger, inPlugin, type Services } from "./made.ts";
      declare const later: { call<T = unknown>(service: string, input?: unknown, options?: { readonly deadlineMs?: number }): Promise<T> };
      declare const now: { call(service: string, payload: Uint8Array, deadlineMs?: number): Uint8Array };
      export const created: Promise<unknown> = devices(later).create({ id: "lamp-1", name: "Küche", desired: { on: true } });
      export const on: unknown = devices(inPlugin(now)).turnOn({ id: "lamp-1" });
      export const log: Services["logger.log"] = ({ level, message }) => level + message;
      logger(later).query({ limit: 3, level: "ERROR" }).then(() => {});
    `;
    const wrong = `
      import { devices, logger } from "./made.ts";
      declare const now: { call(service: string, payload: Uint8Array): Uint8Array };
      declare const later: { call(service: string, input?: unknown): Promise<unknown> };
      devices(later).turnOn({});
      devices(later).turnOn({ id: "lamp-1", colour: "red" });
      logger(later).log({ level: "LOUD", message: "x" });
      devices(now);
    `;
    const { complaints } = compile(folder.path, { "made.ts": stdout, "right.ts": right, "wrong.ts": wrong });
    expect(complaints.map((line) => line.split(".ts: ")[0])).toEqual(["wrong", "wrong", "wrong", "wrong"]);
  });

  it("knows of a running host's plugins, and of its program's services, events and extension points", async () => {
    const dataDir = join(folder.path, "data");
    writeFileSync(join(folder.path, "bulkhead.json"), "{}");
    await using host = await createHost({ dataDir, providers: [makeShop()], log: memoryLog() });
    await host.install(ownPlugin("hello"), { grant: "all" });
    expect(await types("--data", dataDir, "--out", "made.ts")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "made.ts: 2 services, 1 events, 1 extension points, 0 configurations\n",
    });
    await expect(written("made.ts")).toMatchFileSnapshot("golden/running-host.txt");
    expect(await types("shop", "--data", dataDir, "-o", "shop.ts")).toMatchObject({ code: 0 });
    expect(written("shop.ts")).not.toContain("hello");

    const till = {
      api: "0.2",
      config: { properties: { name: { default: "x" } } },
      extensionPoints: { "till.discount": { output: { type: "number" } } },
    };
    await host.install(await writePlugin(folder.path, "till", `(module (func (export "x")))`, till), { grant: "none" });
    const { points, configs } = JSON.parse((await types("till", "--data", dataDir, "--json")).stdout);
    expect(points).toEqual([{ name: "till.discount", provider: "till", output: { type: "number" }, answeredBy: [] }]);
    expect(configs).toEqual([{ plugin: "till", schema: till.config }]);

    const { hello, shop } = await import(pathToFileURL(join(folder.path, "made.ts")).href);
    expect(await hello(host).greet({ name: "Ada" })).toEqual({ message: "Hello, Ada!" });
    expect(await shop(host).getOrder({ id: "o-1" })).toEqual({ id: "o-1", total: 80 });
    await expect(shop(host).getOrder({ id: 1 })).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("reads what configured and installed plugins say where no host runs", async () => {
    const config = { properties: { level: { default: 1 } } };
    const point = { description: "How much?", input: { const: 2 }, output: { const: 3 } };
    const manifest = (name: string): object => ({
      api: "0.2",
      config,
      extensionPoints: { [`${name}.asked`]: point },
      services: { [`${name}.x`]: { entryPoint: "x", input: { const: 1 } } },
    });
    await writePlugin(folder.path, "one", `(module (func (export "x")))`, manifest("one"));
    await writePlugin(folder.path, "two", `(module (func (export "x")))`, manifest("two"));
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ plugins: { one: { path: "one" } } }));
    expect(await bulkhead(["install", "./two", "--grant", "none"], { cwd: folder.path })).toMatchObject({ code: 0 });
    const { stdout } = await types("--json");
    expect(JSON.parse(stdout)).toEqual({
      services: [
        { name: "one.x", input: { const: 1 } },
        { name: "two.x", input: { const: 1 } },
      ],
      events: [],
      points: [
        { name: "one.asked", ...point },
        { name: "two.asked", ...point },
      ],
      configs: [
        { plugin: "one", schema: config },
        { plugin: "two", schema: config },
      ],
    });
    expect((await types("two")).stdout).toContain("function two<C extends Caller>(caller: C)");
    expect(await types("on")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        "on is no service, event, extension point or configured plugin here; there is one, one.asked, one.x, two, two.asked, two.x",
      ),
    });
  });

  it("chooses by names, beginnings and patterns", async () => {
    const namesOf = async (...names: readonly string[]): Promise<string[]> =>
      JSON.parse((await types(...names, ...SHIPPED, "--json")).stdout).services.map(({ name }: { name: string }) => name);
    expect(await namesOf("logger", "devices.turn-on")).toEqual(["devices.turn-on", "logger.log", "logger.query"]);
    expect(await namesOf("*.remove", "devices.remove")).toEqual(["automation.remove", "devices.remove"]);
  });

  it("says what is wrong with a place, a folder and a schema", async () => {
    await writePlugin(folder.path, "none", "(module)");
    await writePlugin(folder.path, "odd", "(module)", {
      services: { "odd.x": { entryPoint: "x", output: { properties: { a: { $ref: "https://example.com/x.json" } } } } },
    });
    expect(await types("--plugin", "none")).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing here can be called") });
    expect(await types("--plugin", "ghost")).toMatchObject({ code: 2, stderr: expect.stringContaining("name the folder of a plugin") });
    expect(await types("--plugin", "odd")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the output of odd.x, at #/properties/a/$ref: https://example.com/x.json is not looked up"),
    });
    expect(await types("--plugin", ownPlugin("hello"), "--out", "no/such/file.ts")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no/such/file.ts cannot be written; name another file with --out"),
    });
  });

  it("gives the program and the plugins of the docs what they need", async () => {
    symlinkSync(join(ROOT, "plugins"), join(folder.path, "plugins"));
    for (const { line, output } of page.filter(({ info }) => info === "sh tested").flatMap(commandsOf)) {
      const { stdout, stderr } = await bulkhead(line.split(" ").slice(1), { cwd: folder.path });
      expect(`${stdout}${stderr}`.trimEnd(), line).toBe(output);
    }
    const dataDir = join(folder.path, "shops");
    writeFileSync(join(folder.path, "bulkhead.json"), "{}");
    await using host = await createHost({ dataDir, providers: [makeShop()], log: memoryLog() });
    await types("shop", "--data", dataDir, "--out", "shop.ts");
    const generated = { "hello.ts": written("hello.ts"), "shop.ts": written("shop.ts") };
    expect(
      compile(folder.path, { ...generated, "program.ts": fileOf("program.ts") }, { types: ["node"], isolatedDeclarations: false })
        .complaints,
    ).toEqual([]);
    const plugin = {
      "greeting/src/hello.ts": written("hello.ts"),
      "greeting/src/index.ts": fileOf("greeting/src/index.ts"),
      "answers.ts": fileOf("answers.ts"),
    };
    expect(compile(folder.path, { ...generated, ...plugin }, { isolatedDeclarations: false }).complaints).toEqual([]);

    const greeting = join(folder.path, "greeting");
    mkdirSync(join(greeting, "node_modules", "@bulkhead"), { recursive: true });
    cpSync(SDK, join(greeting, "node_modules/@bulkhead/sdk"), { recursive: true });
    symlinkSync(join(ROOT, "node_modules/componentize-qjs"), join(greeting, "node_modules/componentize-qjs"));
    const built = spawnSync(process.execPath, ["--no-warnings", join(SDK, "build.mjs"), "src/index.ts", "greeting.wasm"], {
      cwd: greeting,
      encoding: "utf8",
    });
    expect(built, built.stderr).toMatchObject({ status: 0 });
    const permissions = [{ permission: "services.call", resource: "hello.greet", reason: "to greet" }];
    const services = { "greeting.greeting": { entryPoint: "greeting" } };
    const manifest = { name: "greeting", version: "1.0.0", api: "0.2", wasm: "greeting.wasm", services, permissions };
    writeFileSync(join(greeting, "plugin.json"), JSON.stringify(manifest));
    for (const one of [ownPlugin("hello"), greeting]) await host.install(one, { grant: "all" });
    expect(await host.call("greeting.greeting")).toEqual({ said: "Hello, Zoë!" });
  });
});
