// Manifests of strangers: any text and any JSON is refused with a code or taken, and a valid manifest in which one thing was changed is taken as it
// is written, or refused with the name of what was changed.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { ownPlugin } from "../support/plugin-folders.ts";
import { codeOf, refusalOf } from "./codes.ts";
import { check } from "./runs.ts";

type Json = ReturnType<typeof JSON.parse>;
type Path = readonly string[];

const PLUGINS = ["automation", "devices", "hello", "logger"];
const VALID = new Map(PLUGINS.map((name) => [name, readFileSync(`${ownPlugin(name)}/plugin.json`, "utf8")]));
const DEFAULTS = {
  services: {},
  extensionPoints: {},
  extends: {},
  subscriptions: [],
  watches: [],
  schedules: [],
  events: {},
  storage: { log: false },
  permissions: [],
  limits: {},
  dependencies: {},
  contributes: {},
};
const KEYS = [
  "name",
  "version",
  "api",
  "wasm",
  "services",
  "extends",
  "extensionPoints",
  "permissions",
  "limits",
  "dependencies",
  "memoryMiB",
  "entryPoint",
  "resource",
];
const PROTOTYPE_KEYS = ["__proto__", "constructor", "toString"];
const key = fc.oneof(fc.constantFrom(...KEYS, ...PROTOTYPE_KEYS), fc.string());

afterEach(() => expect(Object.keys(Object.prototype)).toEqual([]));

describe("a manifest", () => {
  it("is refused with a code, whatever text or JSON it is", async () => {
    await check(fc.string({ unit: "binary" }), 500, (text) => {
      expect(codeOf(() => parseManifest(text, "plugin.json"))).toBe("invalid-manifest");
    });
    await check(fc.dictionary(key, fc.jsonValue(), { maxKeys: 8 }), 500, (value) => {
      expect(codeOf(() => parseManifest(JSON.stringify(value), "plugin.json"))).toMatch(/^(invalid-manifest|incompatible-api)$/);
    });
  });

  it("with one change is taken as it is written, or refused by the name of what was changed", async () => {
    const verdicts = { taken: 0, refused: 0 };
    const value = fc.oneof(
      fc.constantFrom(0, -1, 1e308, "", "a.b", "**", "0.1", "1.0.0", "../x.wasm", null, true, [], {}),
      fc.string({ unit: "binary" }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const change = fc.record({
      of: fc.constantFrom(...PLUGINS),
      at: fc.nat(1_000),
      does: fc.constantFrom("replace", "delete", "add"),
      key,
      value,
    });
    await check(change, 2_000, ({ of, at, does, key: added, value: put }) => {
      const changed: unknown = JSON.parse(VALID.get(of) ?? "");
      const paths = pathsOf(changed);
      const chosen = paths[at % paths.length] ?? [];
      const path = does === "add" ? apply(changed, [...chosen, added], put) : apply(changed, chosen, does === "delete" ? undefined : put);
      const text = JSON.stringify(changed);
      let taken: unknown;
      const refusal = refusalOf(() => {
        taken = parseManifest(text, "plugin.json");
      });
      verdicts[refusal === undefined ? "taken" : "refused"] += 1;
      if (refusal === undefined) expect(taken).toEqual({ ...DEFAULTS, ...JSON.parse(text) });
      // It is a key nowhere, and what a stranger puts may contain it.
      else if (text.includes('"__proto__":')) expect(refusal.message).toContain("__proto__");
      else if (refusal.code === "incompatible-api") expect(path).toEqual(["api"]);
      else
        expect(names(refusal.detail ?? refusal.message, path), `${refusal.detail ?? refusal.message} names ${path.join(".")}`).toBe(true);
    });
    expect(verdicts.taken).toBeGreaterThan(100);
    expect(verdicts.refused).toBeGreaterThan(100);
  });
});

const isObject = (value: Json): value is Record<string, Json> => typeof value === "object" && value !== null;

function pathsOf(value: Json, from: Path = []): Path[] {
  return isObject(value) ? Object.entries(value).flatMap(([name, each]) => [[...from, name], ...pathsOf(each, [...from, name])]) : [];
}

/** Puts the value there, or takes out what is there if it is undefined. Answers the path, shorter if something on it holds nothing. */
function apply(root: Json, path: Path, value: unknown): Path {
  let holder = root;
  for (const [i, name] of path.entries()) {
    if (!isObject(holder)) return path.slice(0, i);
    if (i < path.length - 1) holder = holder[name];
    else if (value === undefined) delete holder[name];
    else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return path;
}

/** Whether a line is about the path or something within it, or about what holds it and mentions its key. */
function names(detail: string, path: Path): boolean {
  const whole = path.join(".");
  return detail.split("\n").some((said) => {
    const line = said.replace(/^plugin\.json:\d+: /, "");
    if ([":", ".", " ("].some((end) => line.startsWith(whole + end))) return true;
    const holder = path.slice(0, -1).join(".") || "the file";
    const isAboutHolder = line.startsWith(`${holder}:`) || line.startsWith("plugin.json provides");
    // Of a list it is enough to name the list.
    return isAboutHolder && (/^\d+$/.test(path.at(-1) ?? "") || line.includes(path.at(-1) ?? ""));
  });
}
