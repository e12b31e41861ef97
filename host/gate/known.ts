// Somebody whom the gate has let in. A door can hold one and hand it back, and cannot make one.

import { isDeepStrictEqual } from "node:util";
import { ByNumber } from "../bounds/by-number.ts";
import { UNAUTHENTICATED } from "../bounds/error-answers.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { type PermissionPorts, Permissions } from "../core/permissions.ts";
import type { Permission } from "../core/types.ts";
import { type AuthOptions, compileRoleResource } from "../manifest/auth.ts";
import type { RoleGrants } from "../manifest/roles.ts";
import type { Principal } from "../seams.ts";

/** A grant that anybody has who is bound by none. */
type Bound = Exclude<RoleGrants, undefined>;

export interface Known {
  readonly name: string;
  /** By whom his calls are counted; by his name if absent. */
  readonly account?: string | undefined;
  /** Each of them must allow what is asked; one that is undefined allows everything. */
  readonly bounds: readonly RoleGrants[];
  /** What they would be by other roles; absent for one whom roles do not bind. */
  readonly boundsBy?: ((auth: AuthOptions) => readonly RoleGrants[]) | undefined;
  /** Milliseconds since 1970; undefined for one who stays. */
  readonly expiresAt?: number | undefined;
}

export class KnownPrincipal implements Principal {
  readonly name: string;
  readonly account: string;
  readonly expiresAt: number | undefined;
  /** What a turn with this one's authority needs too. */
  readonly authorities: readonly Permissions[];
  /** The same for the gate, which asks in more than one way before it refuses. */
  readonly #own: readonly Permissions[];
  readonly #onDenial: PermissionPorts["onCheck"];
  readonly #onEnd = new ByNumber<() => void>();
  #listeners = 0;
  readonly #known: Known;
  #hasEnded = false;

  /** `onDenial` is told of what is refused. */
  constructor(known: Known, onDenial: PermissionPorts["onCheck"]) {
    const { name, account = name, bounds, expiresAt } = known;
    this.#known = known;
    this.name = name;
    this.account = account;
    this.expiresAt = expiresAt;
    this.#onDenial = onDenial;
    const permissionsOf = (onCheck: PermissionPorts["onCheck"]): Permissions[] =>
      bounds
        .filter((grants): grants is Bound => grants !== undefined)
        .map((grants) => new Permissions(name, grants, grants, { compile: compileRoleResource, onCheck }));
    this.authorities = permissionsOf((check) => {
      if (check.verdict !== "allowed") onDenial(check);
    });
    this.#own = permissionsOf(() => {});
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  allows(permission: Permission, resource: string): boolean {
    return !this.#hasEnded && this.#own.every((one) => one.allows(permission, resource));
  }

  /** Throws HostError `permission-denied`. */
  require(permission: Permission, resource: string): void {
    if (this.allows(permission, resource)) return;
    throw this.#hasEnded ? this.#ended() : this.denied(permission, resource);
  }

  denied(permission: Permission, resource: string): HostError {
    this.#onDenial({ plugin: this.name, permission, resource, verdict: "not-granted", by: [] });
    const what = `${permission} ${printable(resource)}`;
    return new HostError(
      "permission-denied",
      `${this.name} may not ${what}; a role or a token with ${permission} for it can (docs/auth.md)`,
    );
  }

  /** Whether it could do more, less or something else by these roles. */
  isChangedBy(auth: AuthOptions): boolean {
    const { bounds, boundsBy } = this.#known;
    return boundsBy !== undefined && !isDeepStrictEqual(boundsBy(auth), bounds);
  }

  /** Tells when it is over; returns its undo. */
  onEnd(listener: () => void): () => void {
    const id = ++this.#listeners;
    this.#onEnd.set(id, listener);
    return () => this.#onEnd.delete(id);
  }

  /** From now on it may nothing, and what goes on for it ends. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const one of this.authorities) one.replaceGrants([]);
    for (const listener of this.#onEnd.values()) listener();
    this.#onEnd.clear();
  }

  /** Settles as `work` does, or rejects with `permission-denied` once it is over. */
  whileIn<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const undo = this.onEnd(() => reject(this.#ended()));
      work.then(
        (value) => {
          undo();
          resolve(value);
        },
        (thrown: unknown) => {
          undo();
          reject(thrown);
        },
      );
    });
  }

  #ended(): HostError {
    return new HostError("permission-denied", `${this.name} has been revoked or has expired`, { reason: UNAUTHENTICATED });
  }

  /** The one that the gate let in. Throws HostError `internal` for one that somebody else made. */
  static of(principal: Principal): KnownPrincipal {
    if (principal instanceof KnownPrincipal && #hasEnded in principal) return principal;
    throw new HostError("internal", `${printable(principal.name)} was not let in by the gate; ask AdapterContext.authenticate for it`);
  }
}
