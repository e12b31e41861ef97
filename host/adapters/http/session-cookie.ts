// The cookie of those who have logged in: how it is called where, who may set it, and which requests it speaks for. It speaks for no request that a page of another
// origin made.

import type { IncomingHttpHeaders } from "node:http";
import { HostError } from "../../core/errors.ts";
import { hostNamed, isLoopbackName, originsOf, READS } from "./origin.ts";

/** Over TLS, where no other host and no other path can set one of the name. */
const SECURE = "__Host-bulkhead";
/** Without TLS, which is for this machine only; by port, since cookies are not. */
const OPEN = "bulkhead";
const OURS = /^(__Host-)?bulkhead(-login)?(-\d{1,5})?$/;

/** Where a request was sent to, as its cookies have it. */
export interface CookiePlace {
  readonly name: string;
  /** That of the pages whose requests the cookie speaks for. */
  readonly origin: string;
  readonly isSecure: boolean;
}

type Headers = Pick<IncomingHttpHeaders, "host" | "origin" | "cookie" | "sec-fetch-site">;

export class SessionCookies {
  readonly #isTls: boolean;
  readonly #origins: ReadonlySet<string>;

  /** `allowedHosts` as `adapters.http` has them: an origin with https is one whose TLS a proxy speaks. */
  constructor(allowedHosts: readonly string[], isTls: boolean) {
    this.#isTls = isTls;
    this.#origins = originsOf(allowedHosts);
  }

  /** Undefined where a cookie, and a password, would go through the net in the clear. */
  placeOf({ host = "" }: Headers): CookiePlace | undefined {
    const asked = hostNamed(host);
    if (asked === undefined) return undefined;
    const secure = `https://${asked.host}`;
    if (this.#isTls || this.#origins.has(secure)) return { name: SECURE, origin: secure, isSecure: true };
    if (!isLoopbackName(asked.hostname)) return undefined;
    return { name: `${OPEN}-${asked.port === "" ? 80 : asked.port}`, origin: `http://${asked.host}`, isSecure: false };
  }

  /** The secret that a request shows; undefined for none, and for two, of which another server of this machine has set one. */
  secretOf(headers: Headers): string | undefined {
    const place = headers.cookie === undefined ? undefined : this.placeOf(headers);
    return place && cookieNamed(place.name, headers);
  }

  /** The same of a login that has begun at an issuer. */
  bindingOf(headers: Headers): string | undefined {
    const place = this.placeOf(headers);
    return place && cookieNamed(nameOfLogin(place), headers);
  }

  /** Says why the cookie does not speak for this request, or undefined: what may change something, and a WebSocket, must be asked for by a page of the host's own. */
  refuse(headers: Headers, method: string, isSocket: boolean): string | undefined {
    if (READS.has(method) && !isSocket) return undefined;
    const isOwn = headers.origin !== undefined && headers.origin === this.placeOf(headers)?.origin;
    // Browsers do not say it of every WebSocket, and its Origin they do.
    if (isOwn && (isSocket || headers["sec-fetch-site"] === "same-origin")) return undefined;
    return "a session does this from a page of the host's own origin only (Origin, Sec-Fetch-Site); others send a token";
  }
}

/** Throws HostError `permission-denied` where what logs in would go through the net in the clear. */
export function requirePlace(cookies: SessionCookies, headers: Headers): CookiePlace {
  const place = cookies.placeOf(headers);
  // A page that came in the clear although the host's own come by TLS says so itself.
  if (place !== undefined && (headers.origin === undefined || headers.origin === place.origin)) return place;
  throw new HostError(
    "permission-denied",
    "nobody logs in without TLS but from this machine: give the host a certificate (tls), or name the https origin of the proxy that speaks it in adapters.http.allowedHosts",
  );
}

/** The header that sets the cookie. */
export const setCookie = ({ name, isSecure }: CookiePlace, secret: string): string =>
  `${name}=${secret}; Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;

export const clearCookie = (place: CookiePlace): string => `${setCookie(place, "")}; Max-Age=0`;

const nameOfLogin = ({ name, isSecure }: CookiePlace): string => (isSecure ? `${name}-login` : name.replace(OPEN, `${OPEN}-login`));

/** The same for a login that has begun at an issuer, from whose pages the browser comes back: what is strict would stay behind then. */
export const setLoginCookie = (place: CookiePlace, binding: string, maxAgeS: number): string =>
  `${nameOfLogin(place)}=${binding}; Path=/; HttpOnly; SameSite=Lax${place.isSecure ? "; Secure" : ""}; Max-Age=${maxAgeS}`;

/** What is left of a header Cookie for a plugin, which must not see what lets somebody in. */
export function withoutOurs(header: string): string {
  return pairsOf(header)
    .filter(([name]) => !OURS.test(name))
    .map(([name, value]) => (value === undefined ? name : `${name}=${value}`))
    .join("; ");
}

function cookieNamed(name: string, { cookie = "" }: Headers): string | undefined {
  const [found, ...more] = pairsOf(cookie).filter(([one]) => one === name);
  return more.length === 0 ? found?.[1] : undefined;
}

function pairsOf(header: string): readonly (readonly [name: string, value: string | undefined])[] {
  return header.split(";").map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? [pair.trim(), undefined] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
}
