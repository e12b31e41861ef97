// A host's services as tools, in the hands of the official client.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { type HttpServer, startHttpServer } from "../../host/adapters/http/server.ts";
import type { TokenStore } from "../../host/admin/tokens.ts";
import { Host } from "../../host/core/host.ts";
import type { Clock } from "../../host/core/ports/clock.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema, parseScope } from "../../host/manifest/auth.ts";
import { testContext, tokensInMemory } from "./adapter-context.ts";
import { manifestOf } from "./catalogs.ts";
import { hostPorts } from "./host-ports.ts";
import type { Era } from "./mcp-messages.ts";
import { type MemoryLog, memoryLog } from "./memory-log.ts";
import { definition, type Script, scriptedCell } from "./scripted-cell.ts";

/** Revisions of the protocol: by the handshake of 2025, and without one. */
export const ERAS: readonly Era[] = ["2025-11-25", "2026-07-28"];

export interface McpWorldOptions {
  readonly script: Script;
  /** Of the plugin `p`, as its manifest has them. */
  readonly services: Readonly<Record<string, object>>;
  readonly auth?: object;
  readonly http?: object;
  /** Instead of the system's, for the door alone. */
  readonly after?: Clock["after"];
}

export interface McpWorld extends AsyncDisposable {
  readonly url: string;
  readonly log: MemoryLog;
  readonly tokens: TokenStore;
  tokenOf(role: string, ...scopes: readonly string[]): string;
  /** What the plugin says from now on. */
  declare(services: Readonly<Record<string, object>>): void;
  /** Whether the operator has read what it says. */
  read(isRead: boolean): void;
  /** The door. */
  close(): Promise<void>;
  connect(era: Era, token?: string): Promise<Client>;
}

export async function mcpWorld({ script, services, auth = {}, http = {}, after = systemClock.after }: McpWorldOptions): Promise<McpWorld> {
  const log = memoryLog();
  const host = new Host(hostPorts({ clock: systemClock, log }));
  const provided = Object.keys(script).map((entryPoint) => ({ name: `p.${entryPoint}`, entryPoint }));
  host.add(definition("p", script, { services: provided }), scriptedCell({ p: script }));
  await startAll(host, log);
  const tokens = tokensInMemory();
  const listeners = new Set<() => void>();
  let isRead = true;
  const words = {
    holds: () => isRead,
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const { context, manifests } = testContext(host, { log, adapter: "http", tokens, words, auth: authSchema.parse(auth) });
  const declare = (said: McpWorldOptions["services"]): void => {
    manifests.set("p", manifestOf({ services: said }));
  };
  declare(services);
  const server: HttpServer = await startHttpServer(httpOptions.parse({ port: 0, mcp: true, ...http }), {
    ...context,
    clock: { ...systemClock, after },
  });
  const clients: Client[] = [];
  return {
    ...{ url: server.url, log, tokens, declare },
    tokenOf: (role, ...scopes) =>
      tokens.create({
        name: `${role}${scopes.length}`,
        roles: [role],
        scopes: scopes.map(parseScope),
        owner: "user:ada",
        expiresAt: undefined,
      }),
    read(now) {
      isRead = now;
      for (const listener of listeners) listener();
    },
    close: () => server.close(),
    async connect(era, token) {
      const client = mcpClient(era);
      clients.push(client);
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit: { headers } }));
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      await server.close();
      await stopAll(host, 0);
    },
  };
}

/** Speaks this revision and no other. */
export function mcpClient(era: Era): Client {
  return new Client({ name: "test", version: "1" }, era === "2026-07-28" ? { versionNegotiation: { mode: "auto" } } : {});
}
