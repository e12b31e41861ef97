// The first block of each SDK's README as a plugin's folder, the way its author has it.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Language } from "../../host/cli/toolchains/languages.ts";
import { blocksOf, read } from "../docs/markdown.ts";

export const sdkFolder = (language: Language): string => fileURLToPath(new URL(`../../plugin-sdk/${language}`, import.meta.url));

/** Below test/plugin-sdk/cases: one plugin in every language. */
export const CASES: Readonly<Record<Language, string>> = {
  ...{ assemblyscript: "assembly/index.ts", rust: "rust.rs", go: "go.go", c: "c.c", zig: "zig.zig" },
  ...{ typescript: "typescript.js", python: "python.py" },
};

/** What stands around the example; `sdk` is where the SDK lies. */
const FILES: Readonly<Record<Language, (example: string, sdk: string) => Readonly<Record<string, string>>>> = {
  assemblyscript: (example) => ({ "assembly/index.ts": example }),
  c: (example) => ({ "plugin.c": example }),
  go: (example, sdk) => ({
    "plugin.go": example,
    "go.mod": `module visits\n\ngo 1.24\n\nrequire bulkhead.local/sdk v0.1.0\n\nreplace bulkhead.local/sdk => ${sdk}\n`,
  }),
  python: (example) => ({ "visits.py": example }),
  rust: (example, sdk) => ({
    "src/lib.rs": example,
    "Cargo.toml": `[package]
name = "visits"
version = "0.1.0"
edition = "2024"
[lib]
crate-type = ["cdylib"]
[dependencies]
bulkhead = { path = ${JSON.stringify(sdk)} }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
[profile.release]
opt-level = "s"
lto = true
codegen-units = 1
panic = "abort"
strip = true
[workspace]
`,
  }),
  typescript: (example) => ({
    "src/index.ts": example,
    "package.json": '{ "name": "visits", "private": true, "type": "module" }',
    "tsconfig.json": blocksOf(read("plugin-sdk/typescript/README.md")).find(({ info }) => info === "json")?.text ?? "",
  }),
  zig: (example, sdk) => ({
    "src/plugin.zig": example,
    "build.zig": read("plugins/counter/zig/build.zig").replaceAll("counter", "plugin"),
    "build.zig.zon": `.{
    .name = .visits,
    .version = "0.1.0",
    .fingerprint = 0x444839ea13fa48ec,
    .minimum_zig_version = "0.17.0",
    .dependencies = .{${sdk === "" ? "" : ` .bulkhead = .{ .path = "${sdk}" } `}},
    .paths = .{ "build.zig", "build.zig.zon", "src" },
}
`,
  }),
};

/** What a plugin's folder holds beside its manifest. */
export interface Sources {
  /** The one file that the author wrote. */
  readonly source: string;
  readonly manifest: object;
}

/** Writes the plugin's folder, its manifest included, and leaves what a build put there. */
export function writeSources(language: Language, folder: string, { source, manifest }: Sources, sdk: string = sdkFolder(language)): void {
  for (const [path, text] of Object.entries({ ...FILES[language](source, sdk), "plugin.json": JSON.stringify(manifest) })) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** The first block of the SDK's README as a plugin. */
export function writeExample(language: Language, folder: string, sdk: string = sdkFolder(language)): void {
  const source = blocksOf(read(`plugin-sdk/${language}/README.md`))[0]?.text;
  if (source === undefined) throw new Error(`the README of ${language} has no example`);
  const services = { "visits.welcome": { entryPoint: "welcome" } };
  writeSources(
    language,
    folder,
    { source, manifest: { name: "visits", version: "1.0.0", api: "0.2", wasm: "visits.wasm", services } },
    sdk,
  );
}
