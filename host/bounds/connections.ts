// How many connections a server of ours keeps, whoever opens them: above that the oldest that we wait for makes room for the next, so that idle ones shut
// nobody out, and no more files are open for them than the system leaves.

import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";

/** What is left over is for cells, storage, requests of plugins and the socket of the command. */
const SHARE_OF_FILES = 1 / 2;
const SOFT_LIMIT = /^Max open files\s+(\d+)/m;

/** `wanted`, or half of the files that this process may still open, where that is less and the system says so (Linux). */
export function affordableConnections(wanted: number): number {
  try {
    const [, limit] = SOFT_LIMIT.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    if (limit === undefined) return wanted;
    const left = Number(limit) - readdirSync("/proc/self/fd").length;
    return Math.max(1, Math.min(wanted, Math.floor(left * SHARE_OF_FILES)));
  } catch {
    return wanted;
  }
}

/** Of a connection that is HTTP no longer: whoever has taken it over bounds how many there are, and ends it. */
const TAKEN_OVER = "taken over";
type LastRequest = ServerResponse | typeof TAKEN_OVER | undefined;

/**
 * Of a server that does not listen yet. A connection whose request is worked on is never ended, and an answer that is a stream is worked on as long as it
 * lasts; where all are, the next one is refused. What it returns is to be told of a connection that somebody takes over, which is never ended either.
 */
export function boundConnections(server: Server, maxConnections: number): (takenOver: Socket) => void {
  /** Oldest first, each with its last request. */
  const open = new Map<Socket, LastRequest>();
  const isSecure = server instanceof TlsServer;
  // Those that still shake hands have no more time than that takes, and are only so many.
  if (isSecure) server.maxConnections = maxConnections * 2;
  server.on(isSecure ? "secureConnection" : "connection", (socket: Socket) => {
    open.set(socket, undefined);
    socket.once("close", () => open.delete(socket));
    if (open.size <= maxConnections) return;
    for (const [one, response] of open) {
      if (isWorkedOn(response)) continue;
      open.delete(one);
      one.destroy();
      return;
    }
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (open.has(request.socket)) open.set(request.socket, response);
  });
  return (socket) => {
    if (open.has(socket)) open.set(socket, TAKEN_OVER);
  };
}

/** Whether the request is there and its answer is not. */
const isWorkedOn = (last: LastRequest): boolean => last === TAKEN_OVER || (last?.req.complete === true && !last.writableEnded);
