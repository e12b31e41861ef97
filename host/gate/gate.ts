// THE gate: whoever comes by a door is let in here or not, and whatever he does then is asked here, so that no door can forget a check or a limit.

import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Session, SessionStore } from "../admin/sessions.ts";
import { TOKEN_PREFIX, type TokenStore } from "../admin/tokens.ts";
import { type UserStore, userOfPrincipal } from "../admin/users.ts";
import { UNAUTHENTICATED } from "../bounds/error-answers.ts";
import { isLoopback } from "../bounds/loopback.ts";
import { HostError } from "../core/errors.ts";
import type { PermissionPorts } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { MaybePromise } from "../core/types.ts";
import { type AuthOptions, OPERATE, READ } from "../manifest/auth.ts";
import { ANONYMOUS_GRANTS, grantsOf, type RoleGrants, rolesOfGroups } from "../manifest/roles.ts";
import type { CalledFrom, Credentials, Principal } from "../seams.ts";
import { Accounts } from "./accounts.ts";
import { FailedAttempts, networkOf } from "./attempts.ts";
import type { Authenticator, Vouched } from "./authenticator.ts";
import { HeldPrincipals } from "./held.ts";
import { prefixOf } from "./identity.ts";
import { JwtIssuers } from "./jwt.ts";
import { KnownPrincipal } from "./known.ts";

export interface GatePorts {
  readonly clock: Clock;
  /** When it is made; see `reconfigure`. */
  readonly auth: AuthOptions;
  readonly tokens: Pick<TokenStore, "check" | "onRevoked">;
  readonly sessions: Pick<SessionStore, "check" | "onEnded" | "end">;
  /** The plugin that the operator has named for it, if any. */
  readonly authenticator?: Authenticator | undefined;
  readonly users: Pick<UserStore, "find">;
  /** Who runs the host, as the audit log names him. */
  readonly operator: string;
  /** Whether a service says of itself that it only reads. */
  isReadOnly(service: string): boolean;
  readonly tell: (message: string, cause: unknown) => void;
  /** Told of what is refused. */
  readonly onDenial: PermissionPorts["onCheck"];
}

const MINUTE_MS = 60_000;

export class Gate {
  readonly #ports: GatePorts;
  readonly #accounts: Accounts;
  #auth: AuthOptions;
  #attempts: FailedAttempts;
  readonly #operator: KnownPrincipal;
  readonly #anonymous: KnownPrincipal;
  /** What the operator starts and does not trust with what he may himself. */
  readonly #viewer: KnownPrincipal;
  /** By the token's name, as many as there are tokens at most; they end with it. */
  readonly #byToken = new Map<string, KnownPrincipal>();
  /** By the session's id; they end with it. */
  readonly #bySession = new Map<string, KnownPrincipal>();
  /** Those for whom somebody else stands, by the hash of what they showed or the id of their session: asking takes a hundred times as long as finding them here. */
  readonly #held: HeldPrincipals;
  /** As many as the configuration names. */
  readonly #byCertificate = new Map<string, KnownPrincipal>();
  readonly #issuers: JwtIssuers;
  /** Of each stream that is open: whose it is. */
  readonly #streaming = new Set<{ readonly principal: KnownPrincipal }>();
  readonly #undo: readonly (() => void)[];

  constructor(ports: GatePorts) {
    this.#ports = ports;
    const { clock, auth, tokens, sessions, operator, onDenial, tell } = ports;
    this.#issuers = new JwtIssuers(auth.jwt, clock, tell);
    this.#auth = auth;
    this.#accounts = new Accounts(clock, auth.limits);
    this.#attempts = attemptsFrom(clock, auth);
    // He can do with the host's files whatever he likes, and whoever may not say who he is cannot be told from him but by what he may do.
    this.#operator = new KnownPrincipal({ name: operator, bounds: [undefined] }, onDenial);
    this.#anonymous = new KnownPrincipal({ name: "anonymous", bounds: [ANONYMOUS_GRANTS] }, onDenial);
    this.#viewer = new KnownPrincipal({ name: "viewer", bounds: [grantsOf(["viewer"], auth)] }, onDenial);
    this.#held = new HeldPrincipals(clock, ({ name, groups, expiresAt }) =>
      this.#known(name, (by) => [grantsOf(rolesOfGroups(groups, by), by)], expiresAt),
    );
    this.#undo = [
      tokens.onRevoked((names) => forget(this.#byToken, names)),
      sessions.onEnded((ids) => {
        forget(this.#bySession, ids);
        for (const id of ids) this.#held.end(id);
      }),
    ];
  }

  /** Rejects with HostError `permission-denied` with the reason `unauthenticated`, `rate-limited` for an address that has failed too often. */
  async authenticate(credentials: Credentials): Promise<Principal> {
    switch (credentials.kind) {
      case "operator":
        return this.#operator;
      case "viewer":
        return this.#viewer;
      case "none":
        return this.#unnamed(credentials.from, credentials.service);
      case "bearer":
        return this.#bearer(credentials.token, credentials.from);
      case "certificate":
        return this.#certified(credentials.name, credentials.from);
      case "session":
        return this.#loggedIn(credentials.secret, credentials.from);
    }
  }

  /** Whether a door may listen there. Throws HostError `invalid-message` with what to write. */
  requireListenable(host: string): void {
    if (this.#auth.mode === "required" || isLoopback(host)) return;
    throw new HostError("invalid-message", `the host does not listen on ${host} as long as it asks nobody who he is`, {
      detail: [
        'write "auth": { "mode": "required" } in the configuration and make a token for whoever calls:',
        "  bulkhead token create my-client --role operator",
        `or let it listen on this machine only, with "host": "127.0.0.1"`,
      ].join("\n"),
    });
  }

  /** Needs `services.call`, or `services.read` for one that only reads. Throws HostError `permission-denied`. */
  requireCall(principal: KnownPrincipal, service: string): void {
    if (!this.mayCall(principal, service)) principal.require("services.call", service);
  }

  mayCall(principal: Principal, service: string): boolean {
    return principal.allows("services.call", service) || (this.#ports.isReadOnly(service) && principal.allows(READ, service));
  }

  /** Does the work as one of the calls that the principal has under way. Rejects with HostError `rate-limited`, and as the work does. */
  async within<T>(principal: KnownPrincipal, work: () => Promise<T>): Promise<T> {
    const ended = this.#accounts.beginCall(principal.account);
    try {
      // Those who never end need nobody to look.
      return await (principal === this.#anonymous || principal === this.#operator ? work() : principal.whileIn(work()));
    } finally {
      ended();
    }
  }

  /** Takes one of the principal's streams until it is undone, revoked or expired, of which `onEnd` tells. Throws HostError `rate-limited`. */
  openStream(principal: KnownPrincipal, onEnd: () => void): () => void {
    const free = this.#accounts.beginStream(principal.account);
    const { clock } = this.#ports;
    const { expiresAt } = principal;
    let isOpen = true;
    const stream = { principal };
    this.#streaming.add(stream);
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      forget();
      this.#streaming.delete(stream);
      cancel?.();
      free();
    };
    const over = (): void => {
      if (!isOpen) return;
      close();
      onEnd();
    };
    const forget = principal.onEnd(over);
    const cancel = expiresAt === undefined ? undefined : endAt(clock, expiresAt, over);
    return close;
  }

  requireOperation(principal: KnownPrincipal, operation: string): void {
    if (principal === this.#anonymous) throw principal.denied(OPERATE, `admin.${operation}`);
    principal.require(OPERATE, `admin.${operation}`);
    if (principal.authorities.length > 0 && handsOn(principal.name, operation))
      throw new HostError(
        "permission-denied",
        `${principal.name} may not ${operation}, by which somebody could have more than it has; the role admin can (docs/auth.md)`,
      );
  }

  close(): void {
    for (const undo of this.#undo) undo();
  }

  /**
   * From now on these roles, groups, certificates, open services and limits hold; `mode` and who issues what are as before. Whoever could do something else by
   * them has ended, and is let in anew.
   */
  reconfigure(auth: AuthOptions): void {
    const { mode, jwt, oidc, plugin, limits } = this.#auth;
    this.#auth = { ...auth, mode, jwt, oidc, plugin };
    if (!isDeepStrictEqual(limits, auth.limits)) {
      this.#accounts.limit(auth.limits);
      this.#attempts = attemptsFrom(this.#ports.clock, auth);
    }
    const isChanged = (principal: KnownPrincipal): boolean => principal.isChangedBy(this.#auth);
    for (const known of [this.#byToken, this.#bySession, this.#byCertificate])
      forget(
        known,
        [...known].flatMap(([key, principal]) => (isChanged(principal) ? [key] : [])),
      );
    this.#held.endWhere(isChanged);
    for (const { principal } of [...this.#streaming]) if (isChanged(principal)) principal.end();
  }

  #known(name: string, boundsBy: (auth: AuthOptions) => readonly RoleGrants[], expiresAt?: number): KnownPrincipal {
    return new KnownPrincipal({ name, bounds: boundsBy(this.#auth), boundsBy, expiresAt }, this.#ports.onDenial);
  }

  #unnamed({ address, isPassedOn }: CalledFrom, service?: string): Principal {
    const { onDenial } = this.#ports;
    const auth = this.#auth;
    // Loopback is no identity: it is only where nobody else can be.
    if (auth.mode === "none" && address !== undefined && !isPassedOn && isLoopback(address)) return this.#anonymous;
    if (service !== undefined && auth.open.includes(service)) {
      const bounds = [[{ permission: "services.call", resource: service }]] as const;
      // Each counts by where he comes from, so that one does not keep out all others.
      return new KnownPrincipal({ name: "visitor", account: `visitor ${networkOf(address ?? "")}`, bounds }, onDenial);
    }
    throw unknown('say who you are: send a token as Authorization: Bearer …; "bulkhead token create" makes one');
  }

  #bearer(token: string, from: CalledFrom): MaybePromise<Principal> {
    if (this.#issuers.knows(token)) return this.#vouched(token, from, () => this.#issuers.check(token));
    // Where nobody has to say who he is, what is none of ours is between a plugin and whoever calls it.
    if (this.#auth.mode === "none" && !token.startsWith(TOKEN_PREFIX)) return this.#unnamed(from);
    const { authenticator } = this.#ports;
    // The host's own tokens go to nobody.
    if (authenticator?.takes("bearer") === true && !token.startsWith(TOKEN_PREFIX))
      return this.#vouched(token, from, () => authenticator.byToken(token, from));
    const checked = this.#ports.tokens.check(token);
    if (checked === undefined) throw this.#nobodys(from);
    const remembered = this.#byToken.get(checked.name);
    if (remembered !== undefined && !remembered.hasEnded) return remembered;
    const { name, line, expiresAt } = checked;
    const boundsBy = (auth: AuthOptions): RoleGrants[] =>
      line.flatMap(({ roles, scopes }) => [grantsOf(roles, auth), ...(scopes.length === 0 ? [] : [scopes])]);
    const principal = this.#known(`token:${name}`, boundsBy, expiresAt);
    this.#byToken.set(checked.name, principal);
    return principal;
  }

  #certified(name: string, from: CalledFrom): Principal {
    // Signed by the right authority, and yet of nobody whom the operator knows.
    if (!Object.hasOwn(this.#auth.certificates, name)) throw this.#nobodys(from);
    const boundsBy = (auth: AuthOptions): RoleGrants[] => [grantsOf(own(auth.certificates, name), auth)];
    const known = this.#byCertificate.get(name) ?? this.#known(`cert:${name}`, boundsBy);
    this.#byCertificate.set(name, known);
    return known;
  }

  /** What somebody else says of a token, which holds for a moment. */
  async #vouched(token: string, from: CalledFrom, check: () => Promise<Vouched | undefined>): Promise<Principal> {
    const hash = createHash("sha256").update(token).digest("base64");
    const known = this.#held.find(hash);
    if (known !== undefined) return known;
    this.#attempts.require(networkOf(from.address ?? ""));
    const who = await check();
    if (who !== undefined) return this.#held.hold(hash, who, rolesOfGroups(who.groups, this.#auth));
    this.#held.end(hash);
    throw this.#nobodys(from);
  }

  /** Throws HostError `rate-limited` for an address that shows such too often. */
  #nobodys({ address }: CalledFrom): HostError {
    this.#attempts.count(networkOf(address ?? ""));
    return unknown("what was shown is nobody's: it is none, was revoked or has expired, or its roles stand nowhere (docs/auth.md)");
  }

  #loggedIn(secret: string, from: CalledFrom): MaybePromise<Principal> {
    const { sessions, authenticator } = this.#ports;
    const session = sessions.check(secret);
    // One that is over comes by itself from whoever has not looked for an hour, so it is nobody's fault.
    if (session === undefined) return this.#unnamed(from);
    if (authenticator !== undefined && session.principal.startsWith(authenticator.prefix))
      return this.#stillThere(session, secret, from, authenticator);
    const remembered = this.#bySession.get(session.id);
    if (remembered !== undefined) return remembered;
    const boundsBy = (auth: AuthOptions): RoleGrants[] => [grantsOf(this.#rolesOf(session, auth), auth)];
    const principal = this.#known(session.principal, boundsBy, session.expiresAt);
    this.#bySession.set(session.id, principal);
    return principal;
  }

  /** Who logged in by the plugin's word: it is asked again from time to time, and what it takes back ends the session. */
  async #stillThere(session: Session, secret: string, from: CalledFrom, authenticator: Authenticator): Promise<Principal> {
    const { sessions } = this.#ports;
    const known = this.#held.find(session.id);
    if (known !== undefined) return known;
    const who = await authenticator.again(session.principal, from);
    if (who?.name === session.principal)
      return this.#held.hold(session.id, { ...who, expiresAt: session.expiresAt }, rolesOfGroups(who.groups, this.#auth));
    sessions.end(secret);
    return this.#unnamed(from);
  }

  #rolesOf({ principal, groups }: Session, auth: AuthOptions): readonly string[] {
    const { users } = this.#ports;
    // Of an issuer that the operator has taken out since, nobody's word counts.
    const isOurs = auth.oidc !== undefined && principal.startsWith(prefixOf("oidc", auth.oidc.issuer));
    if (groups !== undefined) return isOurs ? rolesOfGroups(groups, auth) : [];
    return users.find(userOfPrincipal(principal) ?? "")?.roles ?? [];
  }
}

const own = (rolesOf: AuthOptions["certificates"], name: string): readonly string[] =>
  Object.hasOwn(rolesOf, name) ? (rolesOf[name] ?? []) : [];

function attemptsFrom(clock: Clock, { limits: { failuresPerMinute } }: AuthOptions): FailedAttempts {
  const limit = `the limit is ${failuresPerMinute} a minute (auth.limits.failuresPerMinute)`;
  return new FailedAttempts(clock, {
    count: failuresPerMinute,
    intervalMs: MINUTE_MS,
    words: (network) => [`the address ${network}`, `showed too often what is nobody's; ${limit}`],
  });
}

function forget(known: Map<string, KnownPrincipal>, keys: Iterable<string>): void {
  for (const key of keys) {
    known.get(key)?.end();
    known.delete(key);
  }
}

/** By which somebody comes to have roles, or all that the host has. */
const HANDING_ON: ReadonlySet<string> = new Set(["add-user", "set-password", "set-user-roles", "create-backup"]);
/** Those whose tokens never have more than they. */
const BINDING = /^(token|account):/;
const handsOn = (name: string, operation: string): boolean =>
  HANDING_ON.has(operation) || (operation === "create-token" && !BINDING.test(name));

const unknown = (message: string): HostError => new HostError("permission-denied", message, { reason: UNAUTHENTICATED });

/** A clock that jumps ahead is noticed so soon. */
const MAX_WAIT_MS = 60_000;

/** Never before it has answered, also when the time is up. */
function endAt(clock: Clock, at: number, end: () => void): () => void {
  const wait = (): (() => void) => clock.after(Math.min(Math.max(0, at - clock.now()), MAX_WAIT_MS), look);
  const look = (): void => {
    if (clock.now() >= at) end();
    else cancel = wait();
  };
  let cancel = wait();
  return () => cancel();
}
