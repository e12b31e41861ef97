// Provenance of npm packages: which build is proven to have made a tarball, with an authority and logs of one's own, and every way in which it may not hold. Then with a real
// host and a registry that attests.

import { generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { dsse } from "@sigstore/core";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { PlanAnswer } from "../../host/admin/installer.ts";
import { describeOrigin } from "../../host/cli/acceptance.ts";
import { type Control, openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { sha512 } from "../../host/install/npm-registry.ts";
import { packPlugin } from "../../host/install/pack.ts";
import { identityVerifier } from "../../host/trust/identities.ts";
import { verifyProvenance } from "../../host/trust/provenance.ts";
import { type IdentitySigner, identityKeyid } from "../../host/trust/signers.ts";
import { STATEMENT_TYPE } from "../../host/trust/statement.ts";
import { memoryLog } from "../support/memory-log.ts";
import { type TemporaryFolder, temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import {
  attestationsOf,
  MAIN,
  type Provenance,
  SLSA,
  type TestBundle,
  type TestSigstore,
  testSigstore,
  WORKFLOWS,
} from "../support/sigstore.ts";

const MIB = 1_024 * 1_024;
const TARBALL = Buffer.from("a tarball");
const PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
const FORK = MAIN.replace("acme", "mallory");

const { privateKey: stranger } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const soon = (): number => Math.floor(Date.now() / 1_000) + 60;

let sigstore: TestSigstore;
/** Of lamp 1.0.0, by the workflow of its main branch. */
let bundle: TestBundle;
beforeAll(async () => {
  sigstore = await testSigstore();
  bundle = await sigstore.provenance(TARBALL);
});

/** The build that a registry's attestations prove, of the tarball of lamp 1.0.0. */
const proven = (
  text: string,
  { root = sigstore.root, name = "lamp", version = "1.0.0", tarball = TARBALL } = {},
): readonly IdentitySigner[] => verifyProvenance({ text, name, version, integrity: sha512(tarball) }, identityVerifier(root, "root.json"));
const because = (why: string): object => ({ code: "invalid-manifest", message: expect.stringContaining(why) });
const refusalOf = (work: () => unknown): { readonly code?: string; readonly message?: string } => {
  try {
    work();
  } catch (thrown) {
    return thrown as Error;
  }
  return { message: "it holds" };
};
const withMaterial = (bundle: TestBundle, material: object): object => ({
  ...bundle,
  verificationMaterial: { ...bundle.verificationMaterial, ...material },
});
const withEnvelope = (bundle: TestBundle, envelope: object): object => ({
  ...bundle,
  dsseEnvelope: { ...bundle.dsseEnvelope, ...envelope },
});

describe("verifyProvenance", () => {
  it("proves the build that has made the tarball, and when", async () => {
    const keyid = identityKeyid({ issuer: WORKFLOWS, subject: MAIN });
    expect(proven(attestationsOf(await sigstore.provenance(TARBALL)))).toEqual([
      {
        kind: "identity",
        keyid,
        issuer: WORKFLOWS,
        subject: MAIN,
        issuedAt: expect.stringMatching(/^20\d\d-/),
        statementSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect(keyid).toMatch(/^[0-9a-f]{64}$/);
    const scoped = await sigstore.provenance(TARBALL, { name: "@acme/lamp" });
    expect(proven(attestationsOf(scoped), { name: "@acme/lamp" })).toHaveLength(1);
  });

  it("holds long after the certificate has expired, by the log's word", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2024-02-03T04:05:06Z") });
    const old = await testSigstore();
    const text = attestationsOf(await old.provenance(TARBALL));
    vi.useRealTimers();
    expect(proven(text, { root: old.root })[0]?.issuedAt).toBe("2024-02-03T04:05:06.000Z");
  });

  it("knows other builds as others, and a build for a tag as the same for each", async () => {
    const keyidOf = async (says: Provenance): Promise<string | undefined> =>
      proven(attestationsOf(await sigstore.provenance(TARBALL, says)))[0]?.keyid;
    const tag = (version: string): Provenance => ({ subject: MAIN.replace("heads/main", `tags/${version}`) });
    const [main, fork, issuer, one, two, branch] = [
      await keyidOf({}),
      await keyidOf({ subject: FORK }),
      await keyidOf({ issuer: "https://issuer.example.com" }),
      await keyidOf(tag("v1.0.0")),
      await keyidOf(tag("v1.1.0")),
      await keyidOf({ subject: MAIN.replace("heads/main", "heads/tags/v1") }),
    ];
    expect(new Set([main, fork, issuer, one, branch]).size).toBe(5);
    expect(two).toBe(one);
    expect(one).toBe(identityKeyid({ issuer: WORKFLOWS, subject: MAIN.replace("heads/main", "tags/*") }));
  });

  it("leaves aside what is no provenance, such as npm's word of the publishing", async () => {
    const provenance = await sigstore.provenance(TARBALL);
    const attestations = [
      { predicateType: PUBLISH, bundle: { any: "thing" } },
      { predicateType: SLSA, bundle: provenance },
    ];
    expect(proven(JSON.stringify({ attestations }))).toHaveLength(1);
    expect(proven(JSON.stringify({ attestations: [attestations[0]] }))).toEqual([]);
    const mislabelled = await sigstore.provenance(TARBALL, { predicateType: PUBLISH });
    expect(refusalOf(() => proven(attestationsOf(mislabelled)))).toMatchObject(because("says nothing of one package"));
  });

  it("refuses a provenance of other bytes, of another package and of another version", async () => {
    const text = attestationsOf(await sigstore.provenance(TARBALL));
    expect(refusalOf(() => proven(text, { tarball: Buffer.from("other") }))).toMatchObject(because("is of another tarball than came"));
    expect(refusalOf(() => proven(text, { name: "lantern" }))).toMatchObject(because("is of pkg:npm/lamp@1.0.0, not of lantern@1.0.0"));
    expect(refusalOf(() => proven(text, { version: "1.0.1" }))).toMatchObject(because("not of lamp@1.0.1"));
  });

  it("refuses one good provenance beside one that does not hold", async () => {
    const good = await sigstore.provenance(TARBALL);
    const bad = withEnvelope(good, { payload: Buffer.from("{}").toString("base64") });
    expect(refusalOf(() => proven(attestationsOf(good, bad)))).toMatchObject(because("does not hold"));
  });

  const entryOf = ({ verificationMaterial: { tlogEntries } }: TestBundle): object => tlogEntries[0] ?? {};
  const withEntry = (bundle: TestBundle, change: object): object =>
    withMaterial(bundle, { tlogEntries: [{ ...entryOf(bundle), ...change }] });
  const anotherPayload = ({ dsseEnvelope: { payload } }: TestBundle): string =>
    Buffer.from(`${Buffer.from(payload, "base64").toString()} `).toString("base64");
  const signedByOther = ({ dsseEnvelope: { payload } }: TestBundle): string =>
    sign("sha256", dsse.preAuthEncoding(STATEMENT_TYPE, Buffer.from(payload, "base64")), stranger).toString("base64");
  const noBundle = "no bundle of an identity";

  it.each<[string, string, (bundle: TestBundle) => object]>([
    ["a payload that was changed", "payload hash mismatch", (bundle) => withEnvelope(bundle, { payload: anotherPayload(bundle) })],
    ["a signature of another key", "tlog entry", (bundle) => withEnvelope(bundle, { signatures: [{ sig: signedByOther(bundle) }] })],
    ["no entry of a log", noBundle, (bundle) => withMaterial(bundle, { tlogEntries: [] })],
    ["a log that is not said", noBundle, (bundle) => withMaterial(bundle, { tlogEntries: undefined })],
    ["nine entries of the log", noBundle, (bundle) => withMaterial(bundle, { tlogEntries: Array(9).fill(entryOf(bundle)) })],
    ["the same entry twice", "duplicate", (bundle) => withMaterial(bundle, { tlogEntries: Array(2).fill(entryOf(bundle)) })],
    ["a time that the log has not signed", "inclusion", (bundle) => withEntry(bundle, { integratedTime: String(soon()) })],
    ["a time after the certificate", "certificate", (bundle) => withEntry(bundle, { integratedTime: "4000000000" })],
    ["a log that has promised nothing", "timestamp", (bundle) => withEntry(bundle, { inclusionPromise: undefined })],
    ["a log that has proven nothing", "bundle", (bundle) => withEntry(bundle, { inclusionProof: undefined })],
    ["a key for a certificate", noBundle, (bundle) => withMaterial(bundle, { certificate: undefined, publicKey: { hint: "mine" } })],
    ["a certificate that is none", "", (bundle) => withMaterial(bundle, { certificate: { rawBytes: "MAA=" } })],
  ])("refuses %s", async (_, why, spoil) => {
    const refusal = refusalOf(() => proven(attestationsOf(spoil(bundle))));
    expect(refusal).toMatchObject(because("has a provenance that does not hold"));
    expect(refusal.message).toContain(why);
  });

  it("refuses what an authority, a log or a log of certificates that nobody trusts has proven", async () => {
    const theirs = await testSigstore();
    const text = attestationsOf(await theirs.provenance(TARBALL));
    expect(refusalOf(() => proven(text))).toMatchObject(because("does not hold"));
    const rootOf = ({ root }: TestSigstore): Record<string, unknown> => JSON.parse(root) as Record<string, unknown>;
    for (const part of ["tlogs", "certificateAuthorities", "ctlogs"]) {
      const root = JSON.stringify({ ...rootOf(theirs), [part]: rootOf(sigstore)[part] });
      expect(
        refusalOf(() => proven(text, { root })),
        part,
      ).toMatchObject(because("does not hold"));
    }
    const unlogged = await testSigstore({ hasCtlog: false });
    const certified = attestationsOf(await unlogged.provenance(TARBALL));
    expect(proven(certified, { root: unlogged.root })).toHaveLength(1);
    const root = JSON.stringify({ ...rootOf(unlogged), ctlogs: rootOf(sigstore).ctlogs });
    expect(refusalOf(() => proven(certified, { root }))).toMatchObject(because("does not hold"));
  });

  it("refuses an identity that no line can hold, and one without an issuer", async () => {
    const split = await sigstore.provenance(TARBALL, { issuer: `${WORKFLOWS}\nhttps://evil.example.com` });
    expect(refusalOf(() => proven(attestationsOf(split)))).toMatchObject(because("names no issuer"));
    const none = await sigstore.provenance(TARBALL, { issuer: "" });
    expect(refusalOf(() => proven(attestationsOf(none)))).toMatchObject(because("names no issuer"));
  });

  it("refuses nine bundles, and what is no list of them", async () => {
    const nine = attestationsOf(...Array<object>(9).fill(await sigstore.provenance(TARBALL)));
    expect(refusalOf(() => proven(nine))).toMatchObject(because("at most 8 bundles"));
    for (const text of ["{}", "[]", '{"attestations":1}'])
      expect(refusalOf(() => proven(text))).toMatchObject(because("at most 8 bundles"));
    expect(refusalOf(() => proven("no JSON"))).toMatchObject({ code: "invalid-manifest" });
    expect(refusalOf(() => proven(attestationsOf({})))).toMatchObject(because("without a statement"));
  });
});

describe("identityVerifier", () => {
  it("takes no root without a log or an authority, and none with a key that is none", () => {
    const said = JSON.parse(sigstore.root) as { readonly tlogs: readonly { readonly publicKey: object }[] };
    const broken = [{ ...said.tlogs[0], publicKey: { ...said.tlogs[0]?.publicKey, rawBytes: "AAAA" } }];
    for (const change of [{ tlogs: [] }, { certificateAuthorities: [] }, { mediaType: "text/plain" }, { tlogs: broken }, { ctlogs: {} }]) {
      const text = JSON.stringify({ ...said, ...change });
      expect(refusalOf(() => identityVerifier(text, "root.json"))).toMatchObject({
        code: "invalid-message",
        message: expect.stringContaining("trust.sigstore.trustedRoot, root.json,"),
      });
    }
  });
});

describe("a registry that attests", () => {
  let folder: TemporaryFolder;
  let server: Server;
  let url: string;
  let tarball: Buffer;
  let dist: object;
  let version: string;
  let attested: (response: ServerResponse) => void;
  let asked: string[];
  let host: RunningHost;
  let control: Control;

  const boot = async (trust: object): Promise<void> => {
    const text = JSON.stringify({ adapters: { http: false }, drainMs: 200, registry: url, trust });
    const configuration = parseConfiguration(text, join(folder.path, "bulkhead.json"));
    host = await createHost({ configuration, log: memoryLog() });
    control = await openControl(configuration);
  };
  const trusting = (...identities: readonly object[]): object => ({ sigstore: { trustedRoot: "trusted_root.json", identities } });
  const release = async (next: string): Promise<void> => {
    version = next;
    const module = '(module (func (export "go") (result i32) (i32.const 0)))';
    const path = await writePlugin(join(folder.path, version), "lamp", module, { version, api: "0.2" });
    tarball = Buffer.from((await packPlugin(path)).tarball);
    dist = {
      tarball: `${url}lamp.tgz`,
      integrity: sha512(tarball),
      attestations: { url: `${url}attested`, provenance: { predicateType: SLSA } },
    };
  };
  const attest = async (says: Provenance): Promise<void> => {
    const text = attestationsOf(await sigstore.provenance(tarball, says));
    attested = (response) => response.setHeader("content-encoding", "gzip").end(gzipSync(text));
  };
  const plan = (): Promise<PlanAnswer> => control.invoke("plan", { spec: "lamp" });
  const rulesOf = ({ trust: { findings } }: PlanAnswer): string[] => findings.map(({ rule, verdict }) => `${rule} ${verdict}`);

  beforeEach(async () => {
    folder = temporaryFolder();
    vi.stubEnv("npm_config_userconfig", join(folder.path, ".npmrc"));
    asked = [];
    server = createServer(({ url: path = "" }, response) => {
      asked.push(path);
      if (path === "/lamp.tgz") return void response.end(tarball);
      if (path === "/attested") return attested(response);
      response.end(
        JSON.stringify({ name: "lamp", "dist-tags": { latest: version }, versions: { [version]: { name: "lamp", version, dist } } }),
      );
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    writeFileSync(join(folder.path, "trusted_root.json"), sigstore.root);
    await release("1.0.0");
    await attest({});
  });
  afterEach(async () => {
    await control[Symbol.asyncDispose]();
    await host.stop();
    vi.unstubAllEnvs();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    folder.remove();
  });

  it("shows the build that has made a version, keeps it for the name, and refuses another's", async () => {
    await boot(trusting());
    const planned = await plan();
    expect(rulesOf(planned)).toEqual(["first-use told"]);
    expect(planned.trust.findings[0]?.message).toContain(`${MAIN} (proven by ${WORKFLOWS}) will be its key`);
    expect(describeOrigin(planned)[0]).toContain(`It is signed by ${MAIN} (proven by ${WORKFLOWS}), not known here before`);
    const { package: id, source, integrity, wasmSha256 } = planned;
    await control.invoke("install", { package: id, source, integrity, wasmSha256, grants: [], settings: {}, accepted: [] });
    const keyid = identityKeyid({ issuer: WORKFLOWS, subject: MAIN });
    expect(await control.invoke("trust", {})).toMatchObject({
      pins: [{ plugin: "lamp", keyid, publicKey: expect.stringContaining(MAIN) }],
    });
    expect(await control.invoke("info", { plugin: "lamp" })).toMatchObject({ signers: [{ kind: "identity", subject: MAIN }] });

    await release("1.1.0");
    await attest({ version });
    expect(rulesOf(await plan())).toEqual([]);
    await attest({ version, subject: FORK });
    expect((await plan()).refusals).toEqual([
      expect.stringMatching(/mallory.*bulkhead trust accept lamp [0-9a-f]{64}.*\(signer-changed\)$/),
    ]);
    attested = (response) => response.writeHead(404).end();
    expect((await plan()).refusals).toEqual([expect.stringContaining("(signature-missing)")]);
    dist = { ...dist, attestations: undefined };
    expect((await plan()).refusals).toEqual([expect.stringContaining("(signature-missing)")]);
  });

  it("lets in what an identity of the configuration has built, and not what another one, or another issuer, has", async () => {
    const tags = MAIN.replace("heads/main", "tags/*");
    const identities = [MAIN, tags].map((subject) => ({ issuer: WORKFLOWS, subject, plugins: ["la*"] }));
    await boot({ mode: "require", ...trusting(...identities) });
    const planned = await plan();
    expect(rulesOf(planned)).toEqual([]);
    expect(planned.trust.signers[0]?.publisher).toContain(MAIN);
    await attest({ subject: MAIN.replace("heads/main", "tags/v1.0.0") });
    expect(rulesOf(await plan())).toEqual([]);
    for (const other of [{ subject: FORK }, { issuer: "https://issuer.example.com" }, { subject: `${MAIN}2` }]) {
      await attest(other);
      expect(rulesOf(await plan()), JSON.stringify(other)).toEqual(["not-a-publisher refused"]);
    }
  });

  it("refuses what came with a provenance that does not hold", async () => {
    await boot(trusting());
    attested = (response) => response.end(attestationsOf(bundle));
    expect((await plan()).refusals).toEqual([expect.stringMatching(/is of another tarball than came \(bad-signature\)$/)]);
    attested = (response) => response.end("no JSON");
    expect(rulesOf(await plan())).toContain("bad-signature refused");
  });

  it("fetches no attestation that is too large, lies elsewhere or cannot be had", async () => {
    await boot(trusting());
    const large = Buffer.alloc(MIB + 1, " ");
    for (const answer of [
      (response: ServerResponse) => response.end(large),
      (response: ServerResponse) => response.setHeader("content-encoding", "gzip").end(gzipSync(large)),
    ]) {
      attested = answer;
      await expect(plan()).rejects.toMatchObject({ code: "quota-exceeded", message: expect.stringContaining("1 MiB") });
    }
    attested = (response) => response.writeHead(403).end();
    await expect(plan()).rejects.toMatchObject({ code: "http-failed" });
    asked = [];
    for (const elsewhere of [url.replace("127.0.0.1", "localhost"), "https://attestations.example.com/lamp", "file:///etc/passwd"]) {
      dist = { ...dist, attestations: { url: elsewhere } };
      await expect(plan()).rejects.toMatchObject({ code: "http-failed", message: expect.stringContaining("sends us to") });
    }
    expect(asked).not.toContain("/attested");
    // A mirror hands on npm's addresses; they are the mirror's own.
    dist = { ...dist, attestations: { url: "https://registry.npmjs.org/attested" } };
    await attest({});
    expect(rulesOf(await plan())).toEqual(["first-use told"]);
    expect(asked).toContain("/attested");
  });

  it("asks for none where no trusted root is configured, and where nobody looks", async () => {
    await boot({});
    expect(rulesOf(await plan())).toEqual(["unsigned told"]);
    await control[Symbol.asyncDispose]();
    await host.stop();
    await boot({ mode: "off", ...trusting() });
    expect(rulesOf(await plan())).toEqual([]);
    expect(asked).not.toContain("/attested");
  });

  it("says at once that the trusted root is none or too large", async () => {
    await boot(trusting());
    const root = join(folder.path, "trusted_root.json");
    for (const [text, code] of [
      ["{}", "invalid-message"],
      ["x".repeat(MIB + 1), "quota-exceeded"],
    ] as const) {
      writeFileSync(root, text);
      await expect(plan()).rejects.toMatchObject({ code, message: expect.stringContaining("trusted_root.json") });
    }
  });
});
