// The gRPC adapter: what it listens on, and what it is put together from. Connections are our own, so that they are counted, known and ended by us.

import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { affordableConnections, boundConnections } from "../../bounds/connections.ts";
import { HostError } from "../../core/errors.ts";
import type { AdapterContext } from "../../seams.ts";
import { EventStreams } from "../gateway/event-streams.ts";
import { followCertificate, secureOptions } from "../gateway/tls.ts";
import { callHandlers, catalogHandlers } from "./calls.ts";
import { definitionOf, described } from "./definitions.ts";
import { admitting } from "./door.ts";
import { CallService, CatalogService, EventService } from "./doors_pb.ts";
import { eventHandlers, eventMessage } from "./events.ts";
import type { GrpcOptions } from "./options.ts";
import { HealthImplementation, ReflectionService, Server, ServerCredentials, type ServerOptions } from "./packages.ts";

export interface GrpcServer {
  /** Such as `http://127.0.0.1:7421`. */
  readonly url: string;
  /** Stops listening and waits for answers under way. */
  close(): Promise<void>;
}

const MIB = 1_024 * 1_024;
const OURS = [CallService, CatalogService, EventService];
/** Of one connection, calls and streams together. */
const MAX_CALLS = 128;
/** For a connection without a call. */
const IDLE_MS = 300_000;
const HANDSHAKE_MS = 10_000;
const KEEPALIVE = { "grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 20_000 };
const HEALTH_MS = 1_000;
/** For answers under way when the server closes. */
const CLOSE_GRACE_MS = 2_000;

/** Rejects with HostError `conflict` when the port is taken, `invalid-message` when it is not to be had. */
export async function startGrpcServer(options: GrpcOptions, context: AdapterContext): Promise<GrpcServer> {
  const { host, port, maxMessageBytes } = options;
  context.requireListenable(host, port);
  const connections = new Connections();
  const streams = eventStreams(options, context);
  const server = new Server({
    ...{ "grpc.max_receive_message_length": maxMessageBytes, "grpc.max_send_message_length": maxMessageBytes },
    ...{ "grpc.max_concurrent_streams": MAX_CALLS, "grpc.max_connection_idle_ms": IDLE_MS, "grpc.enable_channelz": 0 },
    ...KEEPALIVE,
    interceptors: [
      admitting({
        context,
        socketOf: (call) => connections.find(call.getConnectionInfo()),
        keep: (socket) => connections.keep(socket),
      }),
    ],
  } as ServerOptions);
  server.addService(definitionOf(CallService), callHandlers(context));
  server.addService(definitionOf(CatalogService), catalogHandlers(context));
  server.addService(definitionOf(EventService), eventHandlers({ context, streams, cut: (call) => connections.end(call.getPeer()) }));
  const stopHealth = serveHealth(server, context);
  new ReflectionService(Object.fromEntries(OURS.map((one) => [one.typeName, described(one)])) as never).addToServer(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const { tls } = context;
  const listener =
    tls === undefined
      ? createServer({ noDelay: true })
      : createTlsServer({ ...secureOptions(tls.current()), ALPNProtocols: ["h2"], handshakeTimeout: HANDSHAKE_MS, noDelay: true });
  connections.listen(listener, tls !== undefined, affordableConnections(options.maxConnections), (socket) =>
    injector.injectConnection(socket),
  );
  const stopFollowing = tls === undefined ? () => {} : followCertificate(listener as TlsServer, tls);
  await listening(listener, options);
  const scheme = tls === undefined ? "http" : "https";
  return {
    url: `${scheme}://${authorityOf(listener)}`,
    async close() {
      listener.close();
      stopFollowing();
      stopHealth();
      streams.stop();
      const cut = setTimeout(() => server.forceShutdown(), CLOSE_GRACE_MS);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(cut);
      connections.endAll();
    },
  };
}

/** Open connections by where they come from: the library tells of a call no more than that. */
class Connections {
  readonly #open = new Map<string, Socket>();
  #keep: (socket: Socket) => void = () => {};

  listen(server: NetServer, isSecure: boolean, maxConnections: number, serve: (socket: Socket) => void): void {
    this.#keep = boundConnections(server, maxConnections);
    server.on(isSecure ? "secureConnection" : "connection", (socket: Socket) => {
      const { remoteAddress, remotePort } = socket;
      const key = keyOf({ remoteAddress, remotePort });
      this.#open.set(key, socket);
      socket.on("error", () => {});
      socket.once("close", () => this.#open.delete(key));
      serve(socket);
    });
    if (isSecure) server.on("tlsClientError", () => {});
  }

  find(peer: Peer): Socket | undefined {
    return this.#open.get(keyOf(peer));
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

function eventStreams({ events: { maxEvents, maxMiB }, maxConnections }: GrpcOptions, context: AdapterContext): EventStreams {
  const limits = { maxEvents, maxBytes: maxMiB * MIB };
  return new EventStreams({
    context,
    limits,
    encode: eventMessage,
    maxStreams: maxConnections * MAX_CALLS,
    maxStreamsName: "adapters.grpc.maxConnections",
  });
}

/** Of the host, and of each service of ours, which is well when the host is. Returns its undo. */
function serveHealth(server: Server, { health: ofHost, clock }: AdapterContext): () => void {
  const health = new HealthImplementation();
  health.addToServer(server);
  let cancel = (): void => {};
  const look = (): void => {
    const state = ofHost.unready().length === 0 ? "SERVING" : "NOT_SERVING";
    for (const name of ["", ...OURS.map(({ typeName }) => typeName)]) health.setStatus(name, state);
    cancel = clock.after(HEALTH_MS, look);
  };
  look();
  return () => cancel();
}

function listening(server: NetServer, { host, port }: GrpcOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const remedy = "give another with adapters.grpc.port; 0 takes a free one";
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
