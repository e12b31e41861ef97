// The Model Context Protocol for a program of the operator's, by the `bulkhead mcp` command: with a token's rights, or a viewer's, and never his own.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { HostError, toHostError } from "../../core/errors.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import { LineTransport } from "../gateway/mcp/lines.ts";
import { loadMcp, loadMcpStdio, type McpSdk, type McpStdioSdk, type Server } from "../gateway/mcp/package.ts";
import { Mcp } from "../gateway/mcp/server.ts";

/** A connection that is to become something else. */
export interface Upgradable {
  readonly socket: Socket;
  /** What has come already. */
  readonly head: Buffer;
}

interface Loaded {
  readonly sdk: McpSdk;
  readonly stdio: McpStdioSdk;
  readonly mcp: Mcp;
}

const BEARER = /^bearer ([\x21-\x7e]{1,16384})$/i;
/** Of the one who opened the socket, which no address says. */
const HERE = { address: undefined, isPassedOn: false };
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: mcp\r\n\r\n";

export class McpSocket {
  readonly #context: AdapterContext;
  #loaded: Promise<Loaded> | undefined;

  constructor(context: AdapterContext) {
    this.#context = context;
  }

  /** `GET /mcp` with `Upgrade: mcp`: lines of JSON-RPC both ways from then on, until either ends. Never rejects. */
  async speak(request: IncomingMessage, upgradable: Upgradable): Promise<void> {
    const { socket } = upgradable;
    socket.on("error", () => socket.destroy());
    try {
      if (request.url !== "/mcp" || request.headers.upgrade !== "mcp") throw new HostError("invalid-message", "this is no upgrade to mcp");
      const principal = await principalOf(this.#context, request);
      this.#loaded ??= load(this.#context);
      this.#serve(principal, await this.#loaded, upgradable);
    } catch (thrown) {
      refuse(socket, thrown);
    }
  }

  /** Throws HostError `rate-limited`. */
  #serve(principal: Principal, { sdk, stdio, mcp }: Loaded, { socket, head }: Upgradable): void {
    // While the principal was asked for, say: nothing would tell of its end any more.
    if (socket.destroyed) return;
    const close = this.#context.openStream(principal, () => socket.destroy());
    const gone = new AbortController();
    const servers = new Set<Server>();
    const forget = mcp.onToolsChanged(() => {
      for (const server of servers) void server.sendToolListChanged().catch(() => {});
    });
    socket.once("close", () => {
      gone.abort();
      forget();
      close();
    });
    if (head.length > 0) socket.unshift(head);
    socket.write(SWITCHED);
    const factory = (): Server => {
      const server = mcp.server({ principal, isTold: true, isCounted: false, gone: gone.signal });
      servers.add(server);
      return server;
    };
    stdio.serveStdio(factory, { transport: new LineTransport(sdk, socket), maxSubscriptions: 1 });
  }
}

async function load(context: AdapterContext): Promise<Loaded> {
  const [sdk, stdio] = [await loadMcp(), await loadMcpStdio()];
  return { sdk, stdio, mcp: new Mcp({ sdk, context }) };
}

async function principalOf(context: AdapterContext, { headers }: IncomingMessage): Promise<Principal> {
  if (headers.authorization === undefined) return context.authenticate({ kind: "viewer" });
  const [, token] = BEARER.exec(headers.authorization) ?? [];
  if (token === undefined) throw new HostError("invalid-message", "BULKHEAD_TOKEN is no token");
  return context.authenticate({ kind: "bearer", token, from: HERE });
}

function refuse(socket: Socket, thrown: unknown): void {
  const { code, message, detail, reason, retryAfterMs } = toHostError(thrown);
  const body = JSON.stringify({ error: { code, message, detail, reason, retryAfterMs } });
  const head = `Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  socket.end(`HTTP/1.1 422 Unprocessable Content\r\n${head}\r\n\r\n${body}`);
}
