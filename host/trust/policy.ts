// The policy: who may publish under which names, said by the keys of a root. It may name the next root, which its present one and the next sign together.

import { z } from "zod";
import { MAX_KEY_LENGTH, parsePublicKey } from "../bounds/public-keys.ts";
import { HostError } from "../core/errors.ts";
import { pluginPatterns } from "../manifest/trust.ts";
import type { Publisher } from "./publishers.ts";
import { type Dated, openDocument, parsePayload, payloadHash, type Quorum, requireQuorum, versionShape } from "./signed-documents.ts";

interface PolicyInput extends Dated {
  readonly publishers: readonly {
    readonly name: string;
    readonly plugins: readonly string[];
    readonly keys: readonly string[];
    readonly threshold: number;
    readonly toWiden?: number | undefined;
  }[];
  readonly unlisted: "refuse" | "first-use";
  readonly root?: Quorum | undefined;
}

export interface Policy extends Dated {
  readonly publishers: readonly Publisher[];
  /** What becomes of a name that no publisher has. */
  readonly unlisted: "refuse" | "first-use";
  /** Who signs the policies after this one, if it says so. */
  readonly root: Quorum | undefined;
  readonly sha256: string;
}

const MAX_PUBLISHERS = 1_024;
const MAX_KEYS = 16;
const key = z.string().max(MAX_KEY_LENGTH);
const keys = z.array(key).min(1).max(MAX_KEYS);

const policySchema: z.ZodType<PolicyInput> = z.strictObject({
  ...versionShape,
  publishers: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(128),
        plugins: pluginPatterns,
        keys,
        threshold: z.int().min(1).max(MAX_KEYS).default(1),
        toWiden: z.int().min(1).max(MAX_KEYS).optional(),
      }),
    )
    .max(MAX_PUBLISHERS),
  unlisted: z.enum(["refuse", "first-use"]).default("first-use"),
  root: z.strictObject({ keys, threshold: z.int().min(1).max(MAX_KEYS) }).optional(),
});

/** Checks and reads a policy that this root has signed. Throws HostError `permission-denied` for too few signatures, `invalid-message` for what is none. */
export function readPolicy(text: string, root: Quorum, label: string): Policy {
  const document = openDocument(text, "trust-policy", label);
  requireQuorum(document, root, label);
  const { publishers, ...said } = parsePayload(document.payload, policySchema, label);
  if (said.root !== undefined) {
    requireReachable(said.root.keys, said.root.threshold, `${label}: root`);
    // Whoever asks for no signatures has checked them before, or is about to sign.
    if (root.threshold > 0) requireQuorum(document, said.root, `the root that ${label} names`);
  }
  return {
    ...said,
    root: said.root,
    publishers: publishers.map((one, i) => {
      const { threshold, toWiden = threshold } = one;
      const keyids = requireReachable(one.keys, Math.max(threshold, toWiden), `${label}: publishers.${i}`);
      return { name: one.name, plugins: one.plugins, keyids, threshold, toWiden: Math.max(threshold, toWiden) };
    }),
    sha256: payloadHash(document.payload),
  };
}

/** The keyids. Throws HostError `invalid-message` when there are fewer different keys than must sign. */
function requireReachable(texts: readonly string[], threshold: number, label: string): readonly string[] {
  const keyids = [...new Set(texts.map((text) => parsePublicKey(text).keyid))];
  if (keyids.length >= threshold) return keyids;
  throw new HostError("invalid-message", `${label} asks for ${threshold} signatures and has ${keyids.length} different keys`);
}
