// The connections of a server that speaks gRPC: our own, so that they are counted, known and ended by us. The library tells of a call only where it comes from.

import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { affordableConnections, boundConnections } from "../../../bounds/connections.ts";
import { HostError } from "../../../core/errors.ts";
import type { Tls } from "../../../seams.ts";
import { followCertificate, secureOptions } from "../tls.ts";

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** What of the configuration gives the port. */
  readonly key: string;
  /** Undefined: without TLS. */
  readonly tls: Tls | undefined;
  readonly maxConnections: number;
  /** Takes a connection that is there, TLS included. */
  serve(socket: Socket): void;
}

export interface Listener {
  /** Such as `http://127.0.0.1:7421`. */
  readonly url: string;
  /** Takes no more connections; those that are there live on. */
  close(): void;
}

const HANDSHAKE_MS = 10_000;

/** Open connections by where they come from. */
export class Connections {
  readonly #open = new Map<string, Socket>();
  #keep: (socket: Socket) => void = () => {};

  /** Rejects with HostError `conflict` when the port is taken, `invalid-message` when it is not to be had. */
  async listen(listening: Listening): Promise<Listener> {
    const { tls, maxConnections, serve } = listening;
    const server =
      tls === undefined
        ? createServer({ noDelay: true })
        : createTlsServer({ ...secureOptions(tls.current()), ALPNProtocols: ["h2"], handshakeTimeout: HANDSHAKE_MS, noDelay: true });
    this.#keep = boundConnections(server, affordableConnections(maxConnections));
    server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      const { remoteAddress, remotePort } = socket;
      const key = keyOf({ remoteAddress, remotePort });
      this.#open.set(key, socket);
      socket.on("error", () => {});
      socket.once("close", () => this.#open.delete(key));
      serve(socket);
    });
    if (tls !== undefined) server.on("tlsClientError", () => {});
    const stopFollowing = tls === undefined ? () => {} : followCertificate(server as TlsServer, tls);
    await bind(server, listening);
    return {
      url: `${tls === undefined ? "http" : "https"}://${authorityOf(server)}`,
      close() {
        server.close();
        stopFollowing();
      },
    };
  }

  find(peer: Peer): Socket | undefined {
    return this.#open.get(keyOf(peer));
  }

  /** By what the library says of a call's peer. */
  at(peer: string): Socket | undefined {
    return this.#open.get(peer);
  }

  keep(socket: Socket): void {
    this.#keep(socket);
  }

  end(peer: string): void {
    this.#open.get(peer)?.destroy();
  }

  endAll(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }
}

interface Peer {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

const keyOf = ({ remoteAddress, remotePort }: Peer): string => `${remoteAddress}:${remotePort}`;

function bind(server: NetServer, { host, port, key }: Listening): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const remedy = `give another with ${key}; 0 takes a free one`;
      const isTaken = cause.code === "EADDRINUSE";
      const message = isTaken
        ? `port ${port} of ${host} is taken: stop what listens there, or ${remedy}`
        : `the host cannot listen on port ${port} of ${host} (${cause.code ?? cause.message}): ${remedy}`;
      reject(new HostError(isTaken ? "conflict" : "invalid-message", message, { cause }));
    });
    server.listen({ host, port }, resolve);
  });
}

function authorityOf(server: NetServer): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
