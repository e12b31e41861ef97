// A plugin goes to an OCI registry and comes back the same: at Docker's registry, which keeps no account of referrers, and at one in memory that does.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { describeKey } from "../../host/bounds/public-keys.ts";
import { publishToOci } from "../../host/cli/publish-oci.ts";
import { type Descriptor, MEDIA } from "../../host/install/oci-manifest.ts";
import { parseOciReference } from "../../host/install/oci-reference.ts";
import { addReferrer, readReferrer, referrersOf } from "../../host/install/oci-referrers.ts";
import { repositoryOf } from "../../host/install/oci-registry.ts";
import type { OciRepository } from "../../host/install/oci-repository.ts";
import { type PackedFolder, packPlugin } from "../../host/install/pack.ts";
import { fetchPackage, resolveVersion } from "../../host/install/package-sources.ts";
import { packageReader } from "../../host/lifecycle/package-reader.ts";
import { signRelease, verifySignatures } from "../../host/trust/signatures.ts";
import type { Release } from "../../host/trust/statement.ts";
import { type FakeOci, sha256, startFakeOci } from "../support/fake-oci.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { describeWithServer, startedServer } from "../support/servers.ts";

const MODULE = "(module)";
const reader = packageReader();

let folder: TemporaryFolder;
let repositories = 0;

beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

const packed = async (version: string, source = MODULE): Promise<PackedFolder> =>
  packPlugin(await writePlugin(join(folder.path, version), "thermostat", source, { version }));

/** With two signatures in it. */
async function signedTwice(version: string): Promise<PackedFolder> {
  const path = await writePlugin(join(folder.path, version), "thermostat", MODULE, { version });
  const sign = (release: Release): string => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const known = describeKey(publicKey);
    if (known === undefined) throw new Error("this is no key");
    return signRelease(release, { public: known, key: privateKey }, { issuedAt: 0 });
  };
  return packPlugin(path, { sign: async (release) => `${sign(release)}\n${sign(release)}\n` });
}

const textOf = async (repository: OciRepository, digest: string, size: number): Promise<string> =>
  (await repository.blob({ mediaType: "", digest, size })).toString("utf8");

function suite(hostOf: () => Promise<string>): void {
  let place: string;
  beforeEach(async () => {
    repositories += 1;
    place = `oci://${await hostOf()}/acme/thermostat-${repositories}`;
  });

  const repository = (): Promise<OciRepository> => repositoryOf(parseOciReference(place), { label: place, mayPush: true });
  const from = (behind: string): ReturnType<typeof fetchPackage> => fetchPackage(`${place}${behind}`, { reader });

  it("brings the version that a tag, a digest, a range or nothing means, with the same bytes", async () => {
    const made = await packed("1.0.0");
    const source = await publishToOci(made, { to: place });
    for (const version of ["1.1.0", "2.0.0", "3.0.0-beta.1"]) await publishToOci(await packed(version), { to: place });
    expect(source).toMatch(/:1\.0\.0@sha256:[0-9a-f]{64}$/);
    expect(await from(":1.0.0")).toMatchObject({ source, integrity: made.integrity, manifest: { name: "thermostat", version: "1.0.0" } });
    expect(await from(source.slice(source.indexOf("@")))).toMatchObject({ source, integrity: made.integrity });
    const versions = { "@^1.0.0": "1.1.0", "@>=1 <1.1": "1.0.0", "": "2.0.0", "@>=3.0.0-0": "3.0.0-beta.1" };
    for (const [behind, version] of Object.entries(versions)) {
      expect((await from(behind)).manifest.version, behind).toBe(version);
      expect(await resolveVersion(`${place}${behind}`, { reader }), behind).toEqual({ version });
    }
    await expect(from(":4.0.0")).rejects.toMatchObject({ code: "invalid-message", message: expect.stringContaining("is not there") });
    await expect(from("@^4.0.0")).rejects.toMatchObject({ code: "invalid-message", message: expect.stringContaining("is not there") });
  });

  it("publishes the same twice, and nothing else in the same version unless it is told to", async () => {
    const first = await publishToOci(await packed("1.0.0"), { to: place });
    expect(await publishToOci(await packed("1.0.0"), { to: place })).toBe(first);
    const other = await packed("1.0.0", "(module (memory 1))");
    await expect(publishToOci(other, { to: place })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("raise the version in plugin.json, or replace it with --force"),
    });
    expect((await from(":1.0.0")).source).toBe(first);
    await expect(publishToOci(other, { to: place, dryRun: true })).rejects.toMatchObject({ code: "conflict" });
    const second = await publishToOci(other, { to: place, force: true });
    expect((await from(":1.0.0")).source).toBe(second);
    // What somebody locked is still what it was.
    expect((await from(first.slice(first.indexOf("@")))).source).toBe(first);
  });

  it("uploads nothing on a dry run", async () => {
    await publishToOci(await packed("1.0.0"), { to: place, dryRun: true });
    await expect(from(":1.0.0")).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("puts the bare module beside it for hosts of others, and takes it for no plugin", async () => {
    const made = await packed("1.0.0");
    await publishToOci(made, { to: place });
    const there = await repository();
    const bare = JSON.parse((await there.manifest("1.0.0-wasm"))?.bytes.toString() ?? "");
    expect(bare.config.mediaType).toBe("application/vnd.wasm.config.v0+json");
    const [layer] = bare.layers;
    expect(layer.mediaType).toBe("application/wasm");
    const wasm = readFileSync(join(folder.path, "1.0.0", "thermostat", "plugin.wasm"));
    expect(layer).toMatchObject({ digest: sha256(wasm), size: wasm.length });
    const config = JSON.parse(await textOf(there, bare.config.digest, bare.config.size));
    expect(config).toMatchObject({ architecture: "wasm", os: "wasip1", layerDigests: [sha256(wasm)] });
    await expect(from(":1.0.0-wasm")).rejects.toMatchObject({
      code: "invalid-manifest",
      message: expect.stringContaining("is a bare module for other hosts"),
    });
    await expect(publishToOci(await packed("1.0.0-wasm"), { to: place })).rejects.toMatchObject({ code: "invalid-message" });
  });

  it("says of a component what it imports and exports", async () => {
    const component = readFileSync(new URL("../hostile/hoarder.component.wasm", import.meta.url));
    const path = await writePlugin(folder.path, "thermostat", MODULE);
    writeFileSync(join(path, "plugin.wasm"), component);
    await publishToOci(await packPlugin(path), { to: place });
    const there = await repository();
    const bare = JSON.parse((await there.manifest("1.0.0-wasm"))?.bytes.toString() ?? "");
    const config = JSON.parse(await textOf(there, bare.config.digest, bare.config.size));
    expect(config).toMatchObject({ os: "wasip2", component: { imports: expect.any(Array), exports: expect.any(Array) } });
    expect(config.component.exports.length).toBeGreaterThan(0);
  });

  it("lets each signature refer to the plugin, once, beside what others put there", async () => {
    const made = await signedTwice("1.0.0");
    const source = await publishToOci(made, { to: place });
    await publishToOci(made, { to: place });
    const digest = source.slice(source.indexOf("sha256:"));
    const there = await repository();
    const found = await referrersOf(there, digest, MEDIA.bundle);
    const read = (one: Descriptor, more: object = {}): Promise<Buffer> =>
      readReferrer(there, one, { subject: digest, maxBytes: 64 * 1_024, ...more });
    const bundles = await Promise.all(found.map(async (one) => (await read(one)).toString()));
    const plugin = await from(":1.0.0");
    expect(bundles.sort()).toEqual(plugin.signatures?.trim().split("\n").sort());
    expect(verifySignatures(plugin, bundles.join("\n"))).toHaveLength(2);
    const [first] = found;
    if (first === undefined) throw new Error("there is no referrer");
    await expect(read(first, { maxBytes: 10 })).rejects.toMatchObject({ code: "invalid-manifest" });
    await expect(read(first, { subject: sha256("x") })).rejects.toMatchObject({ code: "invalid-manifest" });
    const stored = await there.manifest(digest);
    const subject = { mediaType: MEDIA.manifest, digest, size: stored?.bytes.length ?? 0 };
    await addReferrer(there, subject, { artifactType: MEDIA.bundle, bytes: Buffer.from("another") });
    await addReferrer(there, subject, { artifactType: "application/x.other", bytes: Buffer.from("else") });
    expect(await referrersOf(there, digest, MEDIA.bundle)).toHaveLength(3);
    expect(await referrersOf(there, digest, "application/x.other")).toHaveLength(1);
    expect(await referrersOf(there, sha256("nobody"), MEDIA.bundle)).toEqual([]);
    // The package is the same with and without those.
    expect((await from(":1.0.0")).source).toBe(source);
  });

  it("takes a plugin.json with a byte order mark as it is", async () => {
    const path = await writePlugin(folder.path, "thermostat", MODULE);
    writeFileSync(join(path, "plugin.json"), `\ufeff${readFileSync(join(path, "plugin.json"), "utf8")}`);
    await publishToOci(await packPlugin(path), { to: place });
    expect((await from("")).manifest.version).toBe("1.0.0");
  });
}

describeWithServer("oci", "at Docker's registry", () => {
  suite(async () => `127.0.0.1:${(await startedServer("oci")).port}`);
});

describe("at a registry that keeps account of referrers", () => {
  let fake: FakeOci;
  beforeAll(async () => {
    fake = await startFakeOci();
  });
  afterAll(() => fake[Symbol.asyncDispose]());

  suite(async () => fake.host);

  it("leaves no tag for them", async () => {
    const place = `oci://${fake.host}/acme/untagged`;
    await publishToOci(await signedTwice("1.0.0"), { to: place });
    expect([...fake.manifests.keys()].filter((key) => key.startsWith("acme/untagged:sha256-"))).toEqual([]);
  });
});

describe("a place to publish to", () => {
  it("has no version, and who gives tokens is an https origin", async () => {
    const made = await packed("1.0.0");
    const to = "oci://127.0.0.1:1/acme/thermostat";
    for (const behind of [":1.0.0", ":latest", "@^1", `@${sha256("x")}`])
      await expect(publishToOci(made, { to: `${to}${behind}` })).rejects.toMatchObject({
        code: "invalid-message",
        message: expect.stringContaining(`write --to ${to} without a version`),
      });
    for (const loginAt of ["http://auth.example", "https://auth.example/path", "auth.example"])
      await expect(publishToOci(made, { to, loginAt })).rejects.toMatchObject({ code: "invalid-message" });
    await expect(publishToOci(made, { to })).rejects.toMatchObject({ code: "http-failed" });
  });
});
