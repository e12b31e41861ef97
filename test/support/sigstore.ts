// A sigstore of one's own for tests: an authority, a log of certificates and a log of signatures, the trusted root that leads to them, and provenances of npm packages.

import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { dsse } from "@sigstore/core";
import { initializeCA, initializeCTLog, initializeTLog } from "@sigstore/mock";
import { STATEMENT_TYPE } from "../../host/trust/statement.ts";

export const WORKFLOWS = "https://token.actions.githubusercontent.com";
export const MAIN = "https://github.com/acme/lamp/.github/workflows/release.yml@refs/heads/main";
export const SLSA = "https://slsa.dev/provenance/v1";
const LOG_URL = "https://log.example.com";
const ISSUER_OID = "1.3.6.1.4.1.57264.1.8";

export interface Provenance {
  readonly name?: string;
  readonly version?: string;
  readonly issuer?: string;
  readonly subject?: string;
  readonly predicateType?: string;
}

export interface TestSigstore {
  /** trusted_root.json. */
  readonly root: string;
  /** A bundle that says that this build has made this tarball. */
  provenance(tarball: Uint8Array, says?: Provenance): Promise<TestBundle>;
  /** A bundle as cosign puts it beside a manifest of an OCI registry, `sha256:…`. */
  cosigned(digest: string, says?: Pick<Provenance, "issuer" | "subject" | "predicateType">): Promise<TestBundle>;
}

export interface TestBundle {
  readonly mediaType: string;
  readonly verificationMaterial: { readonly certificate: { readonly rawBytes: string }; readonly tlogEntries: readonly object[] };
  readonly dsseEnvelope: {
    readonly payloadType: string;
    readonly payload: string;
    readonly signatures: readonly { readonly sig: string }[];
  };
}

const p256 = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = () => generateKeyPairSync("ec", { namedCurve: "P-384" });
const bytesOf = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
const base64 = (view: ArrayBufferView): string => bytesOf(view).toString("base64");
const spki = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" });

const logOf = (publicKey: Buffer): object => ({
  ...{ baseUrl: LOG_URL, hashAlgorithm: "SHA2_256" },
  publicKey: {
    ...{ rawBytes: publicKey.toString("base64"), keyDetails: "PKIX_ECDSA_P256_SHA_256" },
    validFor: { start: "2020-01-01T00:00:00.000Z" },
  },
  logId: { keyId: createHash("sha256").update(publicKey).digest("base64") },
});

/** What the mock's log answers; its own type is of a package that is not there. */
interface Logged {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly logIndex: number;
      readonly treeSize: number;
      readonly rootHash: string;
      readonly checkpoint: string;
    };
  };
}

/** Without `hasCtlog` its certificates stand in no log of their own. */
export async function testSigstore({ hasCtlog = true }: { readonly hasCtlog?: boolean } = {}): Promise<TestSigstore> {
  const ctlog = await initializeCTLog(p256());
  const ca = await initializeCA(p384(), hasCtlog ? ctlog : undefined);
  const tlog = await initializeTLog(LOG_URL, p256());
  const validFor = { start: "2020-01-01T00:00:00.000Z" };
  const root = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [logOf(tlog.publicKey)],
    certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: base64(ca.rootCertificate) }] }, validFor }],
    ctlogs: hasCtlog ? [logOf(ctlog.publicKey)] : [],
    timestampAuthorities: [],
  };
  const bundleOf = async (payload: Buffer, { issuer = WORKFLOWS, subject = MAIN }: Provenance): Promise<TestBundle> => {
    const { privateKey, publicKey } = p256();
    const certificate = await ca.issueCertificate({
      publicKey: spki(publicKey) as Uint8Array<ArrayBuffer>,
      subjectAltName: subject,
      extensions: [{ oid: ISSUER_OID, value: issuer }],
    });
    const signature = sign("sha256", dsse.preAuthEncoding(STATEMENT_TYPE, payload), privateKey);
    const [entry] = Object.values((await tlog.log(proposed(payload, signature, certificate))) as unknown as Record<string, Logged>);
    if (entry === undefined) throw new Error("the log has written nothing down");
    return {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { certificate: { rawBytes: base64(certificate) }, tlogEntries: [tlogEntry(entry)] },
      dsseEnvelope: {
        ...{ payloadType: STATEMENT_TYPE, payload: payload.toString("base64") },
        signatures: [{ sig: signature.toString("base64") }],
      },
    };
  };
  return {
    root: JSON.stringify(root),
    provenance: (tarball, says = {}) => bundleOf(statementOf(tarball, says), says),
    cosigned: (digest, says = {}) => bundleOf(cosignStatement(digest, says), says),
  };
}

/** As cosign 3 says it. */
function cosignStatement(digest: string, { predicateType = "https://sigstore.dev/cosign/sign/v1" }: Provenance): Buffer {
  const subject = [{ digest: { sha256: digest.slice("sha256:".length) } }];
  return Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate: {} }));
}

function statementOf(tarball: Uint8Array, { name = "lamp", version = "1.0.0", predicateType = SLSA }: Provenance): Buffer {
  const sha512 = createHash("sha512").update(tarball).digest("hex");
  const subject = [{ name: `pkg:npm/${name.replace("@", "%40")}@${version}`, digest: { sha512 } }];
  return Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate: {} }));
}

/** As cosign and npm ask the log to write it down. */
function proposed(payload: Buffer, signature: Buffer, certificate: ArrayBufferView): object {
  const pem = `-----BEGIN CERTIFICATE-----\n${base64(certificate).replace(/.{64}/g, "$&\n").trimEnd()}\n-----END CERTIFICATE-----\n`;
  return {
    ...{ apiVersion: "0.0.1", kind: "dsse" },
    spec: {
      signatures: [{ signature: signature.toString("base64"), verifier: Buffer.from(pem).toString("base64") }],
      payloadHash: { algorithm: "sha256", value: createHash("sha256").update(payload).digest("hex") },
    },
  };
}

function tlogEntry({ logIndex, logID, integratedTime, body, verification }: Logged): object {
  const { inclusionProof, signedEntryTimestamp } = verification;
  return {
    ...{ logIndex: String(logIndex), integratedTime: String(integratedTime), canonicalizedBody: body },
    logId: { keyId: Buffer.from(logID, "hex").toString("base64") },
    kindVersion: { kind: "dsse", version: "0.0.1" },
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      ...{ logIndex: String(inclusionProof.logIndex), treeSize: String(inclusionProof.treeSize), hashes: [] },
      rootHash: Buffer.from(inclusionProof.rootHash, "hex").toString("base64"),
      checkpoint: { envelope: inclusionProof.checkpoint },
    },
  };
}

/** As a registry hands them out. */
export const attestationsOf = (...bundles: readonly object[]): string =>
  JSON.stringify({ attestations: bundles.map((bundle) => ({ predicateType: SLSA, bundle })) });
