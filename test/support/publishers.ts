// Publishers for tests: keys that sign, and packages, policies and lists that they have signed.

import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Algorithm, describeKey } from "../../host/bounds/public-keys.ts";
import { filesOf } from "../../host/install/package-files.ts";
import { contentsOf, SIGNATURE_FILE } from "../../host/trust/contents.ts";
import { type PrivateKey, signRelease } from "../../host/trust/signatures.ts";
import { type DocumentKind, signDocument } from "../../host/trust/signed-documents.ts";

export interface TestKey extends PrivateKey {
  readonly keyid: string;
  /** As `bulkhead key export` prints it. */
  readonly text: string;
}

export function testKey(algorithm: Algorithm = "ed25519"): TestKey {
  const { privateKey, publicKey } =
    algorithm === "p256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
  const described = describeKey(publicKey);
  if (described === undefined) throw new Error("no such key");
  return { public: described, key: privateKey, keyid: described.keyid, text: described.publicKey };
}

/** Signs a plugin's folder with all these keys. */
export async function signFolder(folder: string, ...keys: readonly TestKey[]): Promise<string> {
  const { manifest, wasm, files } = await filesOf(folder);
  const release = { manifest, wasm, contents: contentsOf(files) };
  const lines = keys.map((key) => signRelease(release, key, { issuedAt: Date.now() }));
  writeFileSync(join(folder, SIGNATURE_FILE), lines.map((line) => `${line}\n`).join(""));
  return folder;
}

/** A policy or a list that all these keys have signed. */
export const signedDocument = (kind: DocumentKind, says: object, ...keys: readonly TestKey[]): string =>
  keys.reduce((text, key) => signDocument(text, kind, key, kind), JSON.stringify(says));
