// `bulkhead doctor`: each thing that can be wrong is said with what mends it, and nothing is said where nothing is.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TokenInfo } from "../../host/admin/tokens.ts";
import { type Finding, findingsOfHost, findingsOfMachine, type HostFacts, type MachineFacts } from "../../host/cli/doctor-findings.ts";
import { missingPackages } from "../../host/lifecycle/optional-packages.ts";
import { parseConfiguration } from "../../host/manifest/configuration.ts";
import { COMMAND } from "../support/command.ts";
import { ownPlugin, type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const DAY_MS = 86_400_000;

const WELL: MachineFacts = { escapes: [], gaps: [], missing: [], freeBytes: 10 ** 10, certificateEndsAt: NOW + 90 * DAY_MS, now: NOW };
const HOST: HostFacts = {
  ...{ isLive: true, plugins: [], deaf: [], pending: [], unused: [], drift: [], tokens: [], events: undefined, used: undefined },
  ...{ written: undefined, unwritable: undefined },
  audit: { ok: true, entries: 3 },
  trust: { documents: [], revoked: [] },
};
const policyThat = (freshness: "fresh" | "late" | "stale") => ({
  ...{ what: "the policy", from: "p.json", version: 1, expires: "2026-05-01", fetchedAt: "2026-04-01", freshness },
});
const CHANGE = { path: [], before: undefined, after: undefined };
const plugin = (name: string, state: string, failure?: string) => ({
  ...{ plugin: name, version: "1.0.0", state, isolation: "process", queued: 0, failure },
});
const tokenEnding = (days: number): TokenInfo => ({
  ...{ name: "ci", roles: [], scopes: [], owner: "user:ada", createdAt: "", lastUsedAt: undefined },
  expiresAt: new Date(NOW + days * DAY_MS).toISOString(),
});
const late = (loopLagSeconds: number | undefined) => ({ atMs: 0, plugins: [], host: { cpuSeconds: 0, residentBytes: 0, loopLagSeconds } });
const consumer = (deadLetters: number) => ({
  ...{ events: 0, bytes: 0, head: 0, types: [] },
  consumers: [
    {
      consumer: { name: "hello/devices", types: "**", from: "new", order: "publisher", maxInFlight: 1 } as const,
      ...{ isThere: true, waiting: 0, waitingBytes: 0, inFlight: 0, deadLetters, publishers: [] },
    },
  ],
});

describe("findings", () => {
  it("are none where all is well", () => {
    expect(findingsOfMachine(WELL)).toEqual([]);
    const well = {
      ...HOST,
      plugins: [plugin("p", "running"), plugin("q", "stopped")],
      events: consumer(0),
      used: late(0.01),
      tokens: [tokenEnding(60)],
    };
    expect(findingsOfHost(well, NOW)).toEqual([]);
  });

  it.each<[Partial<MachineFacts>, Finding["severity"], string, string]>([
    [
      { missing: [{ key: "adapters.grpc", names: ["@grpc/grpc-js"], command: "npm install x" }] },
      "error",
      "adapters.grpc needs @grpc/grpc-js",
      "npm install x",
    ],
    [{ escapes: ["CVE-1: bad"] }, "warning", "CVE-1: bad", "isolation process"],
    [{ gaps: ["no bubblewrap"] }, "warning", "no bubblewrap", "hardening"],
    [{ freeBytes: 5 * 1_048_576 }, "warning", "5 MiB left", "make room"],
    [{ certificateEndsAt: NOW + DAY_MS }, "warning", "the certificate of tls.cert ends 2026-06-02", "without a restart"],
    [{ certificateEndsAt: NOW - DAY_MS }, "error", "is over since 2026-05-31", "without a restart"],
  ])("of the machine: %j", (facts, severity, what, remedy) => {
    const [found, ...others] = findingsOfMachine({ ...WELL, ...facts });
    expect(others).toEqual([]);
    expect(found).toEqual({ severity, what: expect.stringContaining(what), remedy: expect.stringContaining(remedy) });
  });

  it.each<[string, Partial<HostFacts>, Finding["severity"], string, string]>([
    [
      "something written that is not in force",
      { written: { isApplied: false, changes: [{ ...CHANGE, key: "drainMs", effect: "at once" }] } },
      "warning",
      "written and not in force: drainMs",
      "bulkhead reload",
    ],
    [
      "something that waits for a restart",
      { written: { isApplied: false, changes: [{ ...CHANGE, key: "dataDir", effect: "restart of the host" }] } },
      "note",
      "after a restart of the host: dataDir",
      "restart bulkhead serve",
    ],
    ["a file that is wrong", { unwritable: "plugins.p: no folder" }, "error", "plugins.p: no folder", "bulkhead reload --dry-run"],
    [
      "a policy that has expired",
      { trust: { documents: [policyThat("late")], revoked: [] } },
      "warning",
      "the policy from p.json has expired at 2026-05-01: after trust.grace nothing new comes in",
      "bulkhead trust refresh",
    ],
    [
      "a policy that is too old",
      { trust: { documents: [policyThat("stale")], revoked: [] } },
      "error",
      "nothing new comes in",
      "trust refresh",
    ],
    [
      "a version that was revoked",
      { trust: { documents: [policyThat("fresh")], revoked: [{ plugin: "p", version: "1.0.0", reason: "it mines" }] } },
      "error",
      "p 1.0.0 is revoked: it mines",
      "bulkhead update p",
    ],
    ["nobody is there", { isLive: false }, "note", "no host runs", "bulkhead serve"],
    ["quarantine", { plugins: [plugin("p", "quarantined", "it trapped")] }, "error", "p is quarantined: it trapped", "bulkhead release p"],
    ["a failure", { plugins: [plugin("p", "failed", "no memory")] }, "error", "p has failed: no memory", "bulkhead restart p"],
    ["one left out", { plugins: [plugin("p", "left out", "no folder")] }, "error", "p 1.0.0 is left out: no folder", "bulkhead info p"],
    [
      "a deaf one",
      { deaf: [{ plugin: "p", types: ["a.b", "c.d"] }] },
      "warning",
      "p subscribes to a.b, c.d and hears nothing",
      "bulkhead grant p events.subscribe 'a.b'",
    ],
    ["a version", { pending: [{ plugin: "p", version: "2.0.0" }] }, "note", "p 2.0.0 waits for a yes", "bulkhead update p"],
    ["drift", { drift: ["p is 2.0.0, not 1.0.0"] }, "warning", "p is 2.0.0", "bulkhead drift"],
    ["the audit", { audit: { ok: false, seq: 7, problem: "it is missing" } }, "error", "entry 7: it is missing", "bulkhead audit verify"],
    ["a token that ends", { tokens: [tokenEnding(3)] }, "warning", "the token ci ends 2026-06-04", "bulkhead token create"],
    ["a token that is over", { tokens: [tokenEnding(-3)] }, "note", "the token ci is over", "bulkhead token revoke ci"],
    ["dead letters", { events: consumer(4) }, "warning", "4 events could not be handled by hello/devices", "bulkhead events dead list"],
    ["lateness", { used: late(0.3) }, "warning", "300 ms late", "bulkhead top"],
    [
      "an unused grant",
      {
        unused: [
          { plugin: "p", permission: "state.read", resource: "a.*", finding: "unused", at: "2026-01-01", remedy: "bulkhead revoke p" },
        ],
      },
      ...(["note", "p has state.read on a.* and used it last at 2026-01-01", "bulkhead revoke p"] as const),
    ],
  ])("of the host: %s", (_case, facts, severity, what, remedy) => {
    const [found, ...others] = findingsOfHost({ ...HOST, ...facts }, NOW);
    expect(others).toEqual([]);
    expect(found).toEqual({ severity, what: expect.stringContaining(what), remedy: expect.stringContaining(remedy) });
  });
});

describe("optional packages", () => {
  const missing = (configuration: object, isThere?: (name: string) => boolean) =>
    missingPackages(parseConfiguration(JSON.stringify(configuration), "bulkhead.json"), isThere);

  it("are not missed where they are installed, and looked for wherever the configuration needs them", async () => {
    const plugins = { p: { path: ".", engine: "extism", storage: "redis" } };
    const adapters = { grpc: {}, opentelemetry: {}, http: { mcp: true, graphql: true } };
    const configuration = { adapters, plugins, drivers: { storage: "postgres" } };
    expect(await missing(configuration)).toEqual([]);
    const all = await missing(configuration, () => false);
    expect(all.map(({ key }) => key).sort()).toEqual([
      ...["adapters.grpc", "adapters.http.graphql", "adapters.http.mcp", "adapters.opentelemetry"],
      ...["drivers.storage", "plugins.p.engine", "plugins.p.storage"],
    ]);
    expect(all.find(({ key }) => key === "drivers.storage")?.command).toMatch(/^npm install "pg@/);
    expect(await missing({}, () => false)).toEqual([]);
  });
});

describe("bulkhead doctor", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  function run(configuration: string, ...args: readonly string[]): { status: number | null; stdout: string } {
    writeFileSync(join(folder.path, "bulkhead.json"), configuration);
    return spawnSync(process.execPath, [COMMAND, "doctor", ...args], { cwd: folder.path, encoding: "utf8" });
  }
  const found = (stdout: string): readonly Finding[] => JSON.parse(stdout);

  it("says what a configuration has wrong, with the key and what it may be", () => {
    const { status, stdout } = run('{ "adapters": { "http": { "port": 7420 } }, "drainMs": "soon" }', "--json");
    expect(status).toBe(1);
    expect(found(stdout)).toMatchObject([
      { severity: "error", what: expect.stringContaining("is no configuration"), remedy: expect.stringContaining("drainMs") },
    ]);
  });

  it("looks at the folder where no host runs: what is deaf, and what is left out", () => {
    const plugins = { hello: { path: ownPlugin("hello") }, gone: { path: "nowhere" } };
    const { status, stdout } = run(JSON.stringify({ dataDir: "data", plugins }), "--json");
    const findings = found(stdout);
    expect(findings).toContainEqual({ severity: "note", what: "no host runs on this folder", remedy: "bulkhead serve" });
    expect(findings).toContainEqual({
      ...{ severity: "warning", what: "hello subscribes to devices.created and hears nothing" },
      remedy: "bulkhead grant hello events.subscribe 'devices.created'",
    });
    expect(status).toBe(findings.some(({ severity }) => severity === "error") ? 1 : 0);
    expect(run(JSON.stringify({ dataDir: "data", plugins })).stdout).toContain("hello subscribes to devices.created");
  });
});
