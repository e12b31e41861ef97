// What operators granted and denied at run time, on top of the configuration. A denial wins over any grant.

import { isDeepStrictEqual } from "node:util";
import type { Database as Connection } from "better-sqlite3";
import type { Clock } from "../core/ports/clock.ts";
import type { Grant, Permission } from "../core/types.ts";

export interface StoredGrant extends Grant {
  readonly effect: "allow" | "deny";
  /** Gone when the host starts the next time. */
  readonly untilRestart: boolean;
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly reason: string;
}

export interface GrantRequest {
  readonly plugin: string;
  readonly permission: Permission;
  readonly resource: string;
  readonly untilRestart?: boolean | undefined;
  readonly by: string;
  readonly reason?: string | undefined;
}

/** What stood about a resource before something else was granted, and what stood after that. */
export interface ReplacedGrant extends Pick<Grant, "permission" | "resource"> {
  readonly stored: readonly StoredGrant[];
  readonly left: readonly StoredGrant[];
}

interface Row {
  readonly permission: Permission;
  readonly resource: string;
  readonly effect: "allow" | "deny";
  readonly until_restart: number;
  readonly granted_by: string;
  readonly granted_at: string;
  readonly reason: string;
}

export class GrantStore {
  readonly #connection: Connection;
  readonly #clock: Clock;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  list(plugin: string): StoredGrant[] {
    const rows = this.#connection
      .prepare<[string], Row>("SELECT * FROM grants WHERE plugin = ? ORDER BY permission, resource, effect")
      .all(plugin);
    return rows.map(({ permission, resource, effect, until_restart, granted_by, granted_at, reason }) => ({
      permission,
      resource,
      effect,
      untilRestart: until_restart === 1,
      by: granted_by,
      at: granted_at,
      reason,
    }));
  }

  /** Grants, and lifts a denial of the same resource. */
  allow(request: GrantRequest): void {
    this.#connection.transaction(() => {
      this.#delete(request, "deny");
      this.#put(request, "allow");
    })();
  }

  /** Takes a grant away; denies the resource as well when something else could still allow it. */
  revoke(request: GrantRequest, elsewhere: readonly Grant[]): void {
    this.#connection.transaction(() => {
      this.#delete(request, "allow");
      const others = [...elsewhere, ...this.list(request.plugin)];
      if (others.some(({ permission, effect }) => permission === request.permission && effect !== "deny")) this.#put(request, "deny");
    })();
  }

  /** Does what changes the grants of these resources, and answers what `restore` needs to undo it. */
  replace(plugin: string, resources: readonly Pick<Grant, "permission" | "resource">[], change: () => void): ReplacedGrant[] {
    const before = resources.map((resource) => ({ ...resource, stored: this.#about(plugin, resource) }));
    change();
    return before.map(({ permission, resource, stored }) => ({
      permission,
      resource,
      stored,
      left: this.#about(plugin, { permission, resource }),
    }));
  }

  /** Puts back what stood before, where nothing was granted or revoked since; answers which resources those are. */
  restore(plugin: string, replaced: readonly ReplacedGrant[]): Pick<Grant, "permission" | "resource">[] {
    const untouched = replaced.filter((one) => isDeepStrictEqual(this.#about(plugin, one), one.left));
    for (const { permission, resource, stored } of untouched) {
      for (const effect of ["allow", "deny"] as const) this.#delete({ plugin, permission, resource, by: "" }, effect);
      for (const { effect, at, ...rest } of stored) this.#put({ plugin, ...rest }, effect, at);
    }
    return untouched.map(({ permission, resource }) => ({ permission, resource }));
  }

  #about(plugin: string, { permission, resource }: Pick<Grant, "permission" | "resource">): StoredGrant[] {
    return this.list(plugin).filter((stored) => stored.permission === permission && stored.resource === resource);
  }

  /** Forgets all of a plugin. */
  forget(plugin: string): void {
    this.#connection.prepare("DELETE FROM grants WHERE plugin = ?").run(plugin);
  }

  /** Called when the host starts. */
  dropUntilRestart(): void {
    this.#connection.prepare("DELETE FROM grants WHERE until_restart = 1").run();
  }

  #put(
    { plugin, permission, resource, untilRestart = false, by, reason = "" }: GrantRequest,
    effect: "allow" | "deny",
    at: string = new Date(this.#clock.now()).toISOString(),
  ): void {
    this.#connection
      .prepare("INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .run(plugin, permission, resource, effect, untilRestart ? 1 : 0, by, at, reason);
  }

  #delete({ plugin, permission, resource }: GrantRequest, effect: "allow" | "deny"): void {
    this.#connection
      .prepare("DELETE FROM grants WHERE plugin = ? AND permission = ? AND resource = ? AND effect = ?")
      .run(plugin, permission, resource, effect);
  }
}
