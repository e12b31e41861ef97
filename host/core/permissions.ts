// Deny by default: a plugin may do what its manifest asks for AND the operator granted. Mechanism only; who stores
// grants and who asks people for them stands outside of the core.

import { HostError } from "./errors.ts";
import { compilePattern, isOwnName, type Matcher, printable } from "./names.ts";

export const PERMISSIONS = ["events.publish", "events.subscribe", "services.call", "state.read", "state.write"] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What the operator gave: `resource` is a pattern of event types, service names or state keys. */
export interface Grant {
  readonly permission: Permission;
  readonly resource: string;
}

/** What the manifest asks for, with the author's reason. */
export interface PermissionRequest extends Grant {
  readonly reason: string;
}

interface Rule {
  readonly permission: Permission;
  readonly matches: Matcher;
}

const compile = (grants: readonly Grant[]): readonly Rule[] =>
  grants.map((grant) => ({ permission: grant.permission, matches: compilePattern(grant.resource) }));

const allowedBy = (rules: readonly Rule[], permission: Permission, resource: string): boolean =>
  rules.some((rule) => rule.permission === permission && rule.matches(resource));

/** The permissions of one plugin. Throws HostError `invalid-message` for a malformed pattern. */
export class Permissions {
  readonly #plugin: string;
  readonly #requested: readonly Rule[];
  readonly #granted: readonly Rule[];

  constructor(plugin: string, requested: readonly Grant[], granted: readonly Grant[]) {
    this.#plugin = plugin;
    this.#requested = compile(requested);
    this.#granted = compile(granted);
  }

  allows(permission: Permission, resource: string): boolean {
    if (permission === "events.publish" && isOwnName(this.#plugin, resource)) return true;
    return allowedBy(this.#requested, permission, resource) && allowedBy(this.#granted, permission, resource);
  }

  /** Throws HostError `permission-denied`, saying whether the manifest or the grant is missing and how to mend it. */
  require(permission: Permission, resource: string): void {
    if (this.allows(permission, resource)) return;
    const shown = printable(resource);
    const remedy = allowedBy(this.#requested, permission, resource)
      ? `grant it in the configuration: plugins.${this.#plugin}.grants needs {"permission": "${permission}", "resource": "${shown}"}`
      : `its manifest does not ask for it: permissions needs ${permission} on ${shown}`;
    throw new HostError("permission-denied", `${this.#plugin} has no permission ${permission} for ${shown}; ${remedy}`);
  }
}
