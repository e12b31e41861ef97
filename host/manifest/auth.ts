// The section `auth` of the configuration: whether whoever comes by a door must say who it is, what roles there are, and how much each may do at once.

import { z } from "zod";
import { HostError, toHostError } from "../core/errors.ts";
import { compilePattern, isDottedName, isPluginName, type Matcher, printable } from "../core/names.ts";
import type { Effect, Grant, Permission } from "../core/types.ts";
import { compileResource, PERMISSIONS } from "./resources.ts";

/** Does an operation of the host, by the name `admin.<operation>`. */
export const OPERATE = "host.operate";
/** Calls services that say of themselves that they only read. */
export const READ = "services.read";
/** What only somebody at a door is granted, no plugin. */
const OF_PRINCIPALS: readonly Permission[] = [OPERATE, READ];
/** What a role, or the scope of a token, can name. */
const ROLE_PERMISSIONS: readonly Permission[] = [...PERMISSIONS, ...OF_PRINCIPALS];

const ROLE_NAME = /^[a-z][a-z0-9-]{0,63}$/;
const MAX_ROLES = 256;
const MAX_GRANTS = 256;

export interface AuthLimits {
  /** Calls and operations of one principal under way. */
  readonly callsAtOnce: number;
  /** Streams of events of one principal. */
  readonly streamsAtOnce: number;
  /** Calls of one principal in a second; as many again at once after a rest. */
  readonly callsPerSecond: number;
  /** Credentials from one address that are nobody's, in a minute. */
  readonly failuresPerMinute: number;
  /** Wrong passwords of one account, and from one address, in a quarter of an hour. */
  readonly loginFailures: number;
}

/** Who makes JSON Web Tokens that let people in. */
export interface JwtIssuer {
  /** As the token's `iss` has it. */
  readonly issuer: string;
  /** The token's `aud` must name it. */
  readonly audience: string;
  /** Where its keys are, as a JSON Web Key Set: a URL, or a file beside the configuration. */
  readonly keys: string;
  readonly algorithms: readonly (typeof ALGORITHMS)[number][];
  /** The token's `typ`. */
  readonly type: string;
  /** The claim that lists the groups of whoever it is. */
  readonly groupsClaim: string;
}

/** Where people log in by OpenID Connect. */
export interface OidcIssuer {
  /** An URL, as the issuer has it in `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  /** The name of a secret that may go to `auth.oidc`. */
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  /** The claim that lists the groups of whoever it is; of the ID token, or of the issuer's userinfo. */
  readonly groupsClaim: string;
  /** What ID tokens are signed with. */
  readonly algorithm: (typeof ALGORITHMS)[number];
}

/** The plugin that says who somebody is. */
export interface AuthPlugin {
  readonly name: string;
  /** The groups into which it may put people, by name; into others it puts nobody. */
  readonly groups: readonly string[];
}

/** The destination that a secret needs to be the secret of `auth.oidc`. No plugin can send one there. */
export const LOGIN_DESTINATION = "auth.oidc";

export interface AuthOptions {
  /** `none`: whoever reaches a door of this machine may use what plugins offer. `required`: nobody without credentials. */
  readonly mode: "none" | "required";
  /** Roles of the operator's own, beside `viewer`, `operator` and `admin`. */
  readonly roles: Readonly<Record<string, readonly Grant[]>>;
  readonly limits: AuthLimits;
  readonly jwt: readonly JwtIssuer[];
  readonly oidc?: OidcIssuer | undefined;
  readonly plugin?: AuthPlugin | undefined;
  /** Services that whoever comes may call, without saying who he is. */
  readonly open: readonly string[];
  /** The roles of those who show a certificate, by its common name. */
  readonly certificates: Readonly<Record<string, readonly string[]>>;
  /** The roles of those whom others put into groups, by group. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

/** Throws HostError `invalid-message` for a resource that the permission does not have. */
export function compileRoleResource(permission: Permission, resource: string, effect?: Effect): Matcher {
  return OF_PRINCIPALS.includes(permission) ? compilePattern(resource) : compileResource(permission, resource, effect);
}

const grantSchema: z.ZodType<Grant> = z
  .strictObject({
    permission: z.enum(ROLE_PERMISSIONS as [Permission, ...Permission[]]),
    resource: z.string(),
    effect: z.enum(["allow", "deny"]).optional(),
  })
  .superRefine(({ permission, resource }, context) => {
    try {
      compileRoleResource(permission, resource);
    } catch (thrown) {
      context.addIssue({ code: "custom", path: ["resource"], message: toHostError(thrown).message });
    }
  });

/** Of a role, or of a token's scope. */
export const roleGrants: z.ZodType<readonly Grant[]> = z.array(grantSchema).max(MAX_GRANTS);

export const roleName: z.ZodType<string> = z
  .string()
  .regex(ROLE_NAME, "write 1 to 64 lower-case letters, digits or -, beginning with a letter");

const limitsSchema: z.ZodType<AuthLimits> = z.strictObject({
  callsAtOnce: z.int().positive().max(10_000).default(32),
  streamsAtOnce: z.int().positive().max(10_000).default(64),
  callsPerSecond: z.int().positive().max(1_000_000).default(1_000),
  failuresPerMinute: z.int().positive().max(10_000).default(20),
  loginFailures: z.int().positive().max(10_000).default(5),
});

const ALGORITHMS = ["EdDSA", "Ed25519", "ES256", "ES384", "RS256", "PS256"] as const;
/** Without TLS only from this machine. */
export const OF_THIS_MACHINE: RegExp = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/;
const jwtSchema: z.ZodType<JwtIssuer> = z.strictObject({
  issuer: z.string().min(1).max(512),
  audience: z.string().min(1).max(512),
  keys: z
    .string()
    .min(1)
    .max(1_024)
    .refine((keys) => !keys.startsWith("http:") || OF_THIS_MACHINE.test(keys), "write https, or a file with the keys"),
  algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(["EdDSA"]),
  type: z.string().min(1).max(64).default("at+jwt"),
  groupsClaim: z.string().min(1).max(128).default("groups"),
});

const oidcSchema: z.ZodType<OidcIssuer> = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(512)
    .refine((issuer) => issuer.startsWith("https:") || OF_THIS_MACHINE.test(issuer), "write https"),
  clientId: z.string().min(1).max(255),
  clientSecret: z.string().min(1).max(255),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, "write a scope, which has no space"))
    .max(32)
    .refine((scopes) => scopes.includes("openid"), "openid must be one of them")
    .default(["openid", "profile"]),
  groupsClaim: z.string().min(1).max(128).default("groups"),
  algorithm: z.enum(ALGORITHMS).default("RS256"),
});

const pluginSchema: z.ZodType<AuthPlugin> = z.strictObject({
  name: z.string().refine(isPluginName, "write the name of a plugin"),
  groups: z.array(z.string().min(1).max(256)).max(64),
});

/** Their grants are the host's own; see host/gate/roles.ts. */
const BUILT_IN_ROLES: readonly string[] = ["viewer", "operator", "admin"];

export const authSchema: z.ZodType<AuthOptions> = z
  .strictObject({
    mode: z.enum(["none", "required"]).default("none"),
    roles: z
      .record(roleName, roleGrants)
      .refine((roles) => Object.keys(roles).length <= MAX_ROLES, `write at most ${MAX_ROLES} roles`)
      .refine(
        (roles) => !Object.keys(roles).some((name) => BUILT_IN_ROLES.includes(name)),
        `${BUILT_IN_ROLES.join(", ")} are the host's own roles; give yours another name`,
      )
      .default({}),
    limits: limitsSchema.default(() => limitsSchema.parse({})),
    jwt: z
      .array(jwtSchema)
      .max(16)
      .refine((all) => new Set(all.map(({ issuer }) => issuer)).size === all.length, "name each issuer once")
      .default([]),
    oidc: oidcSchema.optional(),
    plugin: pluginSchema.optional(),
    open: z.array(z.string().refine(isDottedName, "write the name of a service")).max(64).default([]),
    certificates: z.record(z.string().min(1).max(64), z.array(roleName).max(16)).default({}),
    groups: z.record(z.string().min(1).max(256), z.array(roleName).max(16)).default({}),
  })
  .refine(
    ({ mode, plugin, open }) => mode === "required" || (plugin === undefined && open.length === 0),
    "plugin and open need mode required",
  );

/** Reads `services.call:devices.*`, as `--scope` has it. Throws HostError `invalid-message`. */
export function parseScope(text: string): Grant {
  const at = text.indexOf(":");
  const parsed = grantSchema.safeParse({ permission: text.slice(0, Math.max(at, 0)), resource: text.slice(at + 1) });
  if (at > 0 && parsed.success) return parsed.data;
  throw new HostError(
    "invalid-message",
    `"${printable(text)}" is no scope; write a permission and what it is about, such as services.call:devices.*`,
    { detail: `permissions are ${ROLE_PERMISSIONS.join(", ")}` },
  );
}
