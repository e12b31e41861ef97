// Keeps web pages out: a page in the operator's browser can reach loopback, so the names in Host and Origin must be ours.

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** The host name of a Host header or an Origin, without port; undefined for what is neither. */
function hostNameOf(value: string): string | undefined {
  return URL.parse(value.includes("://") ? value : `http://${value}`)?.hostname;
}

/** Why a request with these headers is refused, or undefined. `allowed` are names besides loopback's. */
export function refuseOrigin(
  headers: { host?: string | undefined; origin?: string | undefined },
  allowed: readonly string[],
): string | undefined {
  const known = (value: string): boolean => {
    const name = hostNameOf(value);
    return name !== undefined && (LOOPBACK.has(name) || allowed.includes(name));
  };
  if (headers.host === undefined || !known(headers.host))
    return "the Host header names no host of ours; add it to adapters.http.allowedHosts";
  if (headers.origin !== undefined && !known(headers.origin)) return "requests from web pages of other origins are refused";
  return undefined;
}
