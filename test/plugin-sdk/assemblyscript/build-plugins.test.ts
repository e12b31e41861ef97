// The build: what an author sees when it works, when it is not needed, and when the source is wrong.

import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildPlugin } from "../../../scripts/build-plugins.ts";
import { FakeHost } from "./fake-host.ts";

const SDK = new URL("../../../plugin-sdk/assemblyscript", import.meta.url).pathname;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bulkhead-build-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function plugin(source: string): Promise<string> {
  const root = join(folder, "stranger");
  await mkdir(join(root, "assembly"), { recursive: true });
  await writeFile(join(root, "assembly", "index.ts"), source);
  return root;
}

const ECHO = `import { ok, service } from "@bulkhead/assemblyscript";
export function echo(): i32 {
  return service<string, string>((text) => ok(text));
}`;

describe("buildPlugin", () => {
  it("builds a folder outside of the repository", async () => {
    const built = await buildPlugin(await plugin(ECHO));
    expect(built).toMatchObject({ name: "stranger", file: join(folder, "stranger", "stranger.wasm"), skipped: false });
    expect(FakeHost.fromFile(built.file).json("echo", '"ü"')).toBe("ü");
  });

  it("takes the SDK that the folder has installed before the repository's own", async () => {
    const root = await plugin(ECHO);
    const installed = join(root, "node_modules", "@bulkhead", "assemblyscript");
    await cp(SDK, installed, { recursive: true });
    await writeFile(join(installed, "index.ts"), "export const nothing = 1;\n");
    await expect(buildPlugin(root)).rejects.toThrow(/has no exported member 'ok'/);
  });

  it("imports nothing but what docs/abi.md names, and exports what the author names", async () => {
    const { file } = await buildPlugin(await plugin(ECHO));
    const module = await WebAssembly.compile(await readFile(file));
    const modules = new Set(WebAssembly.Module.imports(module).map((entry) => entry.module));
    expect([...modules].sort()).toEqual(["bulkhead:host/memory", "extism:host/env"]);
    expect(WebAssembly.Module.exports(module).map(({ name }) => name)).toEqual(["echo", "memory", "_initialize"]);
  });

  it("compiles again only when a source is newer, or by force", async () => {
    const root = await plugin(ECHO);
    expect((await buildPlugin(root)).skipped).toBe(false);
    expect((await buildPlugin(root)).skipped).toBe(true);
    expect((await buildPlugin(root, { force: true })).skipped).toBe(false);
    const later = new Date(Date.now() + 60_000);
    await utimes(join(root, "assembly", "index.ts"), later, later);
    expect((await buildPlugin(root)).skipped).toBe(false);
  });

  it("says in which file and line the source is wrong", async () => {
    const root = await plugin(ECHO.replace("ok(text)", "ok<string>(txt)"));
    await expect(buildPlugin(root)).rejects.toThrow(/does not compile[\s\S]*Cannot find name 'txt'[\s\S]*assembly\/index\.ts\(3,55\)/);
  });

  it.each([
    ["@json class Odd extends Error {}", "assembly/index.ts:1: a @json class cannot extend another; make that one a field"],
    [`@json class Odd { ${Array.from({ length: 65 }, (_, i) => `f${i}: i32 = 0;`).join(" ")} }`, "at most 64 fields, this one 65"],
  ])("says what is wrong with %s", async (source, message) => {
    await expect(buildPlugin(await plugin(`${source}\n${ECHO}`))).rejects.toThrow(message);
  });

  it("says which type has no JSON form", async () => {
    const source = `import { ok, service } from "@bulkhead/assemblyscript";
class Plain { a: i32 = 0; }
export function f(): i32 { return service<Plain, Plain>((x) => ok(x)); }`;
    await expect(buildPlugin(await plugin(source))).rejects.toThrow("this class has no JSON form: write @json above it");
  });
});

describe("the README", () => {
  it("shows a plugin that works", async () => {
    const readme = await readFile(join(SDK, "README.md"), "utf8");
    const { file } = await buildPlugin(await plugin(/```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ""));
    const host = FakeHost.fromFile(file);
    host.json("welcome", { name: "Zoë" });
    expect(host.json("welcome", { name: "Zoë" })).toEqual({ name: "Zoë", times: 2 });
    expect(host.published("visits.happened")).toHaveLength(2);
    expect(host.deliver("on_ban", "bans.banned", { name: "Zoë" }).ok).toBe(true);
    expect(host.deliver("on_ban", "bans.banned", { name: "" }).error).toBe("/plugins/other bans nobody");
    expect(host.storage.size).toBe(0);
  });
});
