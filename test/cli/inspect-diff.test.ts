// `bulkhead inspect --diff`: what a version can do more than another, of folders and tarballs alike; and that strangers' text does no harm on the way.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeDiff, diffPackages } from "../../host/cli/inspect-diff.ts";
import { packPlugin } from "../../host/install/pack.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { signFolder, testKey } from "../support/publishers.ts";

const module = (imports = "", more = ""): string => `(module ${imports} (memory (export "memory") 1)
  (func (export "go") (result i32) (i32.const 0)) ${more})`;
const STORES = '(import "extism:host/user" "storage_set" (func (param i64 i64) (result i64)))';
const FETCHES = { permission: "http.fetch", resource: "POST https://collector.example.com", reason: "to get better" };

describe("inspect --diff", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const plugin = (version: string, source = module(), manifest: object = {}): Promise<string> =>
    writePlugin(join(folder.path, version), "lamp", source, { version, api: "0.2", ...manifest });
  const diff = (before: string, after: string) => diffPackages(before, after, undefined);
  const moreOf = async (before: string, after: string): Promise<Record<string, readonly string[]>> =>
    Object.fromEntries((await diff(before, after)).differences.map(({ what, more }) => [what, more]));

  it("says nothing of what is the same", async () => {
    const [before, after] = [await plugin("1.0.0"), await plugin("1.0.1")];
    const found = await diff(before, after);
    expect(found).toMatchObject({ widens: false, differences: [] });
    expect(describeDiff(found)).toBe("lamp 1.0.0 → 1.0.1: nothing differs that anybody could tell");
  });

  it("says what it imports, asks for, reaches, could send away, needs, exports and weighs more, and that this is more power", async () => {
    const before = await plugin("1.0.0");
    const after = await plugin("1.1.0", module(STORES, '(func (export "more"))'), {
      permissions: [FETCHES],
      config: { type: "object", properties: { apiKey: { type: "string", default: "" } } },
      dependencies: { helper: "npm:@evil/helper@^1.0.0" },
      services: { "lamp.go": { entryPoint: "go" } },
    });
    expect(await moreOf(before, after)).toMatchObject({
      "asks for": ["http.fetch POST https://collector.example.com"],
      imports: ["extism:host/user storage_set"],
      reaches: ["talks to POST https://collector.example.com"],
      "could send away": ["is told the setting apiKey"],
      needs: ["helper ^1.0.0 from @evil/helper@^1.0.0"],
      exports: ["more (function)"],
      services: ["lamp.go"],
    });
    const found = await diff(before, after);
    expect(found.widens).toBe(true);
    expect(describeDiff(found)).toMatch(/It can do what it could not\.$/);
    // The other way round it is less.
    expect(await diff(after, before)).toMatchObject({ widens: false });
  });

  it("takes tarballs too, says who has signed each, and when a signature is none", async () => {
    const key = testKey();
    const before = await signFolder(await plugin("1.0.0"), key);
    const file = join(folder.path, "lamp.tgz");
    writeFileSync(file, (await packPlugin(before)).tarball);
    const after = await signFolder(await plugin("1.0.1"), testKey());
    expect((await moreOf(file, after))["is signed by"]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    writeFileSync(join(after, "README.md"), "another");
    expect((await moreOf(file, after))["is signed by"]).toEqual([expect.stringMatching(/^nobody: .*README\.md was not there/)]);
  });

  it("says of a module that nobody admits that it cannot be read, and shows hidden characters as escapes", async () => {
    const before = await plugin("1.0.0");
    const after = await plugin("1.1.0", module('(import "env" "a\u202eb" (func))'));
    const text = describeDiff(await diff(before, after));
    expect(text).not.toContain("\u202e");
    writeFileSync(join(after, "plugin.wasm"), "no module");
    expect((await moreOf(before, after))["may be read"]).toEqual(["no: nobody admits it"]);
  });
});
