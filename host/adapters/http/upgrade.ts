// How a request becomes a WebSocket: by the same way as every other, so that it is refused for the same reasons, and upgraded by its route alone.

import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type WebSocket, WebSocketServer } from "ws";
import { clientError } from "./client-error.ts";

/** The one path where there are WebSockets. */
export const EVENTS_SOCKET = "/v1/events/ws";
/** What a client and the host speak; a client that cannot send headers adds its token as `bearer.<token>`. */
const PROTOCOL = "bulkhead.v1";

const MAX_MESSAGE_BYTES = 16 * 1_024;
/** Pieces in which one message may come, by its sender or by the net: whatever is cut finer costs more than it says. */
const MAX_PIECES = 256;
/** For a client to take part in the closing. */
const CLOSE_TIMEOUT_MS = 1_000;
const UPGRADE_REQUIRED = 426;

interface Upgradable {
  readonly socket: Socket;
  readonly head: Buffer;
}

/** Whether a request is to become a WebSocket; everything else stays HTTP, whatever it would like to become. */
export const asksForSocket = ({ method, url = "", headers }: IncomingMessage): boolean =>
  method === "GET" && url.split("?", 1)[0] === EVENTS_SOCKET && headers.upgrade?.toLowerCase() === "websocket";

export class Upgrades {
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    // @types/ws 8.18 does not know these of ws 8.23.
    ...{ closeTimeout: CLOSE_TIMEOUT_MS, maxFragments: MAX_PIECES, maxBufferedChunks: MAX_PIECES },
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  readonly #upgradable = new WeakMap<IncomingMessage, Upgradable>();
  readonly #takeOver: (socket: Socket) => void;

  /** `takeOver` is told of a connection that is HTTP no longer. */
  constructor(app: FastifyInstance, takeOver: (socket: Socket) => void) {
    this.#takeOver = takeOver;
    const server: Server = app.server;
    // Before Node 24.9 a server could not choose, and would take every request for one that becomes something else.
    if (!("shouldUpgradeCallback" in server)) return;
    server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on("error", () => socket.destroy());
      this.#upgradable.set(request, { socket, head });
      const response = new ServerResponse(request);
      // What is answered otherwise is a refusal.
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.once("finish", () => socket.destroySoon());
      app.routing(request, response);
    });
  }

  /** Throws with status 426 for a request that does not ask for it. */
  require(request: FastifyRequest): void {
    if (this.#upgradable.has(request.raw)) return;
    throw clientError(UPGRADE_REQUIRED, "this is a WebSocket: send Upgrade: websocket (the host needs Node 24.9 for it)");
  }

  /** Of a request that was required to ask for it. `opened` is not called where the handshake is none, which the client is told. */
  accept(reply: FastifyReply, opened: (webSocket: WebSocket, socket: Socket) => void): void {
    const { raw: response, request } = reply;
    const { socket, head } = this.#upgradable.get(request.raw) ?? {};
    if (socket === undefined || head === undefined) return;
    reply.hijack();
    response.detachSocket(socket);
    this.#webSockets.handleUpgrade(request.raw, socket, head, (webSocket) => {
      this.#takeOver(socket);
      opened(webSocket, socket);
    });
  }
}
