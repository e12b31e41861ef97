// Tokens that somebody else has made: JSON Web Tokens of the issuers that the operator names. Algorithm, issuer, audience and type are the operator's, never the
// token's.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import { BoundedBytes } from "../bounds/bytes.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { JwtIssuer } from "../manifest/auth.ts";

/** Somebody of whom an issuer has said who he is. */
export interface Identified {
  /** Such as `jwt:4f2a61b3/ada`: the issuer by its hash, and its own word for him. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

type Tell = (message: string, cause: unknown) => void;

/** What looks like one at all; it is cheaper to see than to check. */
const COMPACT = /^[A-Za-z0-9_-]{2,4096}\.[A-Za-z0-9_-]{2,12288}\.[A-Za-z0-9_-]{2,2048}$/;
const MAX_SUBJECT_LENGTH = 255;
const MAX_GROUPS = 256;
const TOLERANCE_S = 5;
const MAX_KEYS_BYTES = 262_144;
const FETCH_MS = 5_000;
/** Keys are asked for again this often at most, also for a token that names one that is not there. */
const REFRESH_MS = 30_000;
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
  readonly #tell: Tell;
  readonly #prefix: string;
  readonly #options: JWTVerifyOptions;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(of: JwtIssuer, clock: Clock, tell: Tell) {
    this.#of = of;
    this.#clock = clock;
    this.#tell = tell;
    this.#prefix = `jwt:${createHash("sha256").update(of.issuer).digest("hex").slice(0, 8)}/`;
    this.#options = {
      ...{ issuer: of.issuer, audience: of.audience, algorithms: [...of.algorithms], typ: of.type },
      ...{ clockTolerance: TOLERANCE_S, requiredClaims: ["sub", "exp"] },
    };
  }

  async check(token: string): Promise<Identified | undefined> {
    await this.#haveKeys(KEYS_HOLD_MS);
    const claims = (await this.#verified(token)) ?? (await this.#haveKeys(REFRESH_MS).then(() => this.#verified(token)));
    return claims === undefined || claims === "wrong" ? undefined : this.#identified(claims);
  }

  /** Undefined for one whose key is not there, which may be a new one. */
  async #verified(token: string): Promise<JWTPayload | "wrong" | undefined> {
    const keys = this.#keys;
    if (keys === undefined) return undefined;
    try {
      const currentDate = new Date(this.#clock.now());
      return (await jwtVerify(token, keys, { ...this.#options, currentDate })).payload;
    } catch (thrown) {
      return thrown instanceof errors.JWKSNoMatchingKey ? undefined : "wrong";
    }
  }

  #identified(claims: JWTPayload): Identified | undefined {
    const { sub = "", exp = 0 } = claims;
    const given = claims[this.#of.groupsClaim];
    const groups = Array.isArray(given) ? given.slice(0, MAX_GROUPS).filter((one) => typeof one === "string") : [];
    if (sub === "" || sub.length > MAX_SUBJECT_LENGTH || printable(sub.slice(0, 80)) !== sub.slice(0, 80)) return undefined;
    return { name: this.#prefix + sub, groups, expiresAt: exp * 1_000 };
  }

  /** Asks for the keys unless they were asked for within so many milliseconds. Rejects when there are none at all. */
  async #haveKeys(holdMs: number): Promise<void> {
    const isOld = this.#clock.monotonicMs() - this.#askedAt >= (this.#keys === undefined ? REFRESH_MS : holdMs);
    if (isOld) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
    }
    await this.#asking;
    if (this.#keys !== undefined) return;
    throw new HostError("plugin-not-running", `the keys of ${printable(this.#of.issuer)} cannot be had; the log has the cause`, {
      retryAfterMs: REFRESH_MS,
    });
  }

  async #ask(): Promise<void> {
    this.#askedAt = this.#clock.monotonicMs();
    try {
      const { keys } = this.#of;
      const text = /^https?:/.test(keys) ? await fetched(keys) : await readFile(keys, "utf8");
      this.#keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    } catch (cause) {
      // The keys that were there before hold until others are.
      this.#tell(`the keys of ${this.#of.issuer} cannot be read (auth.jwt)`, cause);
    }
  }
}

async function fetched(url: string): Promise<string> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const tooLarge = (): HostError => new HostError("quota-exceeded", `${url} answers more than ${MAX_KEYS_BYTES} bytes`);
  const bytes = new BoundedBytes({ maxBytes: MAX_KEYS_BYTES, tooLarge, sender: url });
  for await (const piece of response.body ?? []) bytes.add(piece);
  return bytes.take().toString("utf8");
}
