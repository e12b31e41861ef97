// Deny by default: a plugin may do what its manifest asks for AND the operator granted and did not deny. Mechanism only; who stores
// grants and who asks people for them stands outside of the core.

import { HostError } from "./errors.ts";
import { isOwnName, type Matcher, printable } from "./names.ts";
import type { Effect, Grant, Permission } from "./types.ts";

export type Verdict = "allowed" | "denied" | "not-granted" | "not-requested";

export interface PermissionPorts {
  /** Compiles the pattern of a resource: a denial may match when in doubt, a grant only when certain. Throws HostError `invalid-message` for one that is not well-formed. */
  compile(permission: Permission, resource: string, effect: Effect): Matcher;
  /** Told of every check, with the resource as the plugin named it and the grants that speak of it. */
  onCheck(check: { plugin: string; permission: Permission; resource: string; verdict: Verdict; by: readonly Rule[] }): void;
}

/** A grant, compiled. */
export interface Rule {
  readonly grant: Grant;
  readonly matches: Matcher;
}

export function malformedResource(resource: string, remedy: string): HostError {
  return new HostError("invalid-message", `"${printable(resource)}" is no resource of this permission; ${remedy}`);
}

/** The permissions of one plugin. */
export class Permissions {
  readonly plugin: string;
  readonly #ports: PermissionPorts;
  readonly #requested: readonly Rule[];
  #granted: readonly Rule[];
  readonly #onChange = new Set<() => void>();

  /** Throws HostError `invalid-message` for a malformed pattern. */
  constructor(plugin: string, requested: readonly Grant[], granted: readonly Grant[], ports: PermissionPorts) {
    this.plugin = plugin;
    this.#ports = ports;
    this.#requested = this.#rules(requested);
    this.#granted = this.#rules(granted);
  }

  allows(permission: Permission, resource: string): boolean {
    return this.check(permission, resource) === "allowed";
  }

  /** Throws HostError `permission-denied`, saying what is missing and how to mend it. */
  require(permission: Permission, resource: string): void {
    const verdict = this.check(permission, resource);
    if (verdict === "allowed") return;
    const shown = printable(resource);
    const remedy = {
      denied: "the operator denied it",
      "not-requested": `its manifest does not ask for it: permissions needs ${permission} on ${shown}`,
      "not-granted": `"bulkhead grant ${this.plugin} ${permission} '${shown}'" allows it`,
    }[verdict];
    throw new HostError("permission-denied", `${this.plugin} has no permission ${permission} for ${shown}; ${remedy}`);
  }

  /** Throws HostError `permission-denied` when its manifest asks for nothing of the kind. */
  requireAny(permission: Permission): void {
    if (this.#requested.some(({ grant }) => grant.permission === permission)) return;
    throw new HostError("permission-denied", `${this.plugin} has no permission ${permission}; its manifest does not ask for it`);
  }

  /** Holds from the next check on, and ends guarded work that is no longer allowed. Throws like the constructor, and changes nothing then. */
  replaceGrants(granted: readonly Grant[]): void {
    this.#granted = this.#rules(granted);
    for (const listener of this.#onChange) listener();
  }

  /** Settles as `work` does, or rejects with what `check` throws after a change of the grants. */
  async guard<T>(work: Promise<T>, check: () => void): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const recheck = (): void => {
      try {
        check();
      } catch (denied) {
        reject(denied);
      }
    };
    this.#onChange.add(recheck);
    return Promise.race([work, promise]).finally(() => this.#onChange.delete(recheck));
  }

  #rules(grants: readonly Grant[]): readonly Rule[] {
    return grants.map((grant) => ({ grant, matches: this.#ports.compile(grant.permission, grant.resource, grant.effect ?? "allow") }));
  }

  check(permission: Permission, resource: string): Verdict {
    const applies = ({ grant, matches }: Rule): boolean => grant.permission === permission && matches(resource);
    const by = this.#granted.filter(applies);
    const isImplied = (permission === "events.publish" || permission === "extensions.ask") && isOwnName(this.plugin, resource);
    const verdict = this.#verdict(by, this.#requested.some(applies), isImplied);
    this.#ports.onCheck({ plugin: this.plugin, permission, resource, verdict, by });
    return verdict;
  }

  #verdict(granted: readonly Rule[], isRequested: boolean, isImplied: boolean): Verdict {
    if (granted.some(({ grant }) => grant.effect === "deny")) return "denied";
    if (isImplied) return "allowed";
    if (!isRequested) return "not-requested";
    return granted.length > 0 ? "allowed" : "not-granted";
  }
}
