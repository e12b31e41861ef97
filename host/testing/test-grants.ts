// The grants of a plugin under test, which a test changes while the plugin runs.

import { HostError } from "../core/errors.ts";
import { isOwnName, printable } from "../core/names.ts";
import type { Grant, Permission } from "../core/types.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { overlaps } from "../manifest/resources.ts";

/**
 * A denial wins over every grant; granting the very resource that was denied lifts the denial. Throws HostError `invalid-message` for what the
 * manifest does not ask for: it would change nothing, so it is a slip of the test.
 */
export class TestGrants {
  readonly #manifest: Manifest;
  #grants: readonly Grant[];

  constructor(manifest: Manifest, grants: "all" | readonly Grant[]) {
    this.#manifest = manifest;
    this.#grants = grants === "all" ? manifest.permissions : grants;
    for (const grant of this.#grants) this.#requireAsked(grant);
  }

  get all(): readonly Grant[] {
    return this.#grants;
  }

  /** Takes the place of what was said of this very resource. */
  add(grant: Grant): void {
    this.#requireAsked(grant);
    const others = this.#grants.filter(({ permission, resource }) => permission !== grant.permission || resource !== grant.resource);
    this.#grants = [...others, grant];
  }

  #requireAsked({ permission, resource }: Grant): void {
    const { name, permissions } = this.#manifest;
    if (this.#isAsked(permission, resource) || (permission === "events.publish" && isOwnName(name, resource))) return;
    const asked = permissions.map((request) => `${request.permission} ${request.resource}`).join(", ") || "nothing";
    throw new HostError(
      "invalid-message",
      `plugin.json of ${name} does not ask for ${permission} on ${printable(resource)}; it asks for ${asked}`,
    );
  }

  #isAsked(permission: Permission, resource: string): boolean {
    return this.#manifest.permissions.some(
      (request) => request.permission === permission && overlaps(permission, request.resource, resource),
    );
  }
}
