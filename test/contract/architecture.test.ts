// Who may import whom (docs/architecture.md), checked on the files themselves and on the linter's rules; and the size of the core.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const host = join(root, "host");
const MAX_CORE_BEHAVIOUR = 1_000;
/** Generated, or interfaces only. */
const WORDS: ReadonlySet<string> = new Set(["core/wit.ts", "core/ports.ts"]);

const files = readdirSync(host, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const importsOf = (file: string): string[] =>
  [...readFileSync(join(host, file), "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");

/** The lines of a source that do something: without types, comments, imports and lone brackets. */
const behaviourOf = (source: string): string[] =>
  stripTypeScriptTypes(source)
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^import [\s\S]*?;$/gm, "")
    .split("\n")
    .filter((line) => /\w/.test(line));

/** The room of a file in host/: its folder, or its own name at the top. */
const roomOf = (file: string): string => file.split("/")[0] ?? "";

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  bounds: ["bounds", "core"],
  engine: ["engine", "bounds", "core"],
  adapters: ["adapters", "bounds", "core"],
  install: ["install", "bounds", "core"],
  admin: ["admin", "install", "bounds", "core"],
  cell: ["cell", "engine", "adapters", "bounds", "core"],
  cli: ["cli", "main.ts", "sources.ts", "admin", "cell", "engine", "adapters", "install", "bounds", "core"],
  testing: ["testing", "admin", "cell", "engine", "adapters", "install", "core"],
  "cells.ts": ["cell", "adapters", "install", "core"],
  "plugin-manager.ts": ["strangers.ts", "cells.ts", "cell", "adapters", "install", "core"],
  "package-reader.ts": ["cell", "install", "core"],
  "package-reader-main.ts": ["package-reader.ts", "cell", "install"],
  "strangers.ts": ["cell", "install", "core"],
  "sources.ts": ["strangers.ts", "package-reader.ts", "admin", "cell", "install", "core"],
  "main.ts": [
    "strangers.ts",
    "sources.ts",
    "plugin-manager.ts",
    "cells.ts",
    "admin",
    "cell",
    "engine",
    "adapters",
    "install",
    "bounds",
    "core",
  ],
  "index.ts": ["main.ts", "install", "core"],
};

/** An adapter is a file or a folder of adapters/. */
const adapterOf = (file: string): string => file.split("/")[1] ?? "";

describe("the architecture", () => {
  it("keeps the core's behaviour below 1,000 lines, whatever its interfaces and reasons take", () => {
    const lines = files
      .filter((file) => roomOf(file) === "core" && !WORDS.has(file))
      .flatMap((file) => behaviourOf(readFileSync(join(host, file), "utf8")));
    expect(lines.length).toBeLessThan(MAX_CORE_BEHAVIOUR);
    // Types, comments and lone brackets are none; a check of the ruler itself.
    expect(
      behaviourOf("// why\nimport { a } from 'b';\ninterface X {\n  y: 1;\n}\n/* more\n */\nexport const z: X = {\n  y: 1,\n};"),
    ).toHaveLength(2);
  });

  it("lets the core import nothing from outside itself", () => {
    for (const file of files.filter((name) => roomOf(name) === "core")) {
      for (const specifier of importsOf(file)) expect(specifier, file).toMatch(/^\.\/[a-z-]+\.ts$/);
    }
  });

  it("lets each room import only what the table allows, and adapters never each other", () => {
    for (const file of files) {
      for (const specifier of importsOf(file).filter((name) => name.startsWith("."))) {
        const target = relative(host, resolve(host, dirname(file), specifier));
        expect(MAY_IMPORT[roomOf(file)], `${file} imports ${target}`).toContain(roomOf(target));
        if (roomOf(file) === "adapters" && roomOf(target) === "adapters")
          expect(adapterOf(target), `${file} imports ${target}`).toBe(adapterOf(file));
      }
    }
  });

  it("has the linter refuse what the table refuses", () => {
    const forbidden: [string, string][] = [
      ["core/a.ts", "node:fs/promises"],
      ["core/a.ts", "zod"],
      ["core/a.ts", "../engine/b.ts"],
      ["engine/a.ts", "../adapters/b.ts"],
      ["engine/meter/a.ts", "../../cell/b.ts"],
      ["adapters/a.ts", "../engine/b.ts"],
      ["adapters/http/a.ts", "../../install/b.ts"],
      ["adapters/http/a.ts", "../../main.ts"],
      ["adapters/http/a.ts", "../log-json.ts"],
      ["adapters/http/a.ts", "../metrics/a.ts"],
      ["adapters/a.ts", "./log-json.ts"],
      ["adapters/a.ts", "./http/server.ts"],
      ["install/a.ts", "../cell/b.ts"],
      ["cell/a.ts", "../main.ts"],
      ["cell/a.ts", "../install/b.ts"],
      ["cell/a.ts", "../admin/b.ts"],
      ["admin/a.ts", "../adapters/b.ts"],
      ["admin/a.ts", "../cell/b.ts"],
      ["install/a.ts", "../admin/b.ts"],
      ["adapters/a.ts", "../admin/b.ts"],
      ["engine/a.ts", "../admin/b.ts"],
      ["testing/a.ts", "../cli/b.ts"],
      ["testing/a.ts", "../main.ts"],
      ["cell/a.ts", "../testing/b.ts"],
      ["admin/a.ts", "../testing/b.ts"],
    ];
    const allowed: [string, string][] = [
      ["core/b.ts", "./names.ts"],
      ["engine/b.ts", "../core/names.ts"],
      ["cell/b.ts", "../engine/engine.ts"],
      ["adapters/http/b.ts", "../../core/names.ts"],
      ["adapters/http/b.ts", "./options.ts"],
      ["adapters/b.ts", "../core/names.ts"],
      ["adapters/b.ts", "node:fs"],
      ["cli/b.ts", "../main.ts"],
      ["testing/b.ts", "../cell/b.ts"],
    ];
    const restricted = lintImports([...forbidden, ...allowed]);
    expect(restricted.sort()).toEqual(forbidden.map(([file, specifier]) => `${file} ${specifier}`).sort());
  });
});

/** The pairs of file and import that biome refuses, in a copy of our configuration. */
function lintImports(pairs: readonly (readonly [string, string])[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-lint-"));
  try {
    const { $schema: _, vcs: __, ...config } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8")) as Record<string, unknown>;
    writeFileSync(join(folder, "biome.json"), JSON.stringify(config));
    return pairs
      .filter(([file, specifier], i) => {
        const path = join(folder, "host", file.replace(/\.ts$/, `${i}.ts`));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, `import { x } from "${specifier}";\nx();\n`);
        return lint(folder, path).includes("noRestrictedImports");
      })
      .map(([file, specifier]) => `${file} ${specifier}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function lint(folder: string, path: string): string {
  try {
    return execFileSync(join(root, "node_modules/.bin/biome"), ["lint", "--reporter=json", path], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch (failure) {
    return typeof failure === "object" && failure !== null && "stdout" in failure ? String(failure.stdout) : "";
  }
}
