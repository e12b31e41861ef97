// The rules of facts that only a registry and time bring: owners, ages, rests. What keys, policies and lists bring stands in test/admin/trust.test.ts, with a host.

import { describe, expect, it } from "vitest";
import { chooseVersion } from "../../host/install/packument.ts";
import { parseManifest } from "../../host/manifest/manifest.ts";
import { judge, type Origin, RULES, type Standing, type Version } from "../../host/trust/rules.ts";

const DAY_MS = 86_400_000;
const now = Date.UTC(2026, 10, 30);
const READS = { permission: "state.read", resource: "devices.*", reason: "to look" };
const version = (number: string, origin: Partial<Origin> = {}, manifest: object = {}, source = `npm:lamp@${number}`): Version => ({
  manifest: parseManifest(JSON.stringify({ name: "lamp", version: number, api: "0.2", wasm: "p.wasm", ...manifest }), "plugin.json"),
  origin: { signers: [], firstSeenAt: now, ...origin },
  source,
  wasmSha256: "0".repeat(64),
});
const standing = (more: Partial<Standing> = {}): Standing => ({
  ...{ mode: "warn", ownPublishers: [], policy: undefined, pins: [], revocations: [], freshness: new Map(), knownNames: [] },
  ...{ minReleaseAgeMs: 0, dormantAfterMs: 180 * DAY_MS, now },
  ...more,
});
const rules = (one: Version, before: Version | undefined, how: Partial<Standing> = {}): string[] =>
  judge(one, before, standing(how))
    .filter(({ rule }) => rule !== "unsigned")
    .map(({ rule, verdict }) => `${rule} ${verdict}`);

describe("WordPress: a plugin that was sold, or is published by somebody else", () => {
  const before = version("1.0.0", { publishedBy: "ann", maintainers: ["ann", "ben"] });

  it("waits when all its owners are others", () => {
    const sold = version("1.1.0", { publishedBy: "eve", maintainers: ["eve"] });
    expect(rules(sold, before)).toEqual(["owner-changed consent"]);
    const [finding] = judge(sold, before, standing());
    expect(finding?.message).toBe("its owners at the registry are others: eve; they were ann, ben");
  });

  it("waits when one that was none of them has published it, also beside them", () => {
    expect(rules(version("1.1.0", { publishedBy: "eve", maintainers: ["ann", "ben", "eve"] }), before)).toEqual(["owner-changed consent"]);
    expect(rules(version("1.1.0", { publishedBy: "ben", maintainers: ["ben"] }), before)).toEqual([]);
  });

  it("cannot be told where the registry says nothing of it", () => {
    expect(rules(version("1.1.0"), before)).toEqual([]);
    expect(rules(version("1.1.0", { publishedBy: "eve" }), version("1.0.0"))).toEqual([]);
  });
});

describe("a version that is young", () => {
  const how = { minReleaseAgeMs: 3 * DAY_MS };

  it("waits until it is as old as the operator wants, by what the registry says", () => {
    expect(rules(version("1.0.0", { publishedAt: now - 2 * DAY_MS }), undefined, how)).toEqual(["release-too-new consent"]);
    expect(rules(version("1.0.0", { publishedAt: now - 3 * DAY_MS }), undefined, how)).toEqual([]);
  });

  it("is as old as this host has known it where nobody says, and never older for a wrong clock", () => {
    expect(rules(version("1.0.0", { firstSeenAt: now - DAY_MS }), undefined, how)).toEqual(["release-too-new consent"]);
    expect(rules(version("1.0.0", { firstSeenAt: now - 4 * DAY_MS }), undefined, how)).toEqual([]);
    expect(rules(version("1.0.0", { publishedAt: now + 900 * DAY_MS }), undefined, how)).toEqual(["release-too-new consent"]);
  });

  it("has no age in a folder or a tarball, which are the operator's own", () => {
    for (const source of ["folder:/srv/lamp", "tarball:/srv/lamp.tgz"])
      expect(rules(version("1.0.0", {}, {}, source), undefined, how)).toEqual([]);
  });
});

describe("a version that widens after a long rest", () => {
  const before = version("1.0.0", { publishedAt: now - 200 * DAY_MS });

  it("waits; not one that asks for nothing more, nor one that comes soon", () => {
    expect(rules(version("1.0.1", { publishedAt: now }, { permissions: [READS] }), before)).toEqual(["widens-after-rest consent"]);
    expect(rules(version("1.0.1", { publishedAt: now }), before)).toEqual([]);
    expect(rules(version("1.0.1", { publishedAt: now - 30 * DAY_MS }, { permissions: [READS] }), before)).toEqual([]);
  });
});

describe("what a registry says of a version's coming", () => {
  const integrity = `sha512-${"A".repeat(86)}==`;
  const packument = (more: object, time: unknown = { "1.0.0": "2026-11-01T00:00:00Z" }) => ({
    body: Buffer.from(
      JSON.stringify({
        name: "lamp",
        time,
        "dist-tags": { latest: "1.0.0" },
        versions: { "1.0.0": { name: "lamp", version: "1.0.0", dist: { tarball: "https://r/lamp.tgz", integrity }, ...more } },
      }),
    ),
    encoding: "identity",
    registry: "https://r/",
  });
  const published = async (more: object, time?: unknown) =>
    (await chooseVersion(packument(more, time), { name: "lamp", wanted: "latest" })).published;

  it("is taken as it says it, and left away where it is no time and no account", async () => {
    expect(await published({ _npmUser: { name: "ann" }, maintainers: [{ name: "ann" }, { name: "ben" }] })).toEqual({
      ...{ at: Date.UTC(2026, 10, 1), by: "ann", maintainers: ["ann", "ben"] },
    });
    expect(await published({ _npmUser: "ann", maintainers: "all" }, { "1.0.0": "yesterday" })).toEqual({});
    expect(await published({ maintainers: Array.from({ length: 257 }, () => ({ name: "x" })) }, { "1.0.0": 7 })).toEqual({});
    expect(await published({ _npmUser: { name: "x".repeat(215) } }, null).catch(({ code }) => code)).toBe("http-failed");
  });
});

it("every rule is in docs/trust.md", async () => {
  const { read } = await import("../docs/markdown.ts");
  const page = read("docs/trust.md");
  expect(RULES.filter((rule) => !page.includes(`\`${rule}\``))).toEqual([]);
});
