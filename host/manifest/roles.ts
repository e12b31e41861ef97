// What a role may do. Three come with the host, the operator's own stand in the configuration.

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Grant } from "../core/types.ts";
import { type AuthOptions, OPERATE, READ } from "./auth.ts";

const grant = (permission: string, resource: string): Grant => ({ permission, resource });

/** Operations that show and change nothing. */
const SHOWING = [
  ...["list", "info", "schedules", "outdated", "permissions", "report", "installations", "blocks", "schemas", "tools"],
  ...["metrics", "top", "services", "events-use", "traces", "log-levels", "records"],
];
/** Operations that keep a host going, and give nobody more than he has. */
const RUNNING = [
  ...["start", "stop", "restart", "release", "audit", "verify", "secrets", "keys", "tokens", "users", "unload"],
  ...["logs", "set-log-level"],
];

const EVERYBODY_WORKING: readonly Grant[] = ["services.call", "events.publish", "events.subscribe"].map((one) => grant(one, "**"));
const operations = (names: readonly string[]): Grant[] => names.map((name) => grant(OPERATE, `admin.${name}`));

/** Undefined: whatever there is. */
export type RoleGrants = readonly Grant[] | undefined;

const BUILT_IN: Readonly<Record<string, RoleGrants>> = {
  viewer: [grant(READ, "**"), grant("events.subscribe", "**"), ...operations(SHOWING)],
  operator: [...EVERYBODY_WORKING, ...operations([...SHOWING, ...RUNNING])],
  admin: undefined,
};

/** Whoever reaches a door of this machine where nobody has to say who he is: calls, publishes and listens, and never operates the host. */
export const ANONYMOUS_GRANTS: readonly Grant[] = EVERYBODY_WORKING;

const isRole = (name: string, { roles }: Pick<AuthOptions, "roles">): boolean =>
  Object.hasOwn(BUILT_IN, name) || Object.hasOwn(roles, name);

/** Of several roles together. A role that is not there any more gives nothing. */
export function grantsOf(names: readonly string[], { roles }: Pick<AuthOptions, "roles">): RoleGrants {
  if (names.includes("admin")) return undefined;
  return names.flatMap(
    (name) => (Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : Object.hasOwn(roles, name) ? roles[name] : undefined) ?? [],
  );
}

/** Of somebody whom others have put into groups: those that the operator gives to these. */
export const rolesOfGroups = (names: readonly string[], { groups }: Pick<AuthOptions, "groups">): readonly string[] =>
  names.flatMap((name) => (Object.hasOwn(groups, name) ? (groups[name] ?? []) : []));

/** Throws HostError `invalid-message` for a role that there is not. */
export function requireRoles(names: readonly string[], auth: Pick<AuthOptions, "roles">): void {
  const unknown = names.find((name) => !isRole(name, auth));
  if (unknown === undefined) return;
  const known = [...Object.keys(BUILT_IN), ...Object.keys(auth.roles)].join(", ");
  throw new HostError("invalid-message", `"${printable(unknown)}" is no role; there are ${known} (auth.roles)`);
}
