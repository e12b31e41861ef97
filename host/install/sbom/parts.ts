// What a bill of materials lists, whatever tool has locked it.

import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import { describeIssues } from "../../manifest/issues.ts";

type Ecosystem = "npm" | "cargo" | "golang" | "pypi";
type HashAlgorithm = "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";

export interface PartHash {
  readonly algorithm: HashAlgorithm;
  readonly hex: string;
}

export interface Part {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  /** Of each file that it may come as; one, or nobody can tell which of them it was. */
  readonly hashes: readonly PartHash[];
  /** `excluded`: for building and testing only. */
  readonly scope: "required" | "optional" | "excluded";
  readonly license?: string | undefined;
  /** Beside the plugin, in no registry. */
  readonly isLocal: boolean;
  /** What it needs, by `refOf`. */
  readonly needs: readonly string[];
}

export interface Locked {
  /** The file that says it. */
  readonly file: string;
  readonly parts: readonly Part[];
  /** What the plugin itself needs, by `refOf`. */
  readonly direct: readonly string[];
}

/** By what a part is known in a bill: where a registry has it, its package URL. */
export function refOf({ ecosystem, name, version, isLocal }: Pick<Part, "ecosystem" | "name" | "version" | "isLocal">): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return `${isLocal ? "local" : "pkg"}:${ecosystem}/${path}@${encodeURIComponent(version)}`;
}

/** Throws HostError `invalid-message` for a lock file that is not what it should be. */
export function checkedLock<T>(schema: z.ZodType<T>, input: unknown, file: string): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw badLock(file, "is not understood", describeIssues(parsed.error, { input, schema }));
}

export const badLock = (file: string, why: string, detail?: string): HostError =>
  new HostError("invalid-message", `${file} ${why}`, { detail });

const ALGORITHMS: Readonly<Record<string, HashAlgorithm>> = { sha1: "SHA-1", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };
const HEX_LENGTHS: Readonly<Record<HashAlgorithm, number>> = { "SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128 };

/** A hash in hexadecimal or base64; undefined for one of an algorithm that nobody trusts. Throws HostError `invalid-message` for what is none. */
export function hashOf(name: string, digest: string, encoding: "hex" | "base64", file: string): PartHash | undefined {
  const algorithm = ALGORITHMS[name];
  if (algorithm === undefined) return undefined;
  const hex = encoding === "hex" ? digest.toLowerCase() : Buffer.from(digest, "base64").toString("hex");
  if (hex.length === HEX_LENGTHS[algorithm] && /^[0-9a-f]+$/.test(hex)) return { algorithm, hex };
  throw badLock(file, `has a ${name} that is none`);
}

export const text: z.ZodString = z.string().min(1).max(1_024);
