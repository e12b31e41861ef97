// Paths that more than one part of the door must know.

/** Tells those who are not known nothing but whether all is well. */
export const HEALTH = "/healthz";
export const MCP = "/mcp";
export const GRAPHQL = "/graphql";
/** Tells whose tokens let people in (RFC 9728). */
export const MCP_METADATA: string = `/.well-known/oauth-protected-resource${MCP}`;
/** Without credentials. */
export const OPEN_TO_EVERYBODY: ReadonlySet<string | undefined> = new Set([HEALTH, MCP_METADATA]);
