// Paths that more than one part of the door must know.

/** Tell those who are not known nothing but whether all is well, whether the host lives, and whether it is ready. */
export const HEALTH = "/healthz";
export const LIVE = "/livez";
export const READY = "/readyz";
export const MCP = "/mcp";
export const GRAPHQL = "/graphql";
/** Tells whose tokens let people in (RFC 9728). */
export const MCP_METADATA: string = `/.well-known/oauth-protected-resource${MCP}`;
export const DOCS_PAGE = "/v1/docs/";
export const LOGIN = "/v1/login";
export const LOGIN_FILES: { readonly script: string; readonly style: string } = { script: `${LOGIN}/page.js`, style: `${LOGIN}/page.css` };
/** Where a login at an issuer begins, and where a browser comes back to. */
export const ISSUER_LOGIN: string = `${LOGIN}/oidc`;
export const ISSUER_RETURN: string = `${ISSUER_LOGIN}/callback`;
/** Without credentials. */
export const OPEN_TO_EVERYBODY: ReadonlySet<string | undefined> = new Set([
  ...[HEALTH, LIVE, READY, MCP_METADATA, LOGIN, LOGIN_FILES.script, LOGIN_FILES.style, ISSUER_LOGIN, ISSUER_RETURN],
]);
