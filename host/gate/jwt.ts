// Tokens that somebody else has made: JSON Web Tokens of the issuers that the operator names. Algorithm, issuer, audience and type are the operator's, never the
// token's.

import { readFile } from "node:fs/promises";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import { BoundedBytes } from "../bounds/bytes.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { JwtIssuer } from "../manifest/auth.ts";
import { type Identity, identified, prefixOf } from "./identity.ts";
import { REFRESH_MS, Refreshed } from "./refreshed.ts";

/** Somebody of whom an issuer has said who he is, until then. */
export interface Identified extends Identity {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

type Tell = (message: string, cause: unknown) => void;

/** What looks like one at all; it is cheaper to see than to check. */
const COMPACT = /^[A-Za-z0-9_-]{2,4096}\.[A-Za-z0-9_-]{2,12288}\.[A-Za-z0-9_-]{2,2048}$/;
const TOLERANCE_S = 5;
const MAX_KEYS_BYTES = 262_144;
const FETCH_MS = 5_000;
const KEYS_HOLD_MS = 600_000;

export class JwtIssuers {
  readonly #issuers: ReadonlyMap<string, Issuer>;

  /** `tell` is told of keys that cannot be had. */
  constructor(issuers: readonly JwtIssuer[], clock: Clock, tell: Tell) {
    this.#issuers = new Map(issuers.map((one) => [one.issuer, new Issuer(one, clock, tell)]));
  }

  /** Whether it says that it comes from one of them, which nobody has checked. */
  knows(token: string): boolean {
    return this.#issuers.size > 0 && COMPACT.test(token) && this.#issuers.has(issuerIn(token) ?? "");
  }

  /** Whose it is; undefined for nobody's. Rejects with HostError `plugin-not-running` when the issuer's keys cannot be had. */
  async check(token: string): Promise<Identified | undefined> {
    const issuer = this.#issuers.get(issuerIn(token) ?? "");
    return issuer?.check(token);
  }
}

/** What it says of itself, which chooses the keys that it is then checked with. */
function issuerIn(token: string): string | undefined {
  try {
    const { iss } = JSON.parse(Buffer.from(token.split(".", 2)[1] ?? "", "base64url").toString("utf8")) as { readonly iss?: unknown };
    return typeof iss === "string" ? iss : undefined;
  } catch {
    return undefined;
  }
}

class Issuer {
  readonly #of: JwtIssuer;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #options: JWTVerifyOptions;
  readonly #keys: Refreshed<Keys>;

  constructor(of: JwtIssuer, clock: Clock, tell: Tell) {
    this.#of = of;
    this.#clock = clock;
    this.#prefix = prefixOf("jwt", of.issuer);
    // The keys that were there before hold until others are.
    const failed = (cause: unknown): void => tell(`the keys of ${of.issuer} cannot be read (auth.jwt)`, cause);
    this.#keys = new Refreshed(clock, () => keysOf(of), failed);
    this.#options = {
      ...{ issuer: of.issuer, audience: of.audience, algorithms: [...of.algorithms], typ: of.type },
      ...{ clockTolerance: TOLERANCE_S, requiredClaims: ["sub", "exp"] },
    };
  }

  async check(token: string): Promise<Identified | undefined> {
    // Asked for again, but not at once, for a token that names a key that is not there.
    const claims = (await this.#verified(token, KEYS_HOLD_MS)) ?? (await this.#verified(token, REFRESH_MS));
    return claims === undefined || claims === "wrong" ? undefined : this.#identified(claims);
  }

  /** Undefined for one whose key is not there, which may be a new one. */
  async #verified(token: string, holdMs: number): Promise<JWTPayload | "wrong" | undefined> {
    const keys = await this.#keys.get(holdMs);
    if (keys === undefined)
      throw new HostError("plugin-not-running", `the keys of ${printable(this.#of.issuer)} cannot be had; the log has the cause`, {
        retryAfterMs: REFRESH_MS,
      });
    try {
      const currentDate = new Date(this.#clock.now());
      return (await jwtVerify(token, keys, { ...this.#options, currentDate })).payload;
    } catch (thrown) {
      return thrown instanceof errors.JWKSNoMatchingKey ? undefined : "wrong";
    }
  }

  #identified(claims: JWTPayload): Identified | undefined {
    const { sub, exp = 0 } = claims;
    const identity = identified(this.#prefix, sub, claims[this.#of.groupsClaim]);
    return identity && { ...identity, expiresAt: exp * 1_000 };
  }
}

type Keys = ReturnType<typeof createLocalJWKSet>;

async function keysOf({ keys }: JwtIssuer): Promise<Keys> {
  const text = /^https?:/.test(keys) ? await fetched(keys) : await readFile(keys, "utf8");
  return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
}

async function fetched(url: string): Promise<string> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const tooLarge = (): HostError => new HostError("quota-exceeded", `${url} answers more than ${MAX_KEYS_BYTES} bytes`);
  const bytes = new BoundedBytes({ maxBytes: MAX_KEYS_BYTES, tooLarge, sender: url });
  for await (const piece of response.body ?? []) bytes.add(piece);
  return bytes.take().toString("utf8");
}
