// Keeps web pages out. A page in the operator's browser can reach loopback, and some requests it can make without asking us first: what the browser says
// of their source, the names in Host and Origin, and the type of a body tell them apart. Requests that no browser makes say none of that.

/** What a page of another origin can send without asking us first is never of these. */
export const BODY_TYPES = { json: "application/json", bytes: "application/octet-stream" } as const;

export interface RequestHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly "sec-fetch-site"?: string | string[] | undefined;
}

const LOOPBACK: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
// Who asks for all of this machine's addresses at once means none of its names.
const ALL_ADDRESSES: ReadonlySet<string> = new Set(["0.0.0.0", "[::]"]);
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?$/i;
const OURS: ReadonlySet<unknown> = new Set([undefined, "same-origin", "none"]);
/** Methods that change nothing by what HTTP says of them. */
export const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** What the authority of a URL names, with nothing around it that a URL could take for a user, a path or another way to write an address. */
export function hostNamed(text: string): URL | undefined {
  const [, name] = AUTHORITY.exec(text) ?? [];
  const url = name === undefined ? null : URL.parse(`http://${text}`);
  return url !== null && url.hostname === name?.toLowerCase() ? url : undefined;
}

export const isLoopbackName = (name: string): boolean => LOOPBACK.includes(name);

/** Those that stand among `allowedHosts`. */
export const originsOf = (allowedHosts: readonly string[]): ReadonlySet<string> =>
  new Set(allowedHosts.map((one) => parseAllowed(one)?.origin).filter((origin) => origin !== undefined));

/** Whether the text is a host name without port, or an origin such as `https://bulkhead.example`, as `allowedHosts` has them. */
export const isHostOrOrigin = (text: string): boolean => parseAllowed(text) !== undefined;

function parseAllowed(text: string): { readonly name: string; readonly origin?: string } | undefined {
  const isOrigin = /^https?:\/\//.test(text);
  const url = isOrigin ? URL.parse(text) : hostNamed(text.includes(":") && !text.startsWith("[") ? `[${text}]` : text);
  if (!url || (isOrigin ? url.origin !== text : url.port !== "")) return undefined;
  return isOrigin ? { name: url.hostname, origin: url.origin } : { name: url.hostname };
}

/**
 * Says why a request with these headers is refused, or undefined. `allowed` are names and origins besides loopback's: a request may be addressed to any of
 * the names, and come from a page of the very origin that it is addressed to, which `scheme` begins, or of an allowed one.
 */
export function originGuard(
  allowed: readonly string[],
  scheme: "http" | "https" = "http",
): (headers: RequestHeaders) => string | undefined {
  const parsed = allowed.map(parseAllowed).filter((one) => one !== undefined);
  const names = new Set([...LOOPBACK, ...parsed.map(({ name }) => name)].filter((name) => !ALL_ADDRESSES.has(name)));
  const origins = originsOf(allowed);
  // One client after the other names the same.
  let last: { readonly host: string; readonly named: URL | undefined } | undefined;
  return ({ host = "", origin, "sec-fetch-site": site }) => {
    if (last?.host !== host) last = { host, named: hostNamed(host) };
    const { named: asked } = last;
    if (asked === undefined || !names.has(asked.hostname))
      return "the Host header names no host of ours; add it to adapters.http.allowedHosts";
    if (!OURS.has(site)) return "requests from web pages of other origins are refused (Sec-Fetch-Site)";
    if (origin !== undefined && origin !== `${scheme}://${asked.host}` && !origins.has(origin))
      return "requests from web pages of other origins are refused (Origin); add the origin to adapters.http.allowedHosts";
    return undefined;
  };
}

/**
 * Says why a request that may change something is refused for its content type, or undefined: a page's form could send it too. A service that `consumes`
 * something else than JSON takes that.
 */
export function refuseBodyType(method: string, contentType: string | undefined, consumes?: string): string | undefined {
  if (READS.has(method) || contentType === undefined) return undefined;
  const [type = ""] = contentType.split(";", 1);
  const taken: readonly string[] = consumes === undefined ? Object.values(BODY_TYPES) : [consumes, BODY_TYPES.bytes];
  if (taken.includes(type.trim().toLowerCase())) return undefined;
  if (consumes !== undefined) return `send content-type: ${taken.join(" or ")}; the service takes nothing else`;
  return `send content-type: ${taken.join(" or ")}, or neither type nor body; any web page could send another`;
}
