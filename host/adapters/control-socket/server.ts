// How the command reaches a running host: JSON over HTTP on a socket in the data folder that only its user can open.

import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { boundConnections } from "../../bounds/connections.ts";
import { parseJsonInput } from "../../bounds/json-input.ts";
import { bytesOf } from "../../bounds/request-bytes.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import { callService, followEvents, followLog, type LiveDoor } from "./live.ts";

/** What the socket passes on. */
export interface ControlHandler {
  /** Does one operation. Rejects with HostError. */
  invoke(operation: string, input: unknown): Promise<unknown>;
  readonly door: LiveDoor;
  /** Takes over a connection that is to become something else. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void>;
}

export interface ControlSocket {
  close(): Promise<void>;
}

// The longest path that every system takes for a socket.
const MAX_PATH_BYTES = 103;
const MAX_BODY_BYTES = 1_024 * 1_024;
const INPUT = "the operation's input";
// One command has one, for as long as it waits.
const MAX_CONNECTIONS = 32;
const HEADERS_MS = 10_000;

/** Listens at `path`, which must lie in a folder that only its user can enter. Throws HostError `invalid-message` for a path that is too long. */
export async function listenForControl(path: string, handler: ControlHandler): Promise<ControlSocket> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new HostError(
      "invalid-message",
      `the path ${path} is longer than the ${MAX_PATH_BYTES} bytes that a socket may have; use a shorter data folder`,
    );
  }
  const server = createServer({ headersTimeout: HEADERS_MS }, (request, response) => void answer(request, response, handler));
  const takeOver = boundConnections(server, MAX_CONNECTIONS);
  /** What the server does not know of any more. */
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (request, socket, head) => {
    takeOver(socket as Socket);
    upgraded.add(socket);
    socket.once("close", () => upgraded.delete(socket));
    void handler.upgrade(request, socket as Socket, head);
  });
  // Whoever holds the folder's lock is alone: what is left here is of a host that died.
  rmSync(path, { force: true });
  await new Promise<void>((listening, failed) => server.once("error", failed).listen(path, listening));
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, handler: ControlHandler): Promise<void> {
  try {
    if (request.method === "POST" && request.url?.startsWith("/call/")) return await callService(handler.door, request, response);
    if (request.method === "GET" && request.url?.startsWith("/follow")) return followEvents(handler.door, request, response);
    if (request.method === "GET" && /^\/logs(\?|$)/.test(request.url ?? "")) return await followLog(handler.door, request, response);
    const operation = operationOf(request);
    const input = parseJsonInput(await bytesOf(request, MAX_BODY_BYTES, INPUT), INPUT);
    send(request, response, 200, { result: (await handler.invoke(operation, input)) ?? null });
  } catch (thrown) {
    const { code, message, detail, reason, retryAfterMs } = toHostError(thrown);
    // A status of its own, so that the client can tell a refusal from a broken connection.
    send(request, response, 422, { error: { code, message, detail, reason, retryAfterMs } });
  }
}

// What was not read of a request would be taken for the next one.
function send(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  const headers = { "content-type": "application/json", ...(request.complete ? {} : { connection: "close" }) };
  response.writeHead(status, headers).end(JSON.stringify(body));
}

function operationOf({ method = "", url = "" }: IncomingMessage): string {
  const [, operation] = method === "POST" ? (/^\/([a-z-]+)$/.exec(url) ?? []) : [];
  if (operation === undefined) throw new HostError("invalid-message", `${method} ${printable(url)} is no operation; write POST /list`);
  return operation;
}
