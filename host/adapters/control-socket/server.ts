// How the command reaches a running host: JSON over HTTP on a socket in the data folder that only its user can open.

import { chmodSync, rmSync } from "node:fs";
import fastify from "fastify";
import { boundConnections } from "../../bounds/connections.ts";
import { HostError, toHostError } from "../../core/errors.ts";

/** What the socket passes on. */
export interface ControlHandler {
  /** Does one operation. Rejects with HostError. */
  invoke(operation: string, input: unknown): Promise<unknown>;
}

export interface ControlSocket {
  close(): Promise<void>;
}

// The longest path that every system takes for a socket.
const MAX_PATH_BYTES = 103;
const MAX_BODY_BYTES = 1024 * 1024;
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
  const http = { headersTimeout: HEADERS_MS };
  const server = fastify({ logger: false, bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true, http });
  boundConnections(server.server, MAX_CONNECTIONS);
  server.post<{ Params: { operation: string } }>("/:operation", async (request) => ({
    result: (await handler.invoke(request.params.operation, request.body ?? {})) ?? null,
  }));
  server.setErrorHandler((thrown, _request, reply) => {
    const { code, message, detail } = toHostError(thrown);
    // A status of its own, so that the client can tell a refusal from a broken connection.
    return reply.status(422).send({ error: { code, message, detail } });
  });
  // Whoever holds the folder's lock is alone: what is left here is of a host that died.
  rmSync(path, { force: true });
  await server.listen({ path });
  chmodSync(path, 0o600);
  return { close: () => server.close() };
}
