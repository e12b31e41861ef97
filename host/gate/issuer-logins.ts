// Logins that have begun at the issuer and not come back: so many, for so long, and each for the one browser that began it and for one return.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { UNAUTHENTICATED } from "../bounds/error-answers.ts";
import { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { AuthOptions } from "../manifest/auth.ts";
import { rolesOfGroups } from "../manifest/roles.ts";
import type { IssuerLogins } from "../seams.ts";
import { networkOf, tooMany } from "./attempts.ts";
import type { Identity } from "./identity.ts";
import type { IssuerClient, LoginChecks } from "./issuer-client.ts";

export interface IssuerLoginsPorts {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Asked at each login. */
  auth(): Pick<AuthOptions, "groups">;
  readonly client: IssuerClient;
}

interface Pending {
  readonly checks: LoginChecks;
  readonly redirectUri: string;
  /** SHA-256. */
  readonly binding: Buffer;
  readonly network: string;
  /** On the monotonic clock. */
  readonly until: number;
}

export const MAX_PENDING = 1_024;
export const MAX_OF_NETWORK = 128;
export const PENDING_MS = 600_000;
const BINDING_BYTES = 32;

const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();
const nobody = (message: string): HostError => new HostError("permission-denied", message, { reason: UNAUTHENTICATED });

export class IssuerDesk {
  readonly #ports: IssuerLoginsPorts;
  /** By their state, oldest first. */
  readonly #pending = new Map<string, Pending>();

  constructor(ports: IssuerLoginsPorts) {
    this.#ports = ports;
  }

  async begin({ redirectUri, from }: Parameters<IssuerLogins["begin"]>[0]): ReturnType<IssuerLogins["begin"]> {
    const network = networkOf(from.address ?? "");
    this.#requireRoom(network);
    const { location, checks } = await this.#ports.client.ask(redirectUri);
    // Others may have begun meanwhile.
    this.#requireRoom(network);
    const binding = randomBytes(BINDING_BYTES).toString("base64url");
    const until = this.#ports.clock.monotonicMs() + PENDING_MS;
    this.#pending.set(checks.state, { checks, redirectUri, binding: hashOf(binding), network, until });
    return { location, binding };
  }

  /** Rejects as `IssuerLogins.finish` does, and with `permission-denied` for one whose groups give him nothing. */
  async finish({ query, binding = "" }: Parameters<IssuerLogins["finish"]>[0]): Promise<Identity> {
    const returned = new URLSearchParams(query);
    const [state = "", ...more] = returned.getAll("state");
    const pending = more.length === 0 ? this.#pending.get(state) : undefined;
    // Whatever comes of it: it has come back.
    this.#pending.delete(state);
    if (pending === undefined || this.#ports.clock.monotonicMs() >= pending.until)
      throw nobody("this login did not begin here, has come back before, or took longer than ten minutes; begin again");
    if (!timingSafeEqual(hashOf(binding), pending.binding)) throw nobody("this login began in another browser; begin again in this one");
    const address = new URL(pending.redirectUri);
    address.search = returned.toString();
    const { name, groups } = await this.#ports.client.answered(address, pending.checks);
    const auth = this.#ports.auth();
    const named = groups.filter((group) => Object.hasOwn(auth.groups, group));
    if (rolesOfGroups(named, auth).length === 0)
      throw new HostError("permission-denied", "none of your groups has a role here; the operator gives them some (auth.groups)");
    return { name, groups: named };
  }

  #requireRoom(network: string): void {
    const now = this.#ports.clock.monotonicMs();
    for (const [state, { until }] of this.#pending) if (until <= now) this.#pending.delete(state);
    const own = [...this.#pending.values()].filter((one) => one.network === network);
    if (this.#pending.size < MAX_PENDING && own.length < MAX_OF_NETWORK) return;
    const [first] = own.length < MAX_OF_NETWORK ? this.#pending.values() : own;
    const waitMs = Math.ceil((first?.until ?? now) - now);
    throw tooMany(
      `the address ${network}`,
      `cannot begin a login: too many have begun and not come back (${MAX_OF_NETWORK} of one address, ${MAX_PENDING} in all)`,
      waitMs,
    );
  }
}
