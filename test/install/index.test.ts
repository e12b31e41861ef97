// Indexes of plugins: what is made of a folder of packages, and that no index of a stranger does more than be refused.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeIndex } from "../../host/install/index/making.ts";
import { indexText, MAX_INDEX_BYTES, parseIndex } from "../../host/install/index/plugin-index.ts";
import { type FoundPlugin, searchPlugins } from "../../host/install/index/searching.ts";
import { packPlugin } from "../../host/install/pack.ts";
import { packageReader } from "../../host/lifecycle/package-reader.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { signFolder, testKey } from "../support/publishers.ts";
import { tgz } from "../support/tarballs.ts";

const HASH = "a".repeat(64);
const version = (more: object = {}): object => ({
  ...{ version: "1.0.0", source: "./lamp.tgz", api: "0.2", permissions: [], services: [], events: [], extensionPoints: [] },
  ...{ bytes: 8, wasmSha256: HASH, signers: [], dependencies: [] },
  ...more,
});
const indexOf = (more: object = {}): object => ({ version: 1, plugins: [{ name: "lamp", description: "", versions: [version(more)] }] });
const parse = (index: unknown) => parseIndex(Buffer.from(typeof index === "string" ? index : JSON.stringify(index)), "index.json");

describe("an index", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());
  const at = (name: string): string => join(folder.path, name);
  const make = (options: object = {}) => makeIndex(folder.path, { reader: packageReader(), source: "./{file}", ...options });
  const pack = async (name: string, file: string, manifest: object = {}): Promise<void> => {
    const sources = temporaryFolder();
    try {
      const { tarball } = await packPlugin(await writePlugin(sources.path, name, "(module)", { api: "0.2", ...manifest }));
      writeFileSync(at(file), tarball);
    } finally {
      sources.remove();
    }
  };

  it("has what packages and folders say, by name, the newest version first, with who has signed", async () => {
    const key = testKey();
    mkdirSync(at("acme/old"), { recursive: true });
    await pack("lamp", "acme/old/lamp-1.0.0.tgz", { description: "an old lamp" });
    const young = await writePlugin(at("acme"), "lamp", "(module)", {
      ...{ version: "1.10.0", api: "0.2", description: "a lamp" },
      permissions: [{ permission: "http.fetch", resource: "https://example.com/**", reason: "to look" }],
      dependencies: { devices: "npm:@acme/devices@^1.0.0" },
      events: { "lamp.switched": {} },
      services: { "lamp.turn-on": { entryPoint: "turn_on" } },
      extensionPoints: { "lamp.colors": {} },
    });
    writeFileSync(join(young, "package.json"), JSON.stringify({ license: "MIT" }));
    await signFolder(young, key);
    await pack("hello", "hello.tgz");
    symlinkSync(young, at("link"));
    symlinkSync(at("hello.tgz"), at("link.tgz"));
    mkdirSync(at("node_modules/other"), { recursive: true });

    const { index, packages, signed, tooDeep } = await make();
    expect(signed).toEqual([{ plugin: "lamp", version: "1.10.0", statement: expect.stringMatching(/^[0-9a-f]{64}$/), keyid: key.keyid }]);
    expect({ packages, tooDeep }).toEqual({ packages: 3, tooDeep: [] });
    expect(index.plugins.map(({ name, description }) => [name, description])).toEqual([
      ["hello", ""],
      ["lamp", "a lamp"],
    ]);
    const [, lamp] = index.plugins;
    expect(lamp?.versions.map((one) => [one.version, one.source])).toEqual([
      ["1.10.0", "./acme/lamp"],
      ["1.0.0", "./acme/old/lamp-1.0.0.tgz"],
    ]);
    expect(lamp?.versions[0]).toMatchObject({
      api: "0.2",
      permissions: [{ permission: "http.fetch", resource: "https://example.com/**" }],
      ...{ services: ["lamp.turn-on"], events: ["lamp.switched"], extensionPoints: ["lamp.colors"], bytes: 8, license: "MIT" },
      signers: [{ keyid: key.keyid, issuedAt: index.generatedAt }],
      dependencies: [{ plugin: "devices", range: "^1.0.0" }],
      contentSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(lamp?.versions[1]).toMatchObject({ signers: [], bytes: 8 });
    expect(parse(indexText(index))).toEqual(index);
    expect(indexText((await make()).index)).toBe(indexText(index));
  });

  it("names sources as it is told, and the time too", async () => {
    await pack("lamp", "lamp.tgz", { version: "1.2.3" });
    const { index } = await make({ source: "@acme/{name}@{version}", generatedAt: 0 });
    expect(index).toMatchObject({ generatedAt: "1970-01-01T00:00:00.000Z", plugins: [{ versions: [{ source: "@acme/lamp@1.2.3" }] }] });
    expect((await make()).index.generatedAt).toBeUndefined();
    await expect(make({ source: "oci:{host}/{name}" })).rejects.toMatchObject({ message: expect.stringContaining("{host}") });
    await expect(make({ source: "{name}; rm -rf ~" })).rejects.toMatchObject({
      code: "invalid-message",
      detail: expect.stringContaining("pasted into a shell"),
    });
  });

  it("tells what lies too deep, and takes what does not", async () => {
    mkdirSync(at("a/b/c/d"), { recursive: true });
    await pack("lamp", "a/b/c/lamp.tgz");
    await pack("hello", "a/b/c/d/hello.tgz");
    expect(await make()).toMatchObject({ packages: 1, tooDeep: [at("a/b/c/d")] });
  });

  it("is not made of what nobody could install, and names it", async () => {
    await pack("lamp", "lamp.tgz");
    writeFileSync(at("bad.tgz"), "no gzip");
    await expect(make()).rejects.toMatchObject({
      code: "invalid-manifest",
      message: expect.stringMatching(/^bad\.tgz cannot be in an index/),
    });
    writeFileSync(at("bad.tgz"), tgz({ path: "package/plugin.json", content: "{}" }));
    await expect(make()).rejects.toMatchObject({
      code: "invalid-manifest",
      message: expect.stringMatching(/^bad\.tgz cannot be in an index/),
    });
    await expect(makeIndex(at("none"), { reader: packageReader(), source: "{file}" })).rejects.toMatchObject({
      message: expect.stringContaining("is no folder"),
    });
  });

  it("is not made of a package that was changed after it was signed", async () => {
    const plugin = await writePlugin(folder.path, "lamp", "(module)", { api: "0.2" });
    await signFolder(plugin, testKey());
    writeFileSync(join(plugin, "README.md"), "other");
    await expect(make()).rejects.toMatchObject({ code: "invalid-manifest", message: expect.stringContaining("README.md was not there") });
  });

  it("has no version twice, and says which files are the same", async () => {
    await pack("lamp", "a.tgz");
    await pack("lamp", "b.tgz");
    await expect(make()).rejects.toMatchObject({
      code: "conflict",
      message: "a.tgz and b.tgz are both lamp 1.0.0; leave one of them there",
    });
  });
});

describe("a hostile index", () => {
  const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;

  it.each<[string, unknown, RegExp]>([
    ["of another version", { version: 2, plugins: [] }, /version/],
    ["that is no object", [], /the file/],
    ["with too many plugins", { version: 1, plugins: many(10_001, 0) }, /plugins/],
    ["with plugins that are none", { version: 1, plugins: many(10_000, 0) }, /the file/],
    ["with too many versions", { version: 1, plugins: [{ name: "lamp", description: "", versions: many(257, 0) }] }, /versions/],
    ["with a plugin without versions", { version: 1, plugins: [{ name: "lamp", description: "", versions: [] }] }, /versions/],
    ["with a name that is none", { version: 1, plugins: [{ name: "<img>", description: "", versions: [version()] }] }, /name/],
    [
      "with a long description",
      { version: 1, plugins: [{ name: "lamp", description: "x".repeat(501), versions: [version()] }] },
      /description/,
    ],
    ["with too many permissions", indexOf({ permissions: many(257, { permission: "a", resource: "b" }) }), /permissions/],
    ["with millions of nothing", indexOf({ services: many(1_000_000, 0) }), /services/],
    ["with a source that a shell obeys", indexOf({ source: "./lamp.tgz;reboot" }), /source/],
    ["with a source that is an option", indexOf({ source: "--accept=all" }), /source/],
    ["with a source with an escape sequence", indexOf({ source: "./\u001b[2Jlamp" }), /source/],
    ["with a hash that is none", indexOf({ wasmSha256: "a".repeat(63) }), /wasmSha256/],
    ["with a negative size", indexOf({ bytes: -1 }), /bytes/],
    ["with a signer that is none", indexOf({ signers: [{ keyid: "you", issuedAt: "now" }] }), /signers/],
    ["with a license as long as a book", indexOf({ license: "x".repeat(257) }), /license/],
  ])("%s is refused", (_, index, path) => {
    expect(() => parse(index)).toThrow(expect.objectContaining({ code: "invalid-message", detail: expect.stringMatching(path) }));
  });

  it.each([
    ["with __proto__", '{"version":1,"plugins":[{"__proto__":{"name":"lamp"}}]}', /__proto__/],
    ["that is no JSON", "{", /is not JSON/],
    ["that nests without end", `{"version":1,"plugins":[${deep}]}`, /./],
    [
      "with a name twice",
      JSON.stringify({ version: 1, plugins: many(2, { name: "lamp", description: "", versions: [version()] }) }),
      /twice/,
    ],
  ])("%s is refused", (_, text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "invalid-message", message: expect.stringMatching(message) }));
  });

  it("that is too large is not parsed", () => {
    expect(() => parseIndex(Buffer.alloc(MAX_INDEX_BYTES + 1), "index.json")).toThrow(expect.objectContaining({ code: "quota-exceeded" }));
  });

  it("keeps what it may say, and nothing else", () => {
    const [plugin] = parse({ ...indexOf({ more: 1 }), more: 2 }).plugins;
    expect(plugin).toEqual({ name: "lamp", description: "", versions: [version()] });
  });
});

describe("a search", () => {
  const plugin = (name: string, description: string, services: readonly string[] = [], events: readonly string[] = []): FoundPlugin => {
    const [found] = parse({ version: 1, plugins: [{ name, description, versions: [version({ services, events })] }] }).plugins;
    if (found === undefined) throw new Error("no plugin");
    return { ...found, index: "index.json" };
  };
  const all = [
    plugin("thermostat", "keeps rooms warm", ["thermostat.set"], ["thermostat.changed"]),
    plugin("lamp", "turns light on and off", ["lamp.turn-on"], ["lamp.switched"]),
    plugin("moods", "sets a lamp to what fits the hour"),
  ];
  const names = (query: string): string[] => searchPlugins(all, query).map(({ name }) => name);

  it("finds by name before description, by the beginning of a word, and with a letter wrong", () => {
    expect(names("lamp")).toEqual(["lamp", "moods"]);
    expect(names("thermo")).toEqual(["thermostat"]);
    expect(names("thermostad")).toEqual(["thermostat"]);
    expect(names("lam")).toEqual(["lamp", "moods"]);
  });

  it("finds by services and events, and only what has all words", () => {
    expect(names("turn-on")).toEqual(["lamp"]);
    expect(names("switched")).toEqual(["lamp"]);
    expect(names("lamp hour")).toEqual(["moods"]);
    expect(names("lamp warm")).toEqual([]);
    expect(names("!!!")).toEqual([]);
  });

  it("refuses a query that is too long", () => {
    expect(() => names("x".repeat(257))).toThrow(expect.objectContaining({ code: "invalid-message" }));
    expect(names("x".repeat(256))).toEqual([]);
  });
});
