// What cosign and builds put beside a package in an OCI registry: who is proven to have signed its manifest, and what proves nothing. Then with a real host, and a registry
// in memory.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { PlanAnswer } from "../../host/admin/installer.ts";
import { openControl } from "../../host/cli/control.ts";
import { publishToOci } from "../../host/cli/publish-oci.ts";
import { parseConfiguration } from "../../host/index.ts";
import { MEDIA } from "../../host/install/oci-manifest.ts";
import { parseOciReference } from "../../host/install/oci-reference.ts";
import { addReferrer } from "../../host/install/oci-referrers.ts";
import { repositoryOf } from "../../host/install/oci-registry.ts";
import { packPlugin } from "../../host/install/pack.ts";
import { identityVerifier } from "../../host/trust/identities.ts";
import { MAX_OCI_BUNDLE_BYTES, verifyOciAttestations } from "../../host/trust/oci-attestations.ts";
import { type FakeOci, sha256, startFakeOci } from "../support/fake-oci.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { MAIN, SLSA, type TestSigstore, testSigstore, WORKFLOWS } from "../support/sigstore.ts";

const DIGEST = sha256("a manifest");
let sigstore: TestSigstore;
beforeAll(async () => {
  sigstore = await testSigstore();
});

const proven = (...bundles: readonly object[]): string[] => {
  const texts = bundles.map((bundle) => JSON.stringify(bundle));
  return verifyOciAttestations({ digest: DIGEST, bundles: texts }, identityVerifier(sigstore.root, "root.json")).map(
    ({ subject }) => subject,
  );
};

describe("verifyOciAttestations", () => {
  it("proves who has signed the manifest, each once, whether cosign or a build says so", async () => {
    const other = MAIN.replace("acme", "other");
    const signed = await sigstore.cosigned(DIGEST);
    expect(proven(signed, signed, await sigstore.cosigned(DIGEST, { predicateType: SLSA, subject: other }))).toEqual([MAIN, other]);
  });

  it("takes nothing of another manifest, of another kind, changed, or by an authority that nobody trusts; and loses nothing by it", async () => {
    const good = await sigstore.cosigned(DIGEST);
    const stranger = await testSigstore();
    const changed = { ...good, dsseEnvelope: { ...good.dsseEnvelope, payload: Buffer.from("{}").toString("base64") } };
    const hinted = { ...good, verificationMaterial: { ...good.verificationMaterial, publicKey: { hint: "a" } } };
    const bad = [
      await sigstore.cosigned(sha256("another")),
      await sigstore.cosigned(DIGEST, { predicateType: "https://cosign.sigstore.dev/attestation/vuln/v1" }),
      await stranger.cosigned(DIGEST),
      ...[changed, hinted, { large: " ".repeat(MAX_OCI_BUNDLE_BYTES) }, {}],
    ];
    for (const one of bad) expect(proven(one), JSON.stringify(one).slice(0, 200)).toEqual([]);
    expect(proven(...bad, good)).toEqual([MAIN]);
  });

  it("looks at eight", async () => {
    const good = await sigstore.cosigned(DIGEST);
    expect(proven(...Array.from({ length: 8 }, () => ({})), good)).toEqual([]);
  });
});

describe("a plugin of an OCI registry that somebody has signed with cosign", () => {
  let folder: TemporaryFolder;
  let registry: FakeOci;

  beforeEach(async () => {
    folder = temporaryFolder();
    vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
    registry = await startFakeOci();
    writeFileSync(join(folder.path, "trusted_root.json"), sigstore.root);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await registry[Symbol.asyncDispose]();
    folder.remove();
  });

  it.each([true, false])("is known by its signer, with the referrers API %s; another's refuses it", async (keepsReferrers) => {
    registry.keepsReferrers = keepsReferrers;
    const place = `oci+http://${registry.host}/acme/lamp`;
    const module = '(module (func (export "go") (result i32) (i32.const 0)))';
    const publish = async (version: string, subject: string): Promise<void> => {
      const packed = await packPlugin(await writePlugin(join(folder.path, version), "lamp", module, { version, api: "0.2" }));
      await publishToOci(packed, { to: place });
      const repository = await repositoryOf(parseOciReference(place), { label: "it", mayPush: true });
      const stored = await repository.manifest(version);
      if (stored === undefined) throw new Error("it is not there");
      const manifest = { mediaType: stored.type, digest: stored.digest, size: stored.bytes.length };
      for (const bytes of [Buffer.from("no bundle"), Buffer.from(JSON.stringify(await sigstore.cosigned(stored.digest, { subject })))])
        await addReferrer(repository, manifest, { artifactType: MEDIA.bundle, bytes });
    };
    const identities = [{ issuer: WORKFLOWS, subject: MAIN, plugins: ["lamp"] }];
    const trust = { mode: "require", sigstore: { trustedRoot: "trusted_root.json", identities } };
    await using control = await openControl(parseConfiguration(JSON.stringify({ trust }), join(folder.path, "bulkhead.json")));
    const rulesOf = async (version: string): Promise<string[]> =>
      (await control.invoke<PlanAnswer>("plan", { spec: `${place}:${version}` })).trust.findings.map(
        ({ rule, verdict }) => `${rule} ${verdict}`,
      );
    await publish("1.0.0", MAIN);
    expect(await rulesOf("1.0.0")).toEqual([]);
    await publish("1.1.0", MAIN.replace("acme", "mallory"));
    expect(await rulesOf("1.1.0")).toEqual(["not-a-publisher refused"]);
  });
});
