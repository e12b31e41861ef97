// `bulkhead check` names what will not work by its line, before anybody runs it; what makes, packs, inspects or installs a plugin says the same.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { lineOf } from "../../host/manifest/places.ts";
import { didYouMean } from "../../host/manifest/suggest.ts";
import { bulkhead } from "../support/command.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const MODULE = `(module (func (export "greet") (result i32) (i32.const 0)) (func (export "on_arrived") (result i32) (i32.const 0)))`;

describe("bulkhead check", () => {
  let folder: TemporaryFolder;
  let plugin: string;

  beforeEach(async () => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "bulkhead.json"), JSON.stringify({ adapters: { http: false } }));
    plugin = await writePlugin(folder.path, "greeter", MODULE);
  });
  afterEach(() => folder.remove());

  const run = (...args: string[]) => bulkhead(args, { cwd: folder.path });
  /** One key a line, so that lines tell keys apart. */
  const write = (changes: object): void => {
    const manifest = JSON.parse(readFileSync(join(plugin, "plugin.json"), "utf8")) as object;
    writeFileSync(join(plugin, "plugin.json"), JSON.stringify({ ...manifest, ...changes }, null, 2));
  };
  const lineWith = (word: string): number =>
    readFileSync(join(plugin, "plugin.json"), "utf8")
      .split("\n")
      .findIndex((line) => line.includes(word)) + 1;

  it("finds nothing wrong where nothing is", async () => {
    write({ services: { "greeter.greet": { entryPoint: "greet", input: { type: "object" }, output: true } } });
    expect(await run("check", "greeter")).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing is wrong"), stderr: "" });
  });

  it.each([
    [
      { services: { "greeter.greet": { entryPoint: "great" } } },
      "great",
      `services.greeter.greet.entryPoint ("great"): its module exports greet, on_arrived; did you mean greet?`,
    ],
    [{ subscriptions: [{ type: "a.b", entryPoint: "on_arive" }] }, "on_arive", "did you mean on_arrived?"],
    [{ services: { "greeter.greet": { entryPoint: "greet", input: { type: "objet" } } } }, "objet", "input.type"],
    [{ services: { "greeter.greet": { entryPoint: "greet", output: { properties: { x: 5 } } } } }, '"x"', "write a JSON Schema"],
    [{ services: { "greeter.greet": { entryPoint: "greet", output: { required: "x" } } } }, '"required"', "write a list of names"],
    [{ contributes: { http: { routes: [{ method: "GET", path: "nowhere", service: "greeter.greet" }] } } }, "nowhere", "write /<plugin>/"],
    [
      { contributes: { http: { routes: [{ method: "GET", path: "/other/x", service: "greeter.greet" }] } } },
      "/other/x",
      "must begin with /greeter",
    ],
    [
      { contributes: { http: { routes: [{ method: "GET", path: "/greeter/x", service: "other.greet" }] } } },
      "other.greet",
      "not to its own service",
    ],
  ])("names the line of %j", async (changes, word, message) => {
    write(changes);
    const line = `plugin.json:${lineWith(word)}: `;
    for (const command of [
      ["check", "greeter"],
      ["pack", "greeter"],
      ["install", "./greeter", "--grant", "none"],
      ["inspect", "greeter"],
    ]) {
      const { code, stdout, stderr } = await run(...command);
      expect(code, command.join(" ")).not.toBe(0);
      const said = `${stdout}${stderr}`.split("\n").filter((one) => one.includes(message));
      expect(said.length, `${command.join(" ")}: ${stdout}${stderr}`).toBeGreaterThan(0);
      expect(said.join("\n"), command.join(" ")).toContain(line);
    }
  });

  it("warns of what works and is hardly meant", async () => {
    const heard = { type: "people.arrived", entryPoint: "on_arrived" };
    write({
      services: { "greeter.greet": { entryPoint: "greet" }, "greeter.hail": { entryPoint: "greet" } },
      subscriptions: [heard, heard, { ...heard, filter: { "data.name": "Ada" } }],
      contributes: { htpp: {} },
    });
    const { code, stderr } = await run("check", "greeter");
    expect(code).toBe(0);
    expect(stderr).toContain("no adapter here reads this section; there are http; did you mean http?");
    expect(stderr).toContain('services.greeter.hail.entryPoint ("greet"): greeter.greet has the same entry point');
    expect(stderr.match(/each event would come twice/g)).toHaveLength(1);
    expect(JSON.parse((await run("check", "greeter", "--json")).stdout)).toMatchObject({ errors: [], warnings: [{}, {}, {}] });
  });

  it("suggests keys of the manifest and of what is in it, and says when there is no module yet", async () => {
    write({ subscription: [] });
    expect((await run("check", "greeter")).stderr).toContain(
      `plugin.json:${lineWith("subscription")}: subscription: there is no such key; did you mean subscriptions?`,
    );
    expect(() => parseManifest('{"limits":{"memoryMib":1}}', "plugin.json")).toThrow(
      expect.objectContaining({ detail: expect.stringContaining("limits.memoryMib (1): there is no such key; did you mean memoryMiB?") }),
    );
    const bare = await writePlugin(folder.path, "bare", MODULE, { wasm: "none.wasm" });
    expect((await run("check", bare)).stderr).toContain(
      'none.wasm is not there, so its exports were not looked at; "bulkhead build" makes it',
    );
  });

  it("does not spend itself on a manifest that is nothing but faults", () => {
    const faults = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key${i}`, i]));
    const started = process.cpuUsage();
    expect(() => parseManifest(JSON.stringify({ ...faults, name: "x" }, null, 1), "plugin.json")).toThrow(
      expect.objectContaining({ detail: expect.stringMatching(/^(?:.*\n){20}and 199\d\d more$/) }),
    );
    // Not one walk over the text for each of them, which would be minutes.
    expect(process.cpuUsage(started).user).toBeLessThan(20_000_000);
  });

  it.each([
    [
      "deep",
      (() => {
        let schema: object = {};
        for (let i = 0; i < 300; i += 1) schema = { not: schema };
        return schema;
      })(),
    ],
    ["wide", { anyOf: Array.from({ length: 50_000 }, () => ({})) }],
  ])("refuses a schema that is too %s", async (size, input) => {
    write({ services: { "greeter.greet": { entryPoint: "greet", input } } });
    const limit = size === "deep" ? "deeper than 16 levels of schemas" : "150011 bytes; the limit is 65536";
    expect((await run("check", "greeter")).stderr).toContain(limit);
  });
});

describe("the line of a place in a JSON text", () => {
  it("is found through strings, escapes, lists and doubled keys", () => {
    const text = '{\n "a": [1,\n  {"b\\u0022": "}]\\"",\n   "c": 2}],\n "d": {\n },\n "e": 1,\n "e": 2\n}';
    const places = { a: 2, "a.0": 2, "a.1": 3, 'a.1.b"': 3, "a.1.c": 4, d: 5, "d.none": 5, e: 8, none: 1, "a.7": 2 };
    for (const [path, line] of Object.entries(places)) expect(lineOf(text, path.split(".")), path).toBe(line);
    expect(lineOf("7", ["a"])).toBe(1);
  });
});

describe("a suggestion", () => {
  it("is the nearest, and none when nothing is near", () => {
    expect(didYouMean("entrypoint", ["entryPoint", "entry"])).toBe("; did you mean entryPoint?");
    expect(didYouMean("prot", ["port", "host"])).toBe("; did you mean port?");
    expect(didYouMean("xyz", ["greet"])).toBe("");
    expect(didYouMean("x", ["y"])).toBe("");
    expect(didYouMean("x".repeat(100_000), ["x".repeat(100_000)])).toBe("");
  });
});
