// `bulkhead sign | verify`: who has made a package. Both look at the package alone; whom a host trusts is its own affair (`bulkhead trust`).

import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { parsePublicKey } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { filesOf } from "../install/package-files.ts";
import { fetchPackage } from "../install/package-sources.ts";
import { packageReader } from "../lifecycle/package-reader.ts";
import { absoluteSpec } from "../manifest/package-spec.ts";
import { contentDigest, contentsOf, SIGNATURE_FILE } from "../trust/contents.ts";
import type { PrivateKey } from "../trust/signatures.ts";
import type { KeySigner } from "../trust/signers.ts";
import type { BuiltFrom, Release } from "../trust/statement.ts";
import { refuseWhatFails } from "./check.ts";
import { EXIT } from "./exit-codes.ts";
import { conclude, print, table } from "./report.ts";
import { KEY_HELP, KEYS_HELP, type KeyOptions, signingKey, signingTime } from "./signing.ts";

export interface SignOptions extends KeyOptions {
  readonly repository?: string;
  readonly commit?: string;
  readonly json?: boolean;
}

interface VerifyOptions {
  readonly publicKey?: string;
  readonly registry?: string;
  readonly json?: boolean;
}

export const withSignOptions = (command: Command): Command =>
  command
    .option("--key <name>", KEY_HELP)
    .option("--keys <folder>", KEYS_HELP)
    .option("--repository <url>", "where its source lies; said in the signature together with --commit")
    .option("--commit <id>", "what of the source it was built from");

export function addSign(program: Command): void {
  withSignOptions(
    program.command("sign").description(`sign a plugin's folder: writes ${SIGNATURE_FILE}, beside the signatures of other keys`),
  )
    .argument("<folder>", "the plugin's folder, built")
    .option("--json", "print JSON on standard output")
    .action(signFolder);
  program
    .command("verify")
    .description("say who has signed a package, and whether it is what they signed; exit code 1 when it is not, or nobody has")
    .argument("<source>", "a folder, a .tgz file or a package of a registry")
    .option("--public-key <key>", "demand a signature of this key, as key export prints it")
    .option("--registry <url>", "instead of npm's own setting")
    .option("--json", "print JSON on standard output")
    .action(verify);
}

/** Its signatures with one of this key; one that the key has made before is exchanged. Rejects with HostError. */
export async function withSignature(
  release: Release,
  signatures: string | undefined,
  { key, builtFrom }: { readonly key: PrivateKey; readonly builtFrom: BuiltFrom | undefined },
): Promise<string> {
  const { signRelease, verifySignatures } = await signing();
  const line = signRelease(release, key, { issuedAt: signingTime(), builtFrom });
  // What others have signed of what is not there any more would refuse the package.
  const keyidsOf = (other: string): readonly string[] => {
    try {
      return verifySignatures(release, other).map(({ keyid }) => keyid);
    } catch {
      return [];
    }
  };
  const lines = (signatures ?? "").split("\n").filter((other) => other.trim() !== "");
  const kept = lines.filter((other) => keyidsOf(other).some((keyid) => keyid !== key.public.keyid));
  const text = [...kept, line].map((one) => `${one}\n`).join("");
  verifySignatures(release, text);
  return text;
}

// Most commands sign and verify nothing.
const signing = (): Promise<typeof import("../trust/signatures.ts")> => import("../trust/signatures.ts");

/** Throws HostError `invalid-message` for one of both without the other. */
export function builtFromOf({ repository, commit }: SignOptions): BuiltFrom | undefined {
  if (repository === undefined && commit === undefined) return undefined;
  if (repository !== undefined && commit !== undefined) return { repository, commit };
  throw new HostError("invalid-message", "--repository and --commit are said together");
}

async function signFolder(folder: string, options: SignOptions): Promise<void> {
  await refuseWhatFails(folder);
  const { manifest, wasm, files } = await filesOf(folder);
  const release = { manifest, wasm, contents: contentsOf(files) };
  const key = await signingKey(options);
  const before = files.get(SIGNATURE_FILE);
  const text = await withSignature(release, before && Buffer.from(before).toString("utf8"), { key, builtFrom: builtFromOf(options) });
  const file = join(resolve(folder), SIGNATURE_FILE);
  await writeFile(`${file}.unfinished`, text);
  await rename(`${file}.unfinished`, file);
  const { keyid } = key.public;
  const digest = contentDigest(release.contents);
  const more = text.trim().split("\n").length - 1;
  const others = more === 0 ? "" : `, beside ${more} other${more === 1 ? "" : "s"}`;
  const what = { plugin: manifest.name, version: manifest.version, keyid, digest, file };
  conclude(options.json, what, `${manifest.name} ${manifest.version} is signed by ${keyid}${others}: ${escapeControls(file)}`);
}

async function verify(source: string, options: VerifyOptions): Promise<void> {
  const fetched = await fetchPackage(absoluteSpec(source), { reader: packageReader(), registry: options.registry });
  const { verifySignatures } = await signing();
  const signers = verifySignatures(fetched, fetched.signatures);
  const wanted = options.publicKey === undefined ? undefined : parsePublicKey(options.publicKey).keyid;
  const isProven = wanted === undefined ? signers.length > 0 : signers.some(({ keyid }) => keyid === wanted);
  const { name: plugin, version } = fetched.manifest;
  const digest = fetched.contents.length === 0 ? null : contentDigest(fetched.contents);
  const sha256 = createHash("sha256").update(fetched.wasm).digest("hex");
  print(options.json, { plugin, version, isProven, digest, wasmSha256: sha256, signers }, () =>
    describe(`${plugin} ${version}`, signers, wanted),
  );
  if (!isProven) process.exitCode = EXIT.failed;
}

function describe(what: string, signers: readonly KeySigner[], wanted: string | undefined): string {
  if (signers.length === 0) return `${what} is signed by nobody`;
  const rows = signers.map(({ keyid, algorithm, issuedAt, builtFrom }) => [
    keyid,
    algorithm,
    issuedAt,
    builtFrom === undefined ? "" : `${escapeControls(builtFrom.repository)} ${escapeControls(builtFrom.commit)}`,
  ]);
  const missing = wanted === undefined || signers.some(({ keyid }) => keyid === wanted) ? "" : `\nit is NOT signed by ${wanted}`;
  return `${what} is what was signed by:\n${table(["key", "algorithm", "says when", "says from where"], rows)}${missing}`;
}
