// Each SDK is laid out as its registry wants it: the package can be made from its folder and holds what its users need, and the first example of its README builds
// without a warning against what was packed, and runs.

import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findToolchain, type Language } from "../../host/cli/toolchains/languages.ts";
import { firstThat, type Program, run } from "../../host/cli/toolchains/tools.ts";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { read } from "../docs/markdown.ts";
import { memoryLog } from "../support/memory-log.ts";
import { temporaryFolder } from "../support/plugin-folders.ts";
import { describeWith } from "../support/toolchains.ts";
import { sdkFolder, writeExample } from "./examples.ts";

const TIMEOUT_MS = 600_000;
const MODULE_ZIP = fileURLToPath(new URL("module-zip.go", import.meta.url));
const NODE_MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const folder = temporaryFolder();
afterAll(() => folder.remove());

/** A copy, since some tools write beside what they pack; without what earlier builds left there. */
function copyOf(language: Language): string {
  const to = join(folder.path, `sdk-${language}`);
  const left = /(?:^|\/)(?:target|__pycache__|build|[^/]+\.egg-info|\.zig-cache|zig-out|node_modules)$/;
  cpSync(sdkFolder(language), to, { recursive: true, filter: (path) => !left.test(path) });
  return to;
}

async function answer(program: Program, args: readonly string[], at: string): Promise<string> {
  const { ok, output } = await run(program, args, at);
  if (!ok) throw new Error(`${program.command} ${args.join(" ")}:\n${output}`);
  return output;
}

/** A build that has nothing to complain of. */
async function buildWith(program: Program, args: readonly string[], at: string): Promise<void> {
  expect(await answer(program, args, at)).not.toMatch(WARNING);
}
const WARNING = /\b(?:warning|error)\b/i;

/** The files and, of the folders among these names, all files below them; sorted. */
function filesBelow(at: string, ...names: readonly string[]): string[] {
  const below = (name: string): string[] =>
    readdirSync(join(at, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(at.length + 1));
  return names.flatMap((name) => (existsSync(join(at, name)) && !name.includes(".") ? below(name) : [name])).sort();
}

async function npmPack(at: string): Promise<{ readonly files: readonly string[]; readonly tarball: string }> {
  const to = join(folder.path, "tarballs");
  mkdirSync(to, { recursive: true });
  const said = await answer({ command: "npm" }, ["pack", "--json", "--silent", "--pack-destination", to], at);
  const [packed] = JSON.parse(said.slice(said.indexOf("["))) as readonly { filename: string; files: readonly { path: string }[] }[];
  return { files: (packed?.files ?? []).map(({ path }) => path).sort(), tarball: join(to, packed?.filename ?? "") };
}

async function unpack(tarball: string, to: string): Promise<void> {
  mkdirSync(to, { recursive: true });
  await answer({ command: "tar" }, ["-xzf", tarball, "--strip-components=1", "-C", to], to);
}

/** Runs the README's example, built as `visits.wasm` in `at`: twice, since the second answer needs what the first has stored. */
async function visits(at: string): Promise<string[]> {
  const plugins = { visits: { path: at, isolation: "inline" } };
  const configuration = parseConfiguration(JSON.stringify({ dataDir: "data", adapters: { http: false }, plugins }), join(at, "host.json"));
  const host = await createHost({ configuration, log: memoryLog() });
  const payload = new TextEncoder().encode('{"name":"Ada"}');
  const request = { service: "visits.welcome", payload, caller: { kind: "adapter", name: "test" }, traceparent: startTrace() } as const;
  const answers: string[] = [];
  for (let i = 0; i < 2; i += 1) answers.push(new TextDecoder().decode(await host.core.services.call(request)));
  await host.stop();
  return answers;
}
const WELCOMED = ['{"name":"Ada","times":1}', '{"name":"Ada","times":2}'];

function pluginFolder(language: Language, sdk?: string): string {
  const at = join(folder.path, `plugin-${language}`);
  mkdirSync(at);
  writeExample(language, at, sdk);
  return at;
}

/** What npm would bring: it is in this repository too. */
const bring = (plugin: string, name: string): void => symlinkSync(join(NODE_MODULES, name), join(plugin, "node_modules", name));

describe("the npm package of AssemblyScript", () => {
  it(
    "holds its sources, its settings, its transform and its README, and builds a plugin that runs",
    async () => {
      const sdk = copyOf("assemblyscript");
      const { files, tarball } = await npmPack(sdk);
      expect(files).toEqual(filesBelow(sdk, "README.md", "asconfig.json", "assembly", "index.ts", "package.json", "transform.js"));

      const plugin = pluginFolder("assemblyscript");
      await unpack(tarball, join(plugin, "node_modules", "@bulkhead", "assemblyscript"));
      bring(plugin, "assemblyscript");
      const [, command = ""] = /npx asc (.*)/.exec(read("plugin-sdk/assemblyscript/README.md")) ?? [];
      const asc = { command: process.execPath, args: [join("node_modules", "assemblyscript", "bin", "asc.js")] };
      await buildWith(asc, command.split(" "), plugin);
      expect(await visits(plugin)).toEqual(WELCOMED);
    },
    TIMEOUT_MS,
  );
});

describe("the npm package of TypeScript", () => {
  let plugin: string;
  let files: readonly string[];
  let sdk: string;

  beforeAll(async () => {
    sdk = copyOf("typescript");
    const packed = await npmPack(sdk);
    ({ files } = packed);
    plugin = pluginFolder("typescript");
    await unpack(packed.tarball, join(plugin, "node_modules", "@bulkhead", "sdk"));
    bring(plugin, "componentize-qjs");
  });

  it("holds its sources with their types, the world, its build and its README", () => {
    expect(files).toEqual(filesBelow(sdk, "README.md", "build.mjs", "package.json", "src", "wit"));
  });

  it("gives a plugin its types, with the README's settings", async () => {
    expect(await run({ command: join(NODE_MODULES, ".bin", "tsc") }, ["-p", "."], plugin)).toEqual({ ok: true, output: "" });
  });

  it("builds a plugin that runs", async () => {
    const build = join(plugin, "node_modules", "@bulkhead", "sdk", "build.mjs");
    await buildWith({ command: process.execPath }, ["--no-warnings", build, "src/index.ts", "visits.wasm"], plugin);
    expect(await visits(plugin)).toEqual(WELCOMED);
  });
});

await describeWith("rust", "the crates of Rust", () => {
  it(
    "are packed with the macros that they need, and build a plugin that runs",
    async () => {
      const sdk = copyOf("rust");
      const args = ["package", "--workspace", "--no-verify", "--allow-dirty", "--target-dir", join(sdk, "target")];
      await answer({ command: "cargo" }, args, sdk);
      const unpacked = async (crate: string): Promise<string> => {
        const to = join(folder.path, crate);
        await unpack(join(sdk, "target", "package", `${crate}-0.1.0.crate`), to);
        for (const written of ["Cargo.lock", "Cargo.toml.orig", ".cargo_vcs_info.json"]) rmSync(join(to, written), { force: true });
        return to;
      };
      const [crate, macros] = [await unpacked("bulkhead"), await unpacked("bulkhead-macros")];
      expect(filesBelow(crate, ...readdirSync(crate))).toEqual(filesBelow(sdk, "Cargo.toml", "README.md", "src"));
      expect(filesBelow(macros, ...readdirSync(macros))).toEqual(filesBelow(join(sdk, "macros"), "Cargo.toml", "src"));

      const plugin = pluginFolder("rust", crate);
      const patch = `\n[patch.crates-io]\nbulkhead-macros = { path = ${JSON.stringify(macros)} }\n`;
      appendFileSync(join(plugin, "Cargo.toml"), patch);
      const build = await findToolchain("rust", plugin);
      expect(await build(plugin, join(plugin, "visits.wasm"))).toMatchObject({ ok: true, output: expect.not.stringMatching(WARNING) });
      expect(await visits(plugin)).toEqual(WELCOMED);
    },
    TIMEOUT_MS,
  );
});

const theGo = async (): Promise<Program> =>
  (await firstThat([{ command: "go" }, { command: "/usr/local/go/bin/go" }], ["version"])) ?? { command: "go" };

await describeWith("go", "the module of Go", () => {
  it(
    "has every package, needs no other module and passes vet",
    async () => {
      const sdk = copyOf("go");
      const go = { ...(await theGo()), env: { GOOS: "wasip1", GOARCH: "wasm", GOFLAGS: "-mod=readonly" } };
      expect((await answer(go, ["list", "-m", "all"], sdk)).trim()).toBe("bulkhead.local/sdk");
      const names = [
        "",
        "/blobs",
        "/clock",
        "/code",
        "/config",
        "/crypto",
        "/events",
        "/extensions",
        "/http",
        "/internal/abi",
        "/log",
        "/random",
        "/schedules",
        "/services",
        "/state",
        "/storage",
      ];
      expect((await answer(go, ["list", "./..."], sdk)).trim().split("\n")).toEqual(names.map((name) => `bulkhead.local/sdk${name}`));
      expect(await answer(go, ["vet", "./..."], sdk)).toBe("");
    },
    TIMEOUT_MS,
  );

  it(
    "comes from a proxy and builds a plugin that runs",
    async () => {
      const sdk = copyOf("go");
      const proxy = join(folder.path, "proxy");
      const at = join(proxy, "bulkhead.local", "sdk", "@v");
      mkdirSync(at, { recursive: true });
      writeFileSync(join(at, "v0.1.0.info"), '{"Version":"v0.1.0"}');
      copyFileSync(join(sdk, "go.mod"), join(at, "v0.1.0.mod"));
      const go = await theGo();
      await answer(go, ["run", MODULE_ZIP, sdk, "bulkhead.local/sdk@v0.1.0/", join(at, "v0.1.0.zip")], folder.path);

      const plugin = pluginFolder("go");
      writeFileSync(join(plugin, "go.mod"), "module visits\n\ngo 1.24\n\nrequire bulkhead.local/sdk v0.1.0\n");
      const cache = join(folder.path, "go-modules");
      const from = { GOPROXY: `file://${proxy}`, GONOSUMDB: "bulkhead.local", GOMODCACHE: cache, GOFLAGS: "-mod=mod -modcacherw" };
      const build = ["build", "-buildmode=c-shared", "-o", "visits.wasm", "."];
      await buildWith({ ...go, env: { ...from, GOOS: "wasip1", GOARCH: "wasm" } }, build, plugin);
      expect(readdirSync(join(cache, "bulkhead.local"))).toEqual(["sdk@v0.1.0"]);
      expect(await visits(plugin)).toEqual(WELCOMED);
    },
    TIMEOUT_MS,
  );
});

await describeWith("python", "the wheel of Python", () => {
  it(
    "holds its modules, its types and the world, and builds a plugin that runs",
    async () => {
      const python = { command: process.env.BULKHEAD_PYTHON ?? "python3" };
      const sdk = copyOf("python");
      const pip = (...args: readonly string[]): Promise<string> =>
        answer(python, ["-m", "pip", "--disable-pip-version-check", ...args], folder.path);
      await pip("wheel", "--quiet", "--no-deps", "--wheel-dir", "wheels", sdk);
      await pip("install", "--quiet", "--no-deps", "--target", "site", join("wheels", "bulkhead_sdk-0.1.0-py3-none-any.whl"));
      const site = join(folder.path, "site");
      for (const file of filesBelow(join(sdk, "src"), "bulkhead", "bulkhead_build.py"))
        expect(existsSync(join(site, file)), file).toBe(true);
      expect(readFileSync(join(site, "bulkhead_sdk-0.1.0.dist-info", "METADATA"), "utf8")).toContain("# bulkhead-sdk, for Python");

      const plugin = pluginFolder("python");
      const paths = [site, ...(process.env.PYTHONPATH === undefined ? [] : [process.env.PYTHONPATH])].join(delimiter);
      await buildWith({ ...python, env: { PYTHONPATH: paths } }, ["-m", "bulkhead_build", "visits", "visits.wasm"], plugin);
      expect(await visits(plugin)).toEqual(WELCOMED);
    },
    TIMEOUT_MS,
  );
});

await describeWith("zig", "the package of Zig", () => {
  it(
    "is fetched with the files that its manifest names, and builds a plugin",
    async () => {
      const zigs = [{ command: process.env.BULKHEAD_ZIG ?? "zig" }, { command: "python3", args: ["-m", "ziglang"] }];
      const zig = (await firstThat(zigs, ["version"])) ?? { command: "zig" };
      const sdk = copyOf("zig");
      const plugin = pluginFolder("zig", "");
      await answer(zig, ["fetch", "--save=bulkhead", join("..", "sdk-zig")], plugin);
      await buildWith(zig, ["build"], plugin);
      const [fetched = ""] = readdirSync(join(plugin, "zig-pkg"));
      const at = join(plugin, "zig-pkg", fetched);
      expect(filesBelow(at, ...readdirSync(at))).toEqual(filesBelow(sdk, "README.md", "build.zig", "build.zig.zon", "src"));
      expect(readdirSync(join(plugin, "zig-out", "bin"))).toEqual(["plugin.wasm"]);
    },
    TIMEOUT_MS,
  );
});

const hasPkgConfig = (await firstThat([{ command: "pkg-config" }], ["--version"])) !== undefined;
await describeWith("c", "the header of C", () => {
  it.skipIf(!hasPkgConfig)(`is found by pkg-config${hasPkgConfig ? "" : " (skipped: pkg-config is missing)"}`, async () => {
    const sdk = copyOf("c");
    const pkgConfig = { command: "pkg-config", env: { PKG_CONFIG_PATH: sdk } };
    const flags = (await answer(pkgConfig, ["--cflags", "bulkhead"], sdk)).trim();
    expect(flags).toBe(`-I${join(sdk, "include")}`);
    expect(await answer(pkgConfig, ["--modversion", "bulkhead"], sdk)).toBe("0.1.0\n");
  });

  it("gives a plugin what it needs, by the README's command, in C and in C++", async () => {
    const plugin = pluginFolder("c");
    const [, command = ""] = /^clang (.*)$/m.exec(read("plugin-sdk/c/README.md")) ?? [];
    const args = command.replace("<this folder>", copyOf("c")).split(" ");
    await buildWith({ command: "clang" }, args, plugin);
    expect(existsSync(join(plugin, "plugin.wasm"))).toBe(true);
    const cpp = args.map((arg) => arg.replace("c11", "c++17"));
    const onlyRead = ["-fsyntax-only", "-Wno-unused-command-line-argument", "-x", "c++"];
    await buildWith({ command: "clang++" }, [...onlyRead, ...cpp], plugin);
  });
});
