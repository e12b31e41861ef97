// What an issuer's word for somebody is in the host.

import { createHash } from "node:crypto";

export interface Identity {
  /** Such as `jwt:4f2a61b3/ada`: the issuer by its hash, and its own word for him. */
  readonly name: string;
  readonly groups: readonly string[];
}

/** Without what does not show, or shows as something else, and without what ends a text. */
const SUBJECT = /^[^\p{C}\p{Zl}\p{Zp}"]{1,255}$/u;
const MAX_GROUPS = 256;

/** What the names of all begin with whom the issuer stands for. */
export const prefixOf = (kind: "jwt" | "oidc", issuer: string): string =>
  `${kind}:${createHash("sha256").update(issuer).digest("hex").slice(0, 8)}/`;

/** Undefined for a subject that is no name. What is no list of groups is none. */
export function identified(prefix: string, subject: unknown, groups: unknown): Identity | undefined {
  if (typeof subject !== "string" || !SUBJECT.test(subject)) return undefined;
  const listed = Array.isArray(groups) ? groups.slice(0, MAX_GROUPS).filter((one) => typeof one === "string") : [];
  return { name: prefix + subject, groups: listed };
}
