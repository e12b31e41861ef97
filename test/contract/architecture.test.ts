// THE rules of the house, checked on the files themselves: who may import whom (docs/architecture.md), how much the core does, what a port is, and
// through which two doors a guest is reached.

import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const host = fileURLToPath(new URL("../../host/", import.meta.url));
const MAX_CORE_BEHAVIOUR = 1_000;
const MAX_FILE_BEHAVIOUR = 200;
const MAX_PORT_MEMBERS = 8;
/** What the core takes from the language's world; all else it is given. */
const CORE_GLOBALS: ReadonlySet<string> = new Set(["AbortController", "TextDecoder", "TextEncoder", "btoa", "crypto", "queueMicrotask"]);
/** Globals of Node and the web that a file could use without an import. */
const GLOBALS =
  /(?<![\w.#"'`-])(AbortController|AbortSignal\.|Buffer|console|crypto|fetch|globalThis|performance|process|queueMicrotask|setImmediate|setInterval|setTimeout|structuredClone|TextDecoder|TextEncoder|URL|WebAssembly|btoa|atob)(?=[.(\s])/g;

const files = readdirSync(host, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const sourceOf = (file: string): string => readFileSync(join(host, file), "utf8");
const inCore = files.filter((file) => file.startsWith("core/"));

/** The files of host/ that a file imports, types included. */
const importsOf = (file: string): string[] =>
  [...sourceOf(file).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) =>
    relative(host, resolve(host, dirname(file), match[1] ?? "")),
  );
const packagesOf = (file: string): string[] =>
  [...sourceOf(file).matchAll(/(?:from|import)\s*\(?\s*"([^."][^"]*)"/g)].map((match) => match[1] ?? "");

/** The lines of a source that do something: without types, comments, imports and lone brackets. */
const behaviourOf = (source: string): string[] =>
  stripTypeScriptTypes(source)
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^import [\s\S]*?;$/gm, "")
    .split("\n")
    .filter((line) => /\w/.test(line));

/** The room of a file in host/: its folder, or its own name at the top. */
const roomOf = (file: string): string => file.split("/")[0] ?? "";

/** The one place where it is said. A room may always import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  "seams.ts": ["core"],
  contracts: ["seams.ts", "core"],
  "adapter.ts": ["contracts", "seams.ts", "bounds", "core"],
  bounds: ["core"],
  engine: ["bounds", "core"],
  drivers: ["seams.ts", "bounds", "core"],
  guards: ["bounds", "core"],
  cluster: ["seams.ts", "bounds", "core"],
  capabilities: ["seams.ts", "bounds", "core"],
  adapters: ["seams.ts", "bounds", "core"],
  telemetry: ["seams.ts", "bounds", "core"],
  manifest: ["capabilities", "seams.ts", "bounds", "core"],
  trust: ["manifest", "bounds", "core"],
  install: ["trust", "manifest", "bounds", "core"],
  admin: ["capabilities", "install", "trust", "manifest", "seams.ts", "bounds", "core"],
  backup: ["admin", "capabilities", "drivers", "install", "manifest", "bounds", "core"],
  gate: ["admin", "manifest", "seams.ts", "bounds", "core"],
  cell: ["engine", "drivers", "bounds", "core"],
  remote: ["adapters", "cell", "engine", "manifest", "seams.ts", "bounds", "core"],
  lifecycle: [
    "cluster",
    "remote",
    "gate",
    "backup",
    "admin",
    "cell",
    "adapters",
    "capabilities",
    "drivers",
    "install",
    "trust",
    "manifest",
    "telemetry",
    "seams.ts",
    "bounds",
    "core",
  ],
  embedding: ["trust", "manifest", "seams.ts", "bounds", "core"],
  "main.ts": [
    ...[
      "embedding",
      "guards",
      "gate",
      "lifecycle",
      "capabilities",
      "admin",
      "cell",
      "engine",
      "drivers",
      "install",
      "manifest",
      "bounds",
      "core",
    ],
  ],
  "index.ts": ["main.ts", "embedding", "install", "manifest", "bounds", "core"],
  cli: [
    "main.ts",
    "lifecycle",
    "backup",
    "admin",
    "cell",
    "engine",
    "drivers",
    "adapters",
    "capabilities",
    "install",
    "trust",
    "manifest",
    "seams.ts",
    "bounds",
    "core",
  ],
  sandbox: ["embedding", "cell", "engine", "drivers", "manifest", "bounds", "core"],
  testing: ["seams.ts", "capabilities", "drivers", "cell", "engine", "guards", "install", "manifest", "bounds", "core"],
};
/** Whose parts are exchanged one by one, so none may know another; index.ts is the table of them. */
const TABLES: ReadonlySet<string> = new Set(["adapters", "capabilities", "drivers"]);
/** What several adapters or drivers have in common, and knows none of them. */
const SHARED_PARTS: ReadonlySet<string> = new Set(["adapters/gateway", "drivers/nats"]);
const partOf = (file: string): string => file.split("/")[1] ?? "";

/** Files that import each other, by way of whom; undefined when there are none. */
function circleAmong(all: readonly string[]): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const next of importsOf(file).filter((one) => all.includes(one))) {
      const found = visit(next, [...path, file]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const file of all) {
    const found = visit(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe("the core", () => {
  const behaving = inCore.filter((file) => file !== "core/wit.ts" && !file.startsWith("core/ports/"));

  it("does no more than 1,000 lines, whatever its interfaces and reasons take", () => {
    const lines = behaving.flatMap((file) => behaviourOf(sourceOf(file)));
    expect(lines.length).toBeLessThan(MAX_CORE_BEHAVIOUR);
    // Types, comments and lone brackets are none; a check of the ruler itself.
    expect(
      behaviourOf("// why\nimport { a } from 'b';\ninterface X {\n  y: 1;\n}\n/* more\n */\nexport const z: X = {\n  y: 1,\n};"),
    ).toHaveLength(2);
  });

  it("has files that are read in one sitting", () => {
    expect(behaving.filter((file) => behaviourOf(sourceOf(file)).length > MAX_FILE_BEHAVIOUR)).toEqual([]);
  });

  it("imports nothing from outside itself, and uses no global but those named", () => {
    for (const file of inCore) {
      expect(packagesOf(file), file).toEqual([]);
      const used = [
        ...stripTypeScriptTypes(sourceOf(file))
          .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")
          .matchAll(GLOBALS),
      ].map((match) => match[1]);
      expect(
        used.filter((name) => !CORE_GLOBALS.has(name ?? "")),
        file,
      ).toEqual([]);
    }
  });

  it("has ports of words only", () => {
    for (const file of inCore.filter((name) => name.startsWith("core/ports/")))
      expect(
        behaviourOf(sourceOf(file)).filter((line) => !line.startsWith("export ")),
        file,
      ).toEqual([]);
  });

  it("enters guests in one place", () => {
    const entering = files.filter((file) => /\bcell\.run\(/.test(sourceOf(file)));
    // Cells over cells: of what hibernates, of what is loaded when a turn comes, and the test kit's, which writes down what passes through it.
    const overCells = ["cell/outside/hibernating-cell.ts", "cell/outside/late-module-cell.ts", "testing/recording.ts"];
    expect(entering.toSorted()).toEqual([...overCells.slice(0, 2), "core/mailbox.ts", ...overCells.slice(2)]);
  });
});

describe("the rooms", () => {
  it("import only what the table allows", () => {
    const wrong = files.flatMap((file) => {
      const allowed = [roomOf(file), ...(MAY_IMPORT[roomOf(file)] ?? [])];
      return importsOf(file)
        .filter((target) => !allowed.includes(roomOf(target)))
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it("keep adapters, capabilities and drivers from knowing each other", () => {
    const wrong = files
      .filter((file) => TABLES.has(roomOf(file)) && partOf(file) !== "index.ts")
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => roomOf(target) === roomOf(file) && partOf(target) !== partOf(file))
          .filter((target) => !SHARED_PARTS.has(`${roomOf(target)}/${partOf(target)}`))
          .map((target) => `${file} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it("let no adapter hear events but by way of a check: follow's, or the one of the window's cursors", () => {
    const inAdapters = files.filter((file) => file.startsWith("adapters/"));
    expect(inAdapters.filter((file) => /\bobserve\(/.test(sourceOf(file)))).toEqual(["adapters/gateway/event-streams.ts"]);
    expect(inAdapters.filter((file) => /\bwindow\.at\(/.test(sourceOf(file))).sort()).toEqual([
      "adapters/gateway/event-cursor.ts",
      // The rest of what a cursor has let through.
      "adapters/gateway/event-stream.ts",
    ]);
    expect(sourceOf("adapters/gateway/event-cursor.ts")).toContain('principal.allows("events.subscribe", event.type)');
  });

  it("have no circle of imports", () => {
    expect(circleAmong(files)).toBeUndefined();
  });
});

/** Each port of the core with those who implement it, and the suite that holds all of them. */
const PORTS: Readonly<Record<string, { readonly implementations: readonly string[]; readonly suite: string }>> = {
  Clock: { implementations: ["host/drivers/system-clock.ts", "host/testing/test-clock.ts"], suite: "host/contracts/clock.ts" },
  LogSink: { implementations: ["host/drivers/log-json/log-json.ts", "host/cli/report.ts"], suite: "host/contracts/log-sink.ts" },
  StorageDriver: {
    implementations: ["host/drivers/storage-sqlite/storage-sqlite.ts", "host/drivers/storage-memory/driver.ts"],
    suite: "host/contracts/storage-driver.ts",
  },
  StateDriver: {
    implementations: ["host/drivers/state/memory.ts", "host/drivers/state/sqlite.ts"],
    suite: "host/contracts/state-driver.ts",
  },
  EventLog: {
    implementations: ["host/drivers/events/memory.ts", "host/drivers/events/sqlite.ts"],
    suite: "host/contracts/event-log.ts",
  },
  BlobDriver: {
    implementations: ["host/drivers/blobs/files.ts", "host/drivers/blobs/memory.ts"],
    suite: "host/contracts/blob-driver.ts",
  },
  Cell: { implementations: ["host/cell/outside/client.ts", "host/cell/outside/supervised-cell.ts"], suite: "test/cell/cells.test.ts" },
};

describe("ports", () => {
  const root = join(host, "..");
  const text = (file: string): string => readFileSync(join(root, file), "utf8");

  it.each(Object.entries(PORTS))("%s has two implementations and a suite that tests them", (name, { implementations, suite }) => {
    expect(implementations.length).toBeGreaterThanOrEqual(2);
    for (const file of implementations) expect(text(file), file).toMatch(new RegExp(`\\b${name}\\b`));
    expect(text(suite).length).toBeGreaterThan(0);
  });

  it.each(Object.keys(PORTS))("%s has at most eight members", (name) => {
    const all = inCore.filter((file) => file.startsWith("core/ports/")).map(sourceOf);
    const [, body = ""] = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(all.join("\n")) ?? [];
    const members = body.split("\n").filter((line) => /^ {2}(readonly )?[\w[]/.test(line));
    expect(members.length).toBeGreaterThan(0);
    expect(members.length).toBeLessThanOrEqual(MAX_PORT_MEMBERS);
  });
});
