// Which headers cross a raw route: by lists of what may, so that a name that nobody thought of stays outside.

/** What a plugin is given of every request. */
export const ALWAYS_GIVEN: readonly string[] = [
  "accept",
  "accept-language",
  "content-type",
  "if-modified-since",
  "if-none-match",
  "user-agent",
];

/** What speaks for the client, and would speak for it elsewhere too: a plugin is given it only if the operator says so. */
export const CREDENTIALS = ["authorization", "cookie"] as const;

/** About the connection, or for the host's own proxy: never a plugin's. */
const NEVER_GIVEN: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-connection"],
]);

export const MAX_NAMED_HEADERS = 32;
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Whether a route may name the header. */
export const isGivable = (name: string): boolean => NAME.test(name) && !NEVER_GIVEN.has(name);

/**
 * What a plugin may say about its answer. Not among it: what sets cookies or policies of the origin, which all plugins and the host share, what opens it to pages
 * of other origins, what asks for passwords, and what a proxy before the host obeys.
 */
export const ANSWERABLE: ReadonlySet<string> = new Set([
  ...["allow", "cache-control", "content-disposition", "content-language", "content-type", "etag"],
  ...["expires", "last-modified", "location", "retry-after", "vary"],
]);

/** What no page of the host's origin may do because a plugin wrote it: a browser that shows the answer runs nothing of it and gives it an origin of its own. */
export const SHOWN_ONLY: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};
