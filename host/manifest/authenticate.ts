// `contributes.authenticate`: a plugin that knows who somebody is by what he shows.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { describeIssues } from "./issues.ts";

const SCHEMES = ["password", "bearer"] as const;
export type Scheme = (typeof SCHEMES)[number];

export interface Authenticating {
  /** One of its own. */
  readonly service: string;
  /** What it takes: a name with a password, a token. */
  readonly schemes: readonly Scheme[];
}

const sectionSchema: z.ZodType<Authenticating> = z.strictObject({
  service: z.string(),
  schemes: z.array(z.enum(SCHEMES)).min(1).max(SCHEMES.length),
});

/** Throws HostError `invalid-manifest`. */
export function parseAuthenticating(plugin: string, section: unknown): Authenticating {
  const parsed = sectionSchema.safeParse(section);
  if (!parsed.success) {
    const detail = describeIssues(parsed.error, { input: section, schema: sectionSchema });
    throw new HostError("invalid-manifest", `contributes.authenticate of ${plugin} is malformed`, { detail });
  }
  if (parsed.data.service.startsWith(`${plugin}.`)) return parsed.data;
  throw new HostError("invalid-manifest", `contributes.authenticate.service of ${plugin} must be a service of its own`);
}
