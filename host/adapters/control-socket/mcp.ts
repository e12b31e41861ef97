// The Model Context Protocol for a program of the operator's, by the `bulkhead mcp` command: with a token's rights, or a viewer's, and never his own.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { HostError, toHostError } from "../../core/errors.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import { LineTransport } from "../gateway/mcp/lines.ts";
import { loadMcp, loadMcpStdio } from "../gateway/mcp/package.ts";
import { Mcp } from "../gateway/mcp/server.ts";

const BEARER = /^bearer ([\x21-\x7e]{1,16384})$/i;
/** What comes of the one who opened the socket, which no address says. */
const HERE = { address: undefined, isPassedOn: false };

interface Upgradable {
  readonly socket: Socket;
  /** What has come already. */
  readonly head: Buffer;
}

/** `GET /mcp` with `Upgrade: mcp`: lines of JSON-RPC both ways from then on, until either ends. */
export async function speakMcp(context: AdapterContext, request: IncomingMessage, { socket, head }: Upgradable): Promise<void> {
  socket.on("error", () => socket.destroy());
  try {
    if (request.url !== "/mcp" || request.headers.upgrade !== "mcp") throw new HostError("invalid-message", "this is no upgrade to mcp");
    const principal = await principalOf(context, request);
    const [sdk, { serveStdio }] = [await loadMcp(), await loadMcpStdio()];
    const close = context.openStream(principal, () => socket.destroy());
    const gone = new AbortController();
    const mcp = new Mcp({ sdk, context });
    const servers = new Set<ReturnType<Mcp["server"]>>();
    const forget = mcp.onToolsChanged(() => {
      for (const server of servers) void server.sendToolListChanged().catch(() => {});
    });
    socket.once("close", () => {
      gone.abort();
      forget();
      close();
    });
    if (head.length > 0) socket.unshift(head);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: mcp\r\n\r\n");
    const factory = (): ReturnType<Mcp["server"]> => {
      const server = mcp.server({ principal, isTold: true, gone: gone.signal });
      servers.add(server);
      return server;
    };
    serveStdio(factory, { transport: new LineTransport(sdk, socket), maxSubscriptions: 1 });
  } catch (thrown) {
    const { code, message, detail, reason, retryAfterMs } = toHostError(thrown);
    const body = JSON.stringify({ error: { code, message, detail, reason, retryAfterMs } });
    socket.end(
      `HTTP/1.1 422 Unprocessable Content\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
}

async function principalOf(context: AdapterContext, { headers }: IncomingMessage): Promise<Principal> {
  if (headers.authorization === undefined) return context.authenticate({ kind: "viewer" });
  const [, token] = BEARER.exec(headers.authorization) ?? [];
  if (token === undefined) throw new HostError("invalid-message", "BULKHEAD_TOKEN is no token");
  return context.authenticate({ kind: "bearer", token, from: HERE });
}
