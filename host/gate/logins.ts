// Where people log in: by name and password, of which so many may be wrong, or at an issuer. Whoever is right gets a session, by which the gate knows him then.

import type { AccountPasswords } from "../admin/account-passwords.ts";
import type { Actor, AuditLog } from "../admin/audit.ts";
import type { SessionStore } from "../admin/sessions.ts";
import { principalOfUser, type User, type UserStore } from "../admin/users.ts";
import { UNAUTHENTICATED } from "../bounds/error-answers.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { PermissionPorts } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { AuthOptions } from "../manifest/auth.ts";
import type { CalledFrom, IssuerLogins, Logins, OpenedSession } from "../seams.ts";
import { FailedAttempts, networkOf } from "./attempts.ts";
import type { Authenticator } from "./authenticator.ts";
import type { IssuerClient } from "./issuer-client.ts";
import { IssuerDesk } from "./issuer-logins.ts";

export interface LoginPorts {
  readonly clock: Clock;
  /** Undefined where the configuration has no `auth.plugin`. */
  readonly authenticator?: Authenticator | undefined;
  /** Undefined where the configuration has no `auth.oidc`. */
  readonly issuer: IssuerClient | undefined;
  /** When it is made; see `reconfigure`. */
  readonly auth: AuthOptions;
  readonly users: Pick<UserStore, "find">;
  readonly sessions: Pick<SessionStore, "open" | "end">;
  readonly passwords: Pick<AccountPasswords, "verify">;
  readonly audit: Pick<AuditLog, "append">;
  /** Told of whoever was refused; it bounds what it keeps. */
  readonly onDenial: PermissionPorts["onCheck"];
}

type Given = Parameters<Logins["byPassword"]>[0];

const INTERVAL_MS = 900_000;
/** All names together that are no account's: they may be anything, also a password in the wrong field. */
const NOBODY = "account:(none)";
/** All whom the issuer does not stand for. */
const OF_ISSUER = "oidc:(none)";

/** Of letters: a name, and a password that no account's can be longer than. */
const [MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH] = [64, 1_024];

function requireShort(name: string, password: string): void {
  if (name.length <= MAX_NAME_LENGTH && password.length <= MAX_PASSWORD_LENGTH) return;
  const limits = `a name has ${MAX_NAME_LENGTH} letters at most, a password ${MAX_PASSWORD_LENGTH}`;
  throw new HostError("invalid-message", `the name or the password is too long: ${limits}`);
}

export class LoginDesk {
  readonly #ports: LoginPorts;
  readonly #issuer: IssuerDesk | undefined;
  #auth: AuthOptions;
  #addresses: FailedAttempts;
  /** Of accounts, of which there are never more than are counted one by one; and of all other names, so that nobody learns which there are. */
  #names: { readonly known: FailedAttempts; readonly unknown: FailedAttempts };

  constructor(ports: LoginPorts) {
    this.#ports = ports;
    const { clock, auth, issuer } = ports;
    this.#auth = auth;
    this.#issuer = issuer && new IssuerDesk({ clock, auth: () => this.#auth, client: issuer });
    this.#addresses = this.#attempts("the address");
    this.#names = this.#attemptsByName();
  }

  /** From now on these groups count, and this many failures; who issues what is as before. */
  reconfigure(auth: AuthOptions): void {
    const { loginFailures } = this.#auth.limits;
    this.#auth = auth;
    if (loginFailures === auth.limits.loginFailures) return;
    this.#addresses = this.#attempts("the address");
    this.#names = this.#attemptsByName();
  }

  /** For the door of this name, which the audit log has beside each login. */
  at(door: string): Logins {
    return {
      byPassword: (given) => this.#byPassword(given, door),
      issuer: this.#issuer && this.#atIssuer(this.#issuer, door),
      end: (secret, from) => this.#end(secret, from, door),
    };
  }

  async #byPassword({ name, password, from }: Given, door: string): Promise<OpenedSession> {
    const { users, passwords, authenticator } = this.#ports;
    requireShort(name, password);
    const user = users.find(name);
    if (user === undefined && authenticator?.takes("password") === true)
      return this.#byPlugin(authenticator, { name, password, from }, door);
    const names = user === undefined ? this.#names.unknown : this.#names.known;
    // Counted before the work, so that many at once are not all let through, and taken back for whoever is right.
    const undo = [this.#addresses.count(networkOf(from.address ?? "")), names.count(name)];
    const takeBack = (): void => {
      for (const one of undo) one();
    };
    const isRight = await passwords.verify(password, user?.hash).catch((cause: unknown) => {
      takeBack();
      throw cause;
    });
    // Somebody may have changed the password, or removed the account, while this one waited.
    if (!isRight || user === undefined || users.find(user.name)?.hash !== user.hash) throw this.#refused(user, from);
    takeBack();
    return this.#open(principalOfUser(user.name), undefined, from, door);
  }

  /** The host's own accounts come first; who is none of them may be somebody whom the plugin knows. */
  async #byPlugin(authenticator: Authenticator, { name, password, from }: Given, door: string): Promise<OpenedSession> {
    const undo = [this.#addresses.count(networkOf(from.address ?? "")), this.#names.unknown.count(name)];
    const takeBack = (): void => {
      for (const one of undo) one();
    };
    const who = await authenticator.byPassword(name, password, from).catch((thrown: unknown) => {
      takeBack();
      throw thrown;
    });
    if (who === undefined) throw this.#refused(undefined, from);
    takeBack();
    return this.#open(who.name as Actor, who.groups, from, door);
  }

  #atIssuer(issuer: IssuerDesk, door: string): IssuerLogins {
    return {
      begin: (given) => issuer.begin(given),
      finish: async (given) => {
        const { name, groups } = await issuer.finish(given).catch((thrown: unknown) => {
          if (toHostError(thrown).code === "permission-denied") this.#deny(OF_ISSUER, given.from);
          throw thrown;
        });
        return this.#open(name as Actor, groups, given.from, door);
      },
    };
  }

  #attempts(what: string): FailedAttempts {
    const count = this.#auth.limits.loginFailures;
    const limit = `the limit is ${count} in a quarter of an hour (auth.limits.loginFailures)`;
    const words = (key: string): readonly [string, string] => [`${what} ${key}`, `failed to log in too often; ${limit}`];
    return new FailedAttempts(this.#ports.clock, { count, intervalMs: INTERVAL_MS, words });
  }

  #attemptsByName(): { readonly known: FailedAttempts; readonly unknown: FailedAttempts } {
    return { known: this.#attempts("the account"), unknown: this.#attempts("the account") };
  }

  #deny(plugin: string, { address }: CalledFrom): void {
    this.#ports.onDenial({ plugin, permission: "login", resource: address ?? "", verdict: "not-granted", by: [] });
  }

  #refused(user: User | undefined, from: CalledFrom): HostError {
    this.#deny(user === undefined ? NOBODY : principalOfUser(user.name), from);
    return new HostError("permission-denied", "the name or the password is wrong", { reason: UNAUTHENTICATED });
  }

  #open(principal: Actor, groups: readonly string[] | undefined, { address }: CalledFrom, via: string): OpenedSession {
    const { sessions, audit } = this.#ports;
    // Written down first: what cannot be told does not happen.
    audit.append(principal, "login", principal, { via, address });
    return { ...sessions.open(principal, groups), principal };
  }

  #end(secret: string, { address }: CalledFrom, via: string): void {
    const { sessions, audit } = this.#ports;
    const principal = sessions.end(secret);
    if (principal !== undefined) audit.append(principal as Actor, "logout", principal, { via, address });
  }
}
