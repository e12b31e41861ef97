// What a signature of a package proves, and what it does not: every change of what is there, and every trick with who signed it, is refused.

import { describe, expect, it } from "vitest";
import type { Manifest } from "../../host/manifest/manifest.ts";
import { contentsOf, MAX_SIGNATURE_BYTES } from "../../host/trust/contents.ts";
import { signRelease, verifySignatures } from "../../host/trust/signatures.ts";
import type { Release } from "../../host/trust/statement.ts";
import { testKey } from "../support/publishers.ts";

const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
const release = (manifest: object = {}, files: Readonly<Record<string, string>> = {}): Release => {
  const all: Record<string, Uint8Array> = { "plugin.json": Buffer.from(JSON.stringify(manifest)), "plugin.wasm": wasm };
  for (const [name, text] of Object.entries(files)) all[name] = Buffer.from(text);
  const made = { name: "lamp", version: "1.0.0", api: "0.2", permissions: [], ...manifest } as unknown as Manifest;
  return { manifest: made, wasm, contents: contentsOf(Object.entries(all)) };
};
const issuedAt = Date.UTC(2026, 10, 30);
const key = testKey();
const thief = testKey();
const signed = release({}, { "README.md": "a lamp" });
const line = signRelease(signed, key, { issuedAt });
type Bundle = {
  verificationMaterial: { publicKey: { hint: string } };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
};
const changed = (change: (bundle: Bundle) => unknown, of = line): string => {
  const bundle = JSON.parse(of) as Bundle;
  change(bundle);
  return JSON.stringify(bundle);
};
const restated = (change: (text: string) => string): string =>
  changed(({ dsseEnvelope }) => {
    dsseEnvelope.payload = Buffer.from(change(Buffer.from(dsseEnvelope.payload, "base64").toString())).toString("base64");
  });
const refuses = (what: Release, signatures: string, why: RegExp): void => {
  expect(() => verifySignatures(what, signatures)).toThrow(
    expect.objectContaining({ code: "invalid-manifest", message: expect.stringMatching(why) }),
  );
};

describe("a signature", () => {
  it.each(["ed25519", "p256"] as const)("of %s proves who has signed just these files", (algorithm) => {
    const own = testKey(algorithm);
    const text = signRelease(signed, own, { issuedAt, builtFrom: { repository: "https://example.com/lamp", commit: "abc" } });
    expect(verifySignatures(signed, `${text}\n`)).toEqual([
      {
        kind: "key",
        keyid: own.keyid,
        publicKey: own.text,
        algorithm,
        issuedAt: "2026-11-30T00:00:00.000Z",
        statementSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        builtFrom: { repository: "https://example.com/lamp", commit: "abc" },
      },
    ]);
  });

  it("is the same bytes for the same files at the same time, with Ed25519", () => {
    expect(signRelease(signed, key, { issuedAt })).toBe(line);
  });

  it("may stand beside that of another key, and one bad among them spoils all", () => {
    const both = `${line}\n${signRelease(signed, thief, { issuedAt })}\n`;
    expect(verifySignatures(signed, both).map(({ keyid }) => keyid)).toEqual([key.keyid, thief.keyid]);
    refuses(
      signed,
      `${line}\n${changed(({ dsseEnvelope }) => Object.assign(dsseEnvelope, { signatures: [{ sig: "AAAA" }] }))}`,
      /is not what the key/,
    );
  });

  it("is of nobody where there is none, and of nothing where the file is empty", () => {
    expect(verifySignatures(signed, undefined)).toEqual([]);
    refuses(signed, "\n", /has 0 signatures/);
  });

  it("does not hold for a file that was changed, added or taken away, and says which", () => {
    refuses(release({}, { "README.md": "a trap" }), line, /not those that were signed \(README\.md is another one\)/);
    refuses(release({}, { "README.md": "a lamp", "setup.sh": "rm" }), line, /setup\.sh was not there/);
    refuses(release(), line, /README\.md is missing/);
  });

  it("does not hold for another plugin, another version, or a manifest that asks for other things", () => {
    refuses(release({ name: "lamps" }, { "README.md": "a lamp" }), line, /signed for the plugin lamp, not for lamps/);
    refuses(release({ version: "2.0.0" }, { "README.md": "a lamp" }), line, /signed for 1\.0\.0, not for 2\.0\.0/);
    const widened = {
      ...signed,
      manifest: { ...signed.manifest, permissions: [{ permission: "state.read", resource: "**", reason: "x" }] },
    };
    refuses(widened as Release, line, /says another thing than its plugin\.json/);
  });

  it("does not hold when what it says is changed afterwards", () => {
    refuses(
      signed,
      restated((text) => text.replace("2026-11-30", "2026-11-29")),
      /is not what the key .* has signed/,
    );
    refuses(
      signed,
      restated((text) => text.replace(/[0-9a-f]{64}/, "0".repeat(64))),
      /is not what the key .* has signed/,
    );
  });

  it("cannot be swapped: one key's signature under another key's name", () => {
    const ofThief = signRelease(signed, thief, { issuedAt });
    const stolen = JSON.parse(line) as Bundle;
    refuses(
      signed,
      changed(
        (bundle) => Object.assign(bundle, { dsseEnvelope: { ...bundle.dsseEnvelope, signatures: stolen.dsseEnvelope.signatures } }),
        ofThief,
      ),
      /is not what the key/,
    );
    refuses(
      signed,
      changed((bundle) => Object.assign(bundle.verificationMaterial.publicKey, { hint: key.keyid }), ofThief),
      /names another key than it brings/,
    );
    // The statement names the victim's key and the envelope is signed by the thief.
    const forged = restated((text) => text.replaceAll(key.text, thief.text));
    refuses(signed, forged, /names another key than it brings/);
  });

  it("counts a key once", () => {
    refuses(signed, `${line}\n${line}\n`, /two signatures of one key/);
    refuses(signed, `${line}\n${signRelease(signed, key, { issuedAt: issuedAt + 1_000 })}\n`, /two signatures of one key/);
  });

  it("takes no other kind of statement, of bundle or of envelope", () => {
    refuses(
      signed,
      restated((text) => text.replace("release/v1", "release/v2")),
      /says nothing of a release/,
    );
    refuses(
      signed,
      changed(({ dsseEnvelope }) => Object.assign(dsseEnvelope, { payloadType: "text/plain" })),
      /no sigstore bundle/,
    );
    refuses(signed, '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.1+json"}', /no sigstore bundle/);
    refuses(
      signed,
      changed(({ dsseEnvelope }) => Object.assign(dsseEnvelope, { signatures: [...dsseEnvelope.signatures, ...dsseEnvelope.signatures] })),
      /no sigstore bundle/,
    );
  });

  it("is bounded before it is read", () => {
    refuses(signed, " ".repeat(MAX_SIGNATURE_BYTES + 1), /has more than 256 KiB/);
    refuses(signed, `${line}\n`.repeat(9), /has 9 signatures; 1 to 8/);
    expect(() => verifySignatures(signed, "[".repeat(100_000))).toThrow(expect.objectContaining({ code: "invalid-manifest" }));
  });
});
