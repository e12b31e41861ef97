// `bulkhead index build`, `search` and `info` of what is not installed, as people run them.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bulkhead, type Ran } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { signFolder, testKey } from "../support/publishers.ts";

const key = testKey();

describe("bulkhead", () => {
  let folder: TemporaryFolder;
  const at = (name: string): string => join(folder.path, name);
  const run = (...args: string[]): Promise<Ran> => bulkhead(args, { cwd: folder.path });
  const configure = (configuration: object): void =>
    writeFileSync(at("bulkhead.json"), JSON.stringify({ adapters: { http: false }, ...configuration }));

  beforeAll(async () => {
    folder = temporaryFolder();
    const lamp = await writePlugin(at("packages"), "lamp", "(module)", {
      ...{ api: "0.2", description: "turns light on \u202efdp.exe", events: { "lamp.switched": {} } },
      permissions: [{ permission: "http.fetch", resource: "https://example.com/**", reason: "to look" }],
    });
    await signFolder(lamp, key);
    await writePlugin(at("packages"), "thermostat", "(module)", { api: "0.2", description: "keeps rooms warm" });
    configure({ index: ["shelf/"] });
  });
  afterAll(() => folder.remove());

  it("makes an index and a catalogue, the same from the same", async () => {
    const made = await run("index", "build", "--from", "packages", "--out", "shelf", "--json");
    const files = ["index.json", "index.html", "catalogue.js", "catalogue.css"];
    expect([made.code, JSON.parse(made.stdout)]).toEqual([0, { folder: at("shelf"), files, plugins: 2, packages: 2, tooDeep: [] }]);
    const before = files.map((file) => readFileSync(at(`shelf/${file}`), "utf8"));
    const again = await run("index", "build", "--from", "packages", "--out", "shelf");
    expect(again.stderr).toContain("2 plugins in 2 packages");
    expect(files.map((file) => readFileSync(at(`shelf/${file}`), "utf8"))).toEqual(before);
    const { plugins } = JSON.parse(before[0] ?? "");
    expect(plugins[0].versions[0].source).toBe("../packages/lamp");

    const dated = await bulkhead(["index", "build", "--from", "packages", "--out", "dated"], {
      cwd: folder.path,
      env: { SOURCE_DATE_EPOCH: "0" },
    });
    expect([dated.code, JSON.parse(readFileSync(at("dated/index.json"), "utf8")).generatedAt]).toEqual([0, "1970-01-01T00:00:00.000Z"]);
    rmSync(at("dated"), { recursive: true });
  });

  it("adds what is signed to a log, which says it once", async () => {
    const env = { BULKHEAD_KEY_PASSWORD: "correct horse battery staple" };
    const keys = ["--keys", at("keys")];
    expect(await bulkhead(["key", "new", "log", ...keys], { cwd: folder.path, env })).toMatchObject({ code: 0 });
    const build = ["index", "build", "--from", "packages", "--out", "logged", "--log-key", "log", ...keys];
    expect(await run(...build)).toMatchObject({ code: 2, stderr: expect.stringContaining("--log-origin") });
    for (const _ of [1, 2]) {
      const made = await bulkhead([...build, "--log-origin", "example.org/log", "--json"], { cwd: folder.path, env });
      expect(JSON.parse(made.stdout).log).toEqual({
        folder: at("logged/log"),
        size: 1,
        key: expect.stringMatching(/^example\.org\/log\+/),
      });
    }
    const checkpoint = readFileSync(at("logged/log/checkpoint"), "utf8");
    expect(checkpoint.split("\n").slice(0, 2)).toEqual(["example.org/log", "1"]);
  });

  it("makes nothing of a folder with a package that is none", async () => {
    await writePlugin(at("bad"), "lamp", "(module)", { api: "0.2" });
    writeFileSync(at("bad/x.tgz"), "x");
    const { code, stderr } = await run("index", "build", "--from", "bad");
    expect([code, existsSync(at("bad/index.json"))]).toEqual([2, false]);
    expect(stderr).toContain("x.tgz cannot be in an index");
    expect(await run("index", "build", "--from", "nowhere")).toMatchObject({ code: 2, stderr: expect.stringContaining("is no folder") });
  });

  it("finds plugins in the indexes of the configuration, or those that it is told", async () => {
    const found = await run("search", "light");
    expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining("turns light on \\u{202e}fdp.exe") });
    expect(found.stdout).not.toContain("thermostat");
    expect(found.stdout).toContain(key.keyid.slice(0, 16));
    const json = await run("search", "lamp", "switched", "--index", at("shelf/index.json"), "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ found: 1, plugins: [{ name: "lamp", versions: [{ source: at("packages/lamp") }] }] });
    expect(await run("search", "nothing-like-it")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("no plugin has nothing-like-it"),
    });
    expect(await run("search", "lamp", "--index", "none.json")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the index is not at none.json"),
    });
    const one = await run("search", "lamp", "--index", "none.json", "shelf/");
    expect(one).toMatchObject({ code: 0, stderr: expect.stringContaining("none.json is left out") });
  });

  it("finds plugins in an index on the web, whose sources are named from there", async () => {
    const server = createServer(({ url }, response) => {
      if (url !== "/a/index.json") return response.writeHead(404).end();
      response.writeHead(200, { "content-type": "application/json" }).end(readFileSync(at("shelf/index.json")));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const found = await run("search", "lamp", "--index", `${web}/a/`, "--json");
      expect(JSON.parse(found.stdout).plugins[0].versions[0].source).toBe(`${web}/packages/lamp`);
      expect(await run("info", "lamp", "--index", `${web}/b/`)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("the index is not at"),
      });
      expect(await run("search", "lamp", "--index", "http://example.invalid/")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("write https://"),
      });
    } finally {
      server.close();
    }
  });

  it("shows a plugin that is not here, from an index and from its source", async () => {
    for (const args of [["lamp"], ["lamp", "--index", "shelf/"], ["./packages/lamp"]]) {
      const { code, stdout } = await run("info", ...args);
      expect(code).toBe(0);
      for (const text of [
        key.keyid,
        "http.fetch https://example.com/**",
        "lamp.switched",
        "1.0.0 (api 0.2)",
        "\\u{202e}",
        at("packages/lamp"),
      ])
        expect(stdout, args.join(" ")).toContain(text);
    }
    expect(JSON.parse((await run("info", "thermostat", "--json")).stdout)).toMatchObject([
      { name: "thermostat", index: at("shelf/index.json") },
    ]);
    expect(await run("info", "heater")).toMatchObject({ code: 2, stderr: expect.stringContaining("neither here nor in an index") });
    expect(await run("info", "./nowhere")).toMatchObject({ code: 2 });
  });

  it("says where to name an index, and what is wrong with one", async () => {
    configure({});
    expect(await run("search", "lamp")).toMatchObject({ code: 2, stderr: expect.stringContaining("--index") });
    expect(await run("info", "lamp")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is no plugin lamp") });
    writeFileSync(at("bad.json"), '{"version":1,"plugins":[{"name":"x\\u001b[2J"}]}');
    const { code, stderr } = await run("search", "lamp", "--index", "bad.json");
    expect([code, stderr]).toEqual([2, expect.stringContaining("bad.json, plugins.0 is no index of plugins")]);
    expect(stderr).not.toContain("\u001b[2J");
  });
});
