// Policies and lists of revocations as bytes: what is too much, malformed or of another kind is refused before anything of it counts.

import { describe, expect, it } from "vitest";
import { lookAlikeOf } from "../../host/trust/look-alikes.ts";
import { readPolicy } from "../../host/trust/policy.ts";
import { publisherOf } from "../../host/trust/publishers.ts";
import { readRevocations, revocationOf } from "../../host/trust/revocations.ts";
import { MAX_DOCUMENT_BYTES } from "../../host/trust/signed-documents.ts";
import { signedDocument, testKey } from "../support/publishers.ts";

const root = testKey();
const acme = testKey("p256");
const quorum = { keys: [root.text], threshold: 1 };
const expires = "2030-01-01T00:00:00Z";
const policy = (publishers: unknown, more: object = {}): string =>
  signedDocument("trust-policy", { version: 1, expires, publishers, ...more }, root);
const publisher = (more: object = {}) => ({ name: "Acme", plugins: ["acme-*"], keys: [acme.text], ...more });
const refused = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("a signed document", () => {
  it("is bounded before it is parsed", () => {
    expect(() => readPolicy(" ".repeat(2 * MAX_DOCUMENT_BYTES + 1), quorum, "it")).toThrow(refused("quota-exceeded", /2048 KiB/));
    const envelope = JSON.parse(policy([]));
    const [signature] = envelope.signatures;
    const many = JSON.stringify({ ...envelope, signatures: Array.from({ length: 33 }, () => signature) });
    expect(() => readPolicy(many, quorum, "it")).toThrow(refused("invalid-message", /is not signed/));
    expect(() => readPolicy("[".repeat(100_000), quorum, "it")).toThrow(expect.objectContaining({ code: "invalid-message" }));
  });

  it("has as many publishers, patterns, keys and entries as are allowed", () => {
    expect(() => readPolicy(policy(Array.from({ length: 1_025 }, () => publisher())), quorum, "it")).toThrow(/nobody understands/);
    expect(() => readPolicy(policy([publisher({ plugins: Array.from({ length: 65 }, (_, i) => `a${i}`) })]), quorum, "it")).toThrow(
      /nobody/,
    );
    expect(() => readPolicy(policy([publisher({ keys: Array.from({ length: 17 }, () => acme.text) })]), quorum, "it")).toThrow(/nobody/);
    const digests = Array.from({ length: 10_001 }, () => ({ sha256: "0".repeat(64), reason: "x" }));
    const list = signedDocument("revocations", { version: 1, expires, digests }, root);
    expect(() => readRevocations(list, quorum, "it")).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/invalid-message|quota/) }),
    );
  });

  it("says nothing with keys that cannot reach the threshold, patterns of another form, or a key __proto__", () => {
    expect(() => readPolicy(policy([publisher({ threshold: 2 })]), quorum, "it")).toThrow(/asks for 2 signatures and has 1 different keys/);
    expect(() => readPolicy(policy([publisher({ keys: [acme.text, acme.text], toWiden: 2 })]), quorum, "it")).toThrow(
      /has 1 different keys/,
    );
    expect(() => readPolicy(policy([publisher({ plugins: ["*-acme"] })]), quorum, "it")).toThrow(/nobody understands/);
    expect(() => readPolicy(policy([publisher({ keys: ["AAAA"] })]), quorum, "it")).toThrow(/is no public key/);
    const bad = signedDocument(
      "trust-policy",
      JSON.parse('{"version":1,"expires":"2030-01-01T00:00:00Z","publishers":[],"x":{"a":1}}'),
      root,
    );
    expect(() => readPolicy(bad, quorum, "it")).toThrow(/nobody understands/);
  });

  it("is not signed by a signature of other bytes, or a key that nobody asked for", () => {
    const envelope = JSON.parse(policy([]));
    const other = JSON.parse(policy([publisher()]));
    const swapped = JSON.stringify({ ...envelope, signatures: other.signatures });
    expect(() => readPolicy(swapped, quorum, "it")).toThrow(refused("permission-denied", /signed by 0 of the 1 keys/));
    expect(() => readPolicy(policy([]), { keys: [acme.text], threshold: 1 }, "it")).toThrow(refused("permission-denied", /signed by 0/));
  });
});

describe("the publisher of a name", () => {
  it("is the one whose pattern says most of it", () => {
    const of = (name: string, ...plugins: string[]) => ({ name, plugins, keyids: [], threshold: 1, toWiden: 1 });
    const all = [of("anybody", "*"), of("acme", "acme-*"), of("lights", "acme-light*"), of("one", "acme-lamp")];
    expect(["x", "acme-door", "acme-lights", "acme-lamp", "acme-lamps"].map((plugin) => publisherOf(plugin, all)?.name)).toEqual([
      ...["anybody", "acme", "lights", "one", "acme"],
    ]);
    expect(publisherOf("acme-lamp", [])).toBeUndefined();
  });
});

describe("a revocation", () => {
  const list = { version: 1, expires, keys: [], plugins: [], digests: [] };
  const one = { plugin: "lamp", version: "1.2.0-rc.1", wasmSha256: "a", contentSha256: "b", keyids: ["k", "l"], hereSince: 1_000 };

  it("knows versions with prereleases, digests of module and content, and one key among several", () => {
    const reason = "x";
    expect(revocationOf(one, { ...list, plugins: [{ plugin: "lamp", versions: "<1.2.0", reason }] })?.rule).toBe("revoked-version");
    expect(revocationOf(one, { ...list, plugins: [{ plugin: "lamps", versions: "*", reason }] })).toBeUndefined();
    for (const sha256 of ["a", "b"]) expect(revocationOf(one, { ...list, digests: [{ sha256, reason }] })?.rule).toBe("revoked-digest");
    expect(revocationOf(one, { ...list, keys: [{ keyid: "l", reason }] })?.rule).toBe("revoked-key");
    const since = (ms: number) => ({ ...list, keys: [{ keyid: "l", reason, since: new Date(ms).toISOString() }] });
    expect([revocationOf(one, since(2_000)), revocationOf(one, since(1_000))?.rule]).toEqual([undefined, "revoked-key"]);
    expect(revocationOf({ ...one, hereSince: undefined }, since(2_000))?.rule).toBe("revoked-key");
  });
});

describe("a name that looks like another", () => {
  const known = ["devices", "automation", "acme-lamp", "log"];

  it.each([
    ["dev1ces", "devices"],
    ["deviees", "devices"],
    ["autornation", "automation"],
    ["acmelamp", "acme-lamp"],
    ["acrne-lamp", "acme-lamp"],
    ["l0g", "log"],
  ])("%s looks like %s", (name, like) => expect(lookAlikeOf(name, known)).toBe(like));

  it("is none when it is known itself, or short, or far", () => {
    for (const name of ["devices", "lag", "weather", "device-simulator"]) expect(lookAlikeOf(name, known), name).toBeUndefined();
  });
});
