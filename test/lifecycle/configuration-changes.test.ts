// What is different between two configurations, and what each difference takes.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { changesOf, inForce } from "../../host/manifest/configuration-changes.ts";

const parse = (written: object) => parseConfiguration(JSON.stringify(written), join("/", "etc", "c.json"));
const changesBetween = (before: object, after: object): (readonly [key: string, effect: string])[] =>
  changesOf(parse(before), parse(after)).map(({ key, effect }) => [key, effect]);

describe("changes of a configuration", () => {
  it("are none where the same is written in another order, or written out although it is the default", () => {
    const plugins = { p: { path: "p", isolation: "process", limits: {} }, q: { path: "q" } };
    expect(changesBetween({ plugins }, { drainMs: 5_000, plugins: { q: { path: "q" }, p: { limits: {}, path: "p" } } })).toEqual([]);
  });

  it("say of each key of a plugin whether it holds at once, restarts the plugin or gives it another place", () => {
    const changes = changesBetween(
      { plugins: { p: { path: "p", config: { a: 1, b: [1, 2] } }, gone: { path: "g" } } },
      {
        plugins: {
          p: {
            ...{ path: "p", grants: "all", logLevel: "error", required: true, config: { a: 1, b: [1, 3] }, isolation: "thread" },
            ...{ limits: { memoryMiB: 7 }, storage: "memory", services: { "p.x": { total: { perSecond: 3 } } } },
          },
          comes: { path: "c", grants: "all" },
        },
      },
    );
    expect(changes.toSorted()).toEqual([
      ["plugins.comes", "adds the plugin"],
      ["plugins.gone", "removes the plugin"],
      ["plugins.p.config.b", "restarts the plugin"],
      ["plugins.p.grants", "at once"],
      ["plugins.p.isolation", "moves the plugin"],
      ["plugins.p.limits.memoryMiB", "restarts the plugin"],
      ["plugins.p.logLevel", "at once"],
      ["plugins.p.required", "at once"],
      ['plugins.p.services."p.x".total.perSecond', "restarts the plugin"],
      ["plugins.p.storage", "moves the plugin"],
    ]);
  });

  it("say of the host's own keys which hold at once, and take all others to need its restart", () => {
    const changes = changesBetween(
      { tls: { cert: "a", key: "b" }, auth: { mode: "required" } },
      {
        ...{ dataDir: "other", drainMs: 1, shutdownDelayMs: 2, containment: { pauseAfter: 9 }, registry: "http://localhost:1" },
        ...{ events: { keep: ["a.b"] }, hardening: { bubblewrap: false }, hostMsPerSecond: 9, telemetry: { record: "nothing" } },
        auth: {
          ...{ mode: "required", roles: { r: [] }, groups: { g: ["r"] }, certificates: { c: ["r"] }, open: ["p.x"] },
          ...{ limits: { callsAtOnce: 3 }, plugin: { name: "users", groups: [] } },
        },
        ...{ adapters: { http: { port: 1 } }, drivers: { log: { level: "debug" }, state: "memory" }, capabilities: { http: false } },
      },
    );
    const at = (wanted: string): string[] => changes.flatMap(([key, effect]) => (effect === wanted ? [key] : [])).toSorted();
    expect(at("at once")).toEqual([
      ...["auth.certificates.c", "auth.groups.g", "auth.limits.callsAtOnce", "auth.open", "auth.roles.r", "containment.pauseAfter"],
      ...["drainMs", "drivers.log.level", "events.keep", "registry", "shutdownDelayMs"],
    ]);
    expect(at("restart of the host")).toEqual([
      ...["adapters.http.port", "auth.plugin.groups", "auth.plugin.name", "capabilities.http", "dataDir", "drivers.state"],
      ...["hardening.bubblewrap", "hostMsPerSecond", "telemetry.record", "tls.cert", "tls.key"],
    ]);
    expect(changes).toHaveLength(at("at once").length + at("restart of the host").length);
  });

  it("show no value that sounds like a secret, and are told although both look the same then", () => {
    const written = (apiKey: string): object => ({ plugins: { p: { path: "p", config: { apiKey, url: `https://me:${apiKey}@host/x` } } } });
    const changes = changesOf(parse(written("hunter2")), parse(written("hunter3")));
    expect(changes.map(({ key }) => key)).toEqual(["plugins.p.config.apiKey", "plugins.p.config.url"]);
    expect(JSON.stringify(changes)).not.toMatch(/hunter/);
  });

  it("leave what needs a restart of the host as it was in what is in force, and take all else", () => {
    const now = parse({
      dataDir: "a",
      hardening: { users: { first: 1_000, count: 64 } },
      adapters: { http: { port: 1, host: "127.0.0.1" } },
    });
    const next = parse({
      ...{ dataDir: "b", drainMs: 7, adapters: { http: { port: 2 }, "./x.mjs": {} }, plugins: { p: { path: "p" } } },
      hardening: { bubblewrap: false },
    });
    const changes = changesOf(now, next);
    const held = inForce(now, next, changes);
    expect(held).toMatchObject({
      dataDir: now.dataDir,
      drainMs: 7,
      hardening: now.hardening,
      adapters: now.adapters,
      plugins: next.plugins,
    });
    expect(Object.keys(held.adapters)).toEqual(["http"]);
    // They are told again as long as nobody has restarted the host.
    const waiting = changes.filter(({ effect }) => effect === "restart of the host").map(({ key }) => key);
    expect(changesOf(held, next).map(({ key }) => key)).toEqual(waiting);
  });

  it("take names with dots and those of Object's own as names", () => {
    const now = parse({ auth: { mode: "required", groups: { "a.b": ["viewer"] } } });
    const next = parse({
      auth: { mode: "required", groups: { "a.c": ["viewer"], constructor: ["viewer"] } },
      tls: { cert: "c", key: "k" },
    });
    expect(changesOf(now, next).map(({ path }) => path)).toEqual([
      ["auth", "groups", "a.b"],
      ["auth", "groups", "a.c"],
      ["auth", "groups", "constructor"],
      ["tls", "cert"],
      ["tls", "key"],
    ]);
    expect(inForce(now, next, changesOf(now, next))).toMatchObject({ auth: { groups: next.auth.groups } });
    expect(inForce(now, next, changesOf(now, next))).not.toHaveProperty("tls");
  });
});
