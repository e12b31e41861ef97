// Messages of the Model Context Protocol as they go over HTTP, for tests that no client of others would send them for.

export type Era = "2025-11-25" | "2026-07-28";

interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Asked {
  readonly method: string;
  readonly params?: { readonly name?: string; readonly _meta?: object; readonly [key: string]: unknown };
}

export const MCP_HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" } as const;

/** As a client of this revision sends it: that of 2026 says with each message what that of 2025 says once. */
export function sentAs(era: Era, message: Asked & Readonly<Record<string, unknown>>): Sent {
  const { method, params } = message;
  if (era === "2025-11-25") return { headers: MCP_HEADERS, body: JSON.stringify(message) };
  const _meta = {
    ...params?._meta,
    "io.modelcontextprotocol/protocolVersion": era,
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const name = params?.name === undefined ? {} : { "mcp-name": params.name };
  return {
    headers: { ...MCP_HEADERS, "mcp-protocol-version": era, "mcp-method": method, ...name },
    body: JSON.stringify({ ...message, params: { ...params, _meta } }),
  };
}

/** The message in an answer, which may be an event of a stream. */
export const messageIn = (text: string): Record<string, unknown> => JSON.parse(/\{.*\}/s.exec(text)?.[0] ?? "null");
