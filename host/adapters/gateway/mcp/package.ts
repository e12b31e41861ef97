// The SDK of the Model Context Protocol, an optional peer: loaded when a door speaks it.

import { HostError } from "../../../core/errors.ts";

export const MCP_PACKAGE = { name: "@modelcontextprotocol/server", range: "^2.4.0" } as const;

export type { CallToolResult, JSONRPCMessage, McpHttpHandler, Server, Tool, Transport } from "@modelcontextprotocol/server";

export type McpSdk = typeof import("@modelcontextprotocol/server");
export type McpStdioSdk = typeof import("@modelcontextprotocol/server/stdio");

/** Rejects with HostError `invalid-message` and the command that installs it. */
export const loadMcp = (): Promise<McpSdk> => loaded(() => import("@modelcontextprotocol/server"));
export const loadMcpStdio = (): Promise<McpStdioSdk> => loaded(() => import("@modelcontextprotocol/server/stdio"));

async function loaded<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const { name, range } = MCP_PACKAGE;
    throw new HostError("invalid-message", `MCP needs the package ${name}, which is not installed: npm install "${name}@${range}"`, {
      cause,
    });
  }
}
