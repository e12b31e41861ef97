import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { HostError } from "../../host/core/errors.ts";
import { definePlugin, effectiveLimits, readPluginFolder, refuseLaterApi } from "../../host/install/plugin-folder.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { DEFAULT_LIMITS } from "../../host/manifest/limits.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { effectiveConfig } from "../../host/manifest/plugin-config.ts";
import { dataSchemasOf } from "../../host/manifest/schemas.ts";
import { ownPlugin, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";

const BASE = { name: "p", version: "1.0.0", api: "0.1", wasm: "p.wasm" };
const parse = (overrides: object) => parseManifest(JSON.stringify({ ...BASE, ...overrides }), "plugin.json");
const refusal = (work: () => unknown): HostError => {
  try {
    work();
  } catch (error) {
    return error as HostError;
  }
  throw new Error("was accepted");
};

describe("manifest", () => {
  it("accepts every plugin of this repository", async () => {
    for (const name of ["devices", "automation", "logger", "hello"])
      expect((await readPluginFolder(ownPlugin(name))).manifest.name).toBe(name);
  });

  it("names the path and the remedy of everything that is wrong, at once", () => {
    const error = refusal(() =>
      parse({
        name: "P",
        version: "1",
        wasm: "../p.wasm",
        subscriptions: [{ type: "**.x", entryPoint: "__start", filter: { unit: 1 } }],
        permissions: [{ permission: "root", resource: "**", reason: "" }],
      }),
    );
    expect(error.code).toBe("invalid-manifest");
    for (const path of [
      'name ("P"): write 1 to 63',
      'version ("1"): write a semantic version',
      'wasm ("../p.wasm"): write the name of a .wasm',
      'subscriptions.0.type ("**.x"): write dotted',
      "subscriptions.0.entryPoint",
      "write source, type or a path into the data",
      "permissions.0.permission",
      "permissions.0.reason",
    ]) {
      expect(error.detail).toContain(path);
    }
  });

  it("refuses unknown keys, also __proto__, and text that is no JSON", () => {
    expect(refusal(() => parse({ permision: [] })).detail).toContain("permision");
    expect(
      refusal(() =>
        parseManifest('{"name":"p","version":"1.0.0","api":"0.1","wasm":"p.wasm","services":{"__proto__":{"entryPoint":"x"}}}', "f"),
      ).code,
    ).toBe("invalid-manifest");
    expect(refusal(() => parseManifest("{", "f")).message).toContain("f is not JSON");
  });

  it("refuses services outside of the plugin's own name and another API version", () => {
    expect(refusal(() => parse({ services: { "other.x": { entryPoint: "x" } } })).message).toContain("only below its own name");
    expect(refusal(() => parse({ api: "9.9" }))).toMatchObject({
      code: "incompatible-api",
      message: expect.stringContaining('this host speaks "0.1" and "0.2"'),
    });
    for (const api of ["0.1", "0.2"]) expect(parse({ api }).api).toBe(api);
  });

  it("takes the reasons with which services refuse, and their rates, from 0.2 on", () => {
    const service = (more: object) => ({ services: { "p.x": { entryPoint: "x", ...more } } });
    const declared = {
      errors: { "out-of-stock": "no more of it", "not-found": "no such article" },
      perCaller: { perSecond: 10, burst: 20 },
    };
    expect(parse({ api: "0.2", ...service(declared) }).services["p.x"]).toMatchObject(declared);
    for (const [key, value] of Object.entries({ ...declared, total: { perSecond: 1 } }))
      expect(refusal(() => parse(service({ [key]: value }))).message).toContain(`has services.<name>.${key}, which came with 0.2`);
    for (const wrong of [
      { errors: { "permission-denied": "no" } },
      { errors: { "Not Found": "no" } },
      { errors: { ["x".repeat(65)]: "no" } },
      { errors: { a: "" } },
      { errors: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`e${i}`, "no"])) },
      { perCaller: { perSecond: 0 } },
      { perCaller: { perSecond: 1, burst: 0 } },
      { perCaller: { perSecond: 1, burst: 1.5 } },
      { total: { perSecond: 1e9 } },
      { total: { perSecond: 1, perMinute: 1 } },
      { perCaller: false },
    ])
      expect(
        refusal(() => parse({ api: "0.2", ...service(wrong) })),
        JSON.stringify(wrong),
      ).toMatchObject({ code: "invalid-manifest" });
  });

  it("takes the points that it extends, with a priority of 0 where none is said, from 0.2 on", () => {
    const point = { entryPoint: "discount" };
    expect(parse({ api: "0.2", extends: { "shop.discount": { ...point, priority: -1_000 }, "shop.price": point } }).extends).toEqual({
      "shop.discount": { entryPoint: "discount", priority: -1_000 },
      "shop.price": { entryPoint: "discount", priority: 0 },
    });
    expect(parse({}).extends).toEqual({});
    expect(refusal(() => parse({ extends: { "shop.discount": point } }))).toMatchObject({
      code: "incompatible-api",
      message: 'plugin.json says "api": "0.1" and has extends, which came with 0.2; write "api": "0.2"',
    });
    expect(refusal(() => parse({ api: "0.2", extends: { "p.discount": point } }))).toMatchObject({
      code: "invalid-manifest",
      message: "plugin.json: extends.p.discount is below the plugin's own name; extend points that others declare",
    });
  });

  it("takes points of its own, which are below its name, from 0.2 on", () => {
    const extensionPoints = { "p.discount": { description: "How much?", input: true, output: { type: "number" } } };
    expect(parse({ api: "0.2", extensionPoints }).extensionPoints).toEqual(extensionPoints);
    expect(parse({}).extensionPoints).toEqual({});
    expect(refusal(() => parse({ extensionPoints }))).toMatchObject({
      code: "incompatible-api",
      message: 'plugin.json says "api": "0.1" and has extensionPoints, which came with 0.2; write "api": "0.2"',
    });
    expect(refusal(() => parse({ api: "0.2", extensionPoints: { "shop.discount": {} } }))).toMatchObject({
      code: "invalid-manifest",
      message: "plugin.json declares shop.discount; a plugin declares only below its own name, p.",
    });
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`p.p${i}`, {}]));
    expect(refusal(() => parse({ api: "0.2", extensionPoints: many })).detail).toContain("extensionPoints: declare at most 256 points");
    for (const wrong of [{ input: { type: "text" } }, { output: { $ref: "https://example.com/x" } }])
      expect(refusal(() => parse({ api: "0.2", extensionPoints: { "p.x": wrong } })).detail).toMatch(/extensionPoints\.p\.x\.(in|out)put/);
  });

  it("takes the wish for a log of its storage, from 0.2 on, and nothing else there", () => {
    expect(parse({}).storage).toEqual({ log: false });
    expect(parse({ api: "0.2", storage: { log: true } }).storage).toEqual({ log: true });
    expect(parse({ storage: { log: false } }).storage).toEqual({ log: false });
    expect(refusal(() => parse({ storage: { log: true } }))).toMatchObject({
      code: "incompatible-api",
      message: 'plugin.json says "api": "0.1" and has storage.log, which came with 0.2; write "api": "0.2"',
    });
    for (const storage of [{ logs: true }, { log: "yes" }, true, []])
      expect(
        refusal(() => parse({ api: "0.2", storage })),
        JSON.stringify(storage),
      ).toMatchObject({ code: "invalid-manifest" });
  });

  it.each([
    [{ "Shop.discount": { entryPoint: "x" } }, "extends.Shop.discount: write kebab-case segments"],
    [{ shop: { entryPoint: "x" } }, "extends.shop: write kebab-case segments"],
    [{ "shop.discount": { entryPoint: "__x" } }, "extends.shop.discount.entryPoint"],
    [{ "shop.discount": {} }, "extends.shop.discount.entryPoint"],
    [{ "shop.discount": { entryPoint: "x", priority: 1_001 } }, "extends.shop.discount.priority (1001)"],
    [{ "shop.discount": { entryPoint: "x", priority: 0.5 } }, "extends.shop.discount.priority (0.5)"],
    [{ "shop.discount": { entryPoint: "x", prio: 1 } }, "there is no such key"],
    [Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`shop.p${i}`, { entryPoint: "x" }])), "extends: extend at most 256 points"],
  ])("refuses points that nobody can extend: %#", (points, told) => {
    expect(refusal(() => parse({ api: "0.2", extends: points })).detail).toContain(told);
  });

  it("refuses a module that is for a later api than the manifest", () => {
    const later = { api: { since: "0.2", because: "the import timers_set" } } as const;
    expect(refusal(() => refuseLaterApi(parse({ api: "0.1" }), later))).toMatchObject({
      code: "incompatible-api",
      message: 'p says "api": "0.1", and its module has the import timers_set, which came with 0.2; write "api": "0.2"',
    });
    const earlier = { api: { since: "0.1", because: "the import log_write" } } as const;
    for (const [api, admitted] of [
      ["0.2", later],
      ["0.2", earlier],
      ["0.1", earlier],
    ] as const)
      expect(() => refuseLaterApi(parse({ api }), admitted)).not.toThrow();
  });

  it("takes the smaller of the limits asked for and given, and the default where neither says", () => {
    const configuration = {
      path: "",
      isolation: "process",
      engine: "metered",
      activation: "eager",
      required: false,
      record: "off",
      idleMs: 300_000,
      grants: [],
      config: {},
      services: {},
      limits: { memoryMiB: 8, cpuMs: 50 },
    } as const;
    const limits = effectiveLimits(parse({ limits: { memoryMiB: 4, cpuMs: 5_000, storageMiB: 1_000 } }), configuration);
    expect(limits).toMatchObject({
      memoryBytes: 4 * 1024 * 1024,
      cpuMs: 50,
      storageBytes: DEFAULT_LIMITS.storageBytes,
      deadlineMs: DEFAULT_LIMITS.deadlineMs,
    });
  });

  it("gives the core what it needs, with grants all or as listed", () => {
    const permissions = [{ permission: "services.call" as const, resource: "logger.log", reason: "to log" }];
    const manifest = parse({ permissions, dependencies: { logger: "^1.0.0" }, services: { "p.x": { entryPoint: "x" } } });
    const api = { since: "0.1", because: "" } as const;
    const admitted = { module: new Uint8Array(0), entryPoints: ["x"], exported: "its module exports x", report: { compileBytes: 0 }, api };
    const configuration = {
      path: "",
      isolation: "thread",
      engine: "metered",
      activation: "eager",
      required: false,
      record: "off",
      idleMs: 300_000,
      grants: "all",
      limits: {},
      config: { text: "ü", list: [1, 2] },
      services: {},
    } as const;
    expect(definePlugin(manifest, admitted, configuration, permissions)).toMatchObject({
      grants: permissions,
      dependencies: ["logger"],
      services: [{ name: "p.x", entryPoint: "x", asCaller: false }],
      config: { text: "ü", list: "[1,2]" },
    });
    expect(
      refusal(() => definePlugin(manifest, { ...admitted, entryPoints: ["y"], exported: "its module exports y" }, configuration, [])),
    ).toMatchObject({
      code: "invalid-manifest",
      message: "p names the entry point x; its module exports y",
    });
    const extending = parse({
      api: "0.2",
      extends: { "shop.discount": { entryPoint: "x", priority: 7 }, "shop.price": { entryPoint: "z" } },
    });
    expect(definePlugin(extending, { ...admitted, entryPoints: ["x", "z"] }, configuration, []).extensions).toEqual([
      { point: "shop.discount", entryPoint: "x", priority: 7 },
      { point: "shop.price", entryPoint: "z", priority: 0 },
    ]);
    expect(refusal(() => definePlugin(extending, admitted, configuration, []))).toMatchObject({
      code: "invalid-manifest",
      message: "p names the entry point z; its module exports x",
    });
  });
});

describe("the configuration of a plugin", () => {
  const schema = {
    type: "object",
    additionalProperties: false,
    required: ["token"],
    properties: {
      token: { type: "string" },
      level: { enum: ["low", "high"], default: "low" },
      limits: { type: "object", properties: { each: { type: "integer" } }, default: { each: 5 } },
    },
  };
  const manifest = parse({ api: "0.2", config: schema });

  it("is what was given, and the manifest's defaults for the rest", () => {
    expect(effectiveConfig(manifest, { token: "t" })).toEqual({ token: "t", level: "low", limits: '{"each":5}' });
    expect(effectiveConfig(manifest, { token: "t", level: "high" })).toMatchObject({ level: "high" });
    expect(effectiveConfig(parse({}), { anything: [1] })).toEqual({ anything: "[1]" });
  });

  it.each([
    [{}, "plugins.p.config must have token, says the plugin's manifest"],
    [{ token: "t", level: "up" }, 'plugins.p.config.level must be one of "low", "high", says the plugin\'s manifest'],
    [{ token: "t", limits: { each: "5" } }, "plugins.p.config.limits.each must be an integer, and is a string, says the plugin's manifest"],
    [{ token: "t", levle: "low" }, "plugins.p.config.levle must not be there, says the plugin's manifest"],
  ])("is refused where the manifest says otherwise: %j", (given, message) => {
    expect(refusal(() => effectiveConfig(manifest, given))).toMatchObject({ code: "invalid-message", message });
  });

  it("cannot have a default that its own schema refuses", () => {
    const wrong = refusal(() => parse({ api: "0.2", config: { properties: { level: { type: "integer", default: "low" } } } }));
    expect(wrong).toMatchObject({ code: "invalid-manifest", detail: expect.stringContaining("config.properties.level.default") });
    const bomb = {
      properties: { list: { items: { not: { enum: Array.from({ length: 4_000 }, (_, i) => i) } }, default: Array(2_000).fill(-1) } },
    };
    expect(refusal(() => parse({ api: "0.2", config: bomb }))).toMatchObject({ detail: expect.stringContaining("more than 100000 steps") });
  });

  it("came with 0.2", () => {
    expect(refusal(() => parse({ api: "0.1", config: true }))).toMatchObject({ code: "incompatible-api" });
  });
});

describe("events in a manifest", () => {
  it("are below the plugin's own name, and came with 0.2", () => {
    const events = { "p.told": { description: "Told.", data: { type: "object" } } };
    expect(parse({ api: "0.2", events }).events).toEqual(events);
    expect(refusal(() => parse({ api: "0.1", events }))).toMatchObject({
      code: "incompatible-api",
      message: expect.stringContaining("events"),
    });
    expect(refusal(() => parse({ api: "0.2", events: { "q.told": {} } }))).toMatchObject({
      code: "invalid-manifest",
      message: expect.stringContaining("declares q.told; a plugin declares only below its own name, p"),
    });
  });
});

describe("schemas in a manifest", () => {
  const described = { "p.x": { entryPoint: "x", input: { type: "object" } } };

  it("are for people only in 0.1", () => {
    const manifest = parse({ api: "0.1", services: { "p.x": { entryPoint: "x", input: { $id: "https://example.com/x" } } } });
    expect(dataSchemasOf(manifest)).toBeUndefined();
    expect(dataSchemasOf(parse({ api: "0.2", services: described }))).toEqual({
      entryPoints: { x: { service: "p.x", input: { type: "object" }, output: undefined } },
      events: {},
      points: {},
    });
  });

  it("need an entry point that nothing else has", () => {
    for (const other of [{ subscriptions: [{ type: "a.b", entryPoint: "x" }] }, { services: { ...described, "p.y": { entryPoint: "x" } } }])
      expect(refusal(() => parse({ api: "0.2", services: described, ...other }))).toMatchObject({
        code: "invalid-manifest",
        detail: expect.stringContaining("services.p.x.entryPoint"),
      });
  });
});

describe("plugin folder", () => {
  it("says what is missing and how to get it", async () => {
    const folder = temporaryFolder();
    await expect(readPluginFolder(folder.path)).rejects.toMatchObject({
      code: "invalid-manifest",
      message: expect.stringContaining("plugin.json cannot be read"),
    });
    writeFileSync(join(folder.path, "plugin.json"), JSON.stringify(BASE));
    await expect(readPluginFolder(folder.path)).rejects.toMatchObject({ message: expect.stringContaining("build the plugin first") });
    const written = await writePlugin(folder.path, "ok", "(module)");
    expect((await readPluginFolder(written)).wasm.length).toBe(8);
    folder.remove();
  });
});

describe("configuration", () => {
  it("makes paths absolute beside the file and fills in defaults that grant nothing", () => {
    const configuration = parseConfiguration('{"plugins":{"p":{"path":"plugins/p"}}}', "/etc/bulkhead/bulkhead.json");
    expect(configuration).toMatchObject({
      dataDir: "/etc/bulkhead/data",
      plugins: {
        p: {
          path: "/etc/bulkhead/plugins/p",
          isolation: "process",
          engine: "metered",
          activation: "eager",
          required: false,
          record: "off",
          idleMs: 300_000,
          grants: [],
          config: {},
        },
      },
    });
  });

  it("refuses unknown keys, reserved names, bad patterns and malformed JSON with their paths", () => {
    expect(refusal(() => parseConfiguration("{", "c.json")).message).toContain("c.json is not JSON");
    const error = refusal(() =>
      parseConfiguration(
        '{"plugin":{},"plugins":{"p":{"path":"x","grants":[{"permission":"services.call","resource":"a*"}],"isolation":"none"}}}',
        "c.json",
      ),
    );
    expect(error.code).toBe("invalid-message");
    for (const path of ["plugin", "plugins.p.grants", "plugins.p.isolation"]) expect(error.detail).toContain(path);
    expect(refusal(() => parseConfiguration('{"plugins":{"host":{"path":"x"}}}', "c.json")).detail).toContain("plugins");
  });
});
