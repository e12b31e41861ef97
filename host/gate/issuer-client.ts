// The issuer at which people log in, by OpenID Connect: authorisation code, PKCE, and an ID token whose signature is checked, all of it by openid-client. What the
// issuer answers is counted here before that parses it, and it has so long to answer.

import type * as OpenId from "openid-client";
import { BoundedBytes } from "../bounds/bytes.ts";
import { UNAUTHENTICATED } from "../bounds/error-answers.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import { LOGIN_DESTINATION, OF_THIS_MACHINE, type OidcIssuer } from "../manifest/auth.ts";
import type { SecretSource } from "../seams.ts";
import { type Identity, identified, prefixOf } from "./identity.ts";
import { REFRESH_MS, Refreshed } from "./refreshed.ts";

export interface IssuerClientPorts {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly secrets: SecretSource;
  /** Told of an issuer that cannot be reached. */
  tell(message: string, cause: unknown): void;
}

/** What one login is compared with when it comes back. */
export interface LoginChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface IssuerClient {
  /** Where a browser is to go. Rejects with HostError `plugin-not-running` when the issuer cannot be reached. */
  ask(redirectUri: string): Promise<{ readonly location: string; readonly checks: LoginChecks }>;
  /** Whom the issuer stands for, by the address that the browser came back to. Rejects as `IssuerLogins.finish` does. */
  answered(returned: URL, checks: LoginChecks): Promise<Identity>;
}

/** An optional peer. */
export const ISSUER_PACKAGES: Readonly<Record<string, string>> = { "openid-client": "^6.9.0" };

const ANSWER_S = 5;
const MAX_ANSWER_BYTES = 262_144;
const METADATA_HOLD_MS = 600_000;

/** Rejects with HostError `invalid-message` when the secret is not there. */
export async function openIssuerClient(options: OidcIssuer, ports: IssuerClientPorts): Promise<IssuerClient> {
  const client = await import("openid-client");
  secretOf(options, ports.secrets);
  return new Issuer(client, options, ports);
}

class Issuer implements IssuerClient {
  readonly #client: typeof OpenId;
  readonly #of: OidcIssuer;
  readonly #ports: IssuerClientPorts;
  readonly #prefix: string;
  readonly #configuration: Refreshed<OpenId.Configuration>;

  constructor(client: typeof OpenId, of: OidcIssuer, ports: IssuerClientPorts) {
    this.#client = client;
    this.#of = of;
    this.#ports = ports;
    this.#prefix = prefixOf("oidc", of.issuer);
    this.#configuration = new Refreshed(
      ports.clock,
      () => discovered(client, of, ports.secrets),
      (cause) => this.#tell(cause),
    );
  }

  async ask(redirectUri: string): ReturnType<IssuerClient["ask"]> {
    const client = this.#client;
    const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
    const location = client.buildAuthorizationUrl(await this.#configured(), {
      ...{ redirect_uri: redirectUri, scope: this.#of.scopes.join(" "), state, nonce },
      ...{ code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" },
    });
    return { location: location.href, checks: { state, nonce, verifier } };
  }

  async answered(returned: URL, checks: LoginChecks): Promise<Identity> {
    const configuration = await this.#configured();
    const identity = await this.#identified(configuration, returned, checks).catch((cause: unknown) => {
      if (!isAway(cause)) throw refused(cause);
      this.#tell(cause);
      throw away(this.#of);
    });
    if (identity === undefined) throw refused(new Error("its subject is no name"));
    return identity;
  }

  async #identified(
    configuration: OpenId.Configuration,
    returned: URL,
    { state, nonce, verifier }: LoginChecks,
  ): Promise<Identity | undefined> {
    const tokens = await this.#client.authorizationCodeGrant(configuration, returned, {
      ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
    });
    const claims = tokens.claims();
    if (claims === undefined) return undefined;
    const { groupsClaim } = this.#of;
    if (claims[groupsClaim] !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined)
      return identified(this.#prefix, claims.sub, claims[groupsClaim]);
    const more = await this.#client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
    return identified(this.#prefix, claims.sub, more[groupsClaim]);
  }

  async #configured(): Promise<OpenId.Configuration> {
    const configuration = await this.#configuration.get(METADATA_HOLD_MS);
    if (configuration === undefined) throw away(this.#of);
    return configuration;
  }

  #tell(cause: unknown): void {
    this.#ports.tell(`the issuer ${this.#of.issuer} cannot be reached, or answers what it must not (auth.oidc)`, cause);
  }
}

function discovered(client: typeof OpenId, of: OidcIssuer, secrets: SecretSource): Promise<OpenId.Configuration> {
  const execute = [client.enableNonRepudiationChecks, ...(OF_THIS_MACHINE.test(of.issuer) ? [client.allowInsecureRequests] : [])];
  const metadata = { id_token_signed_response_alg: of.algorithm };
  return client.discovery(new URL(of.issuer), of.clientId, metadata, client.ClientSecretPost(secretOf(of, secrets)), {
    ...{ execute, timeout: ANSWER_S, [client.customFetch]: boundedFetch },
  });
}

/** Throws HostError `invalid-message` with the command that keeps it. */
function secretOf({ clientSecret }: OidcIssuer, secrets: SecretSource): string {
  const secret = secrets.find(clientSecret);
  if (secret?.mayGoTo(LOGIN_DESTINATION) === true) return secret.value;
  const command = `bulkhead secret set ${printable(clientSecret)} --to ${LOGIN_DESTINATION}`;
  throw new HostError(
    "invalid-message",
    `auth.oidc.clientSecret: there is no secret ${printable(clientSecret)} for it; "${command}" keeps one`,
  );
}

/** The whole answer within the time that the signal has, and no more than it may have. */
const boundedFetch: OpenId.CustomFetch = async (url, options) => {
  const response = await fetch(url, options as RequestInit);
  const tooLarge = (): HostError => new HostError("quota-exceeded", `the issuer answers more than ${MAX_ANSWER_BYTES} bytes`);
  const bytes = new BoundedBytes({ maxBytes: MAX_ANSWER_BYTES, tooLarge, sender: "the issuer" });
  for await (const piece of response.body ?? []) bytes.add(piece);
  const { status, statusText, headers } = response;
  return new Response(bytes.length === 0 ? null : new Uint8Array(bytes.take()), { status, statusText, headers });
};

const MAX_CAUSES = 8;
const TIMES: ReadonlySet<unknown> = new Set(["TimeoutError", "AbortError"]);

/** Whether the issuer did not answer as such at all: nobody there, too late, too much. */
function isAway(thrown: unknown): boolean {
  let one = thrown;
  for (let i = 0; i < MAX_CAUSES && one instanceof Error; i += 1) {
    if (one instanceof HostError || TIMES.has(one.name) || (one instanceof TypeError && one.message === "fetch failed")) return true;
    one = one.cause;
  }
  return false;
}

const away = ({ issuer }: OidcIssuer): HostError =>
  new HostError("plugin-not-running", `the issuer ${printable(issuer)} cannot be reached; the log has the cause`, {
    retryAfterMs: REFRESH_MS,
  });

/** What the issuer calls it, or the library. */
function refused(cause: unknown): HostError {
  const { error, message } = cause as { readonly error?: unknown; readonly message?: unknown };
  const why = printable(String(error ?? message));
  return new HostError("permission-denied", `the login at the issuer is refused: ${why}`, { reason: UNAUTHENTICATED, cause });
}
