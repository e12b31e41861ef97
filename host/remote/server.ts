// Where remote plugins dial in: connections that are counted before anybody is known on them, who they are, and a session for each stream.

import type { Socket } from "node:net";
import { Connections } from "../adapters/gateway/grpc/connections.ts";
import { definitionOf } from "../adapters/gateway/grpc/definitions.ts";
import {
  HealthImplementation,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
} from "../adapters/gateway/grpc/packages.ts";
import { statusOf } from "../adapters/gateway/grpc/status.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { RemotePluginsOptions } from "../manifest/remote-plugins.ts";
import type { Tls } from "../seams.ts";
import { certifiedPlugin, tokenOf } from "./identity.ts";
import type { RemotePeers } from "./peers.ts";
import { RemotePluginService } from "./remote_pb.ts";
import { ENVELOPE_BYTES, Session } from "./session.ts";

export interface RemoteServerPorts {
  readonly options: RemotePluginsOptions;
  readonly clock: Clock;
  readonly log: LogSink;
  /** Undefined: without TLS. */
  readonly tls: Tls | undefined;
  readonly peers: RemotePeers;
  /** What a token is for; undefined for one that is not known. */
  check(token: string): { readonly id: string; readonly plugin: string } | undefined;
  /** Tells of tokens that hold no more; returns its undo. */
  onRevoked(listener: (token: { readonly id: string }) => void): () => void;
  /** Whether the host is well. */
  isReady(): boolean;
}

export interface RemoteServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:7422`. */
  readonly url: string;
}

const MIB = 1_024 * 1_024;
/** From a connection to the Hello of a plugin that is let in. */
const HELLO_MS = 10_000;
/** From one address, on which nobody is known. */
const MAX_UNKNOWN_PER_ADDRESS = 32;
/** Of one connection: a session, and health. */
const MAX_CALLS = 4;
const HEALTH_MS = 1_000;
/** For a peer to hear why its session is over, before the connection goes. */
const CLOSE_GRACE_MS = 1_000;

type Stream = ServerDuplexStream<Buffer, Uint8Array>;

/** Rejects with HostError `conflict` when the port is taken, `invalid-message` when it is not to be had. */
export async function startRemoteServer(ports: RemoteServerPorts): Promise<RemoteServer> {
  const { options, clock, log, tls, peers } = ports;
  const maxBytes = options.maxMessageMiB * MIB;
  const server = new Server({
    ...{ "grpc.max_receive_message_length": maxBytes, "grpc.max_send_message_length": -1 },
    ...{ "grpc.max_concurrent_streams": MAX_CALLS, "grpc.enable_channelz": 0 },
  } as ServerOptions);
  const connections = new Connections();
  const newcomers = new Newcomers(clock);
  const sessions = new SessionsOfSockets(clock);
  const byToken = new Map<string, Set<Session>>();
  const undoRevoked = ports.onRevoked(({ id }) => {
    for (const session of byToken.get(id) ?? []) session.cut(new HostError("permission-denied", "its token was revoked"));
  });
  const connect = (stream: Stream): void => {
    stream.on("error", () => {});
    const refuse = (error: HostError): void => {
      const { code, details, metadata } = statusOf(error, log);
      stream.emit("error", Object.assign(new Error(details), { code, details, metadata }));
    };
    try {
      const socket = connections.at(stream.getPeer());
      const { plugin, token } = identityOf(stream, socket, ports);
      const session = serve(stream, {
        clock,
        refuse,
        admit(hello, one) {
          const limits = peers.admit(plugin, hello, one);
          if (socket !== undefined) newcomers.known(socket);
          if (socket !== undefined) connections.keep(socket);
          // What is larger than the server takes would end the whole connection.
          return { ...limits, payloadBytes: Math.min(limits.payloadBytes, maxBytes - ENVELOPE_BYTES) };
        },
      });
      if (socket !== undefined) sessions.begin(socket, session);
      if (token === undefined) return;
      const ofToken = byToken.get(token) ?? new Set();
      byToken.set(token, ofToken.add(session));
      session.onLost(() => {
        ofToken.delete(session);
        if (ofToken.size === 0) byToken.delete(token);
      });
    } catch (thrown) {
      refuse(toHostError(thrown));
    }
  };
  server.addService(rawly(definitionOf(RemotePluginService)), { connect });
  const stopHealth = serveHealth(server, ports);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = await connections.listen({
    ...{ host: options.host, port: options.port, tls, key: "remotePlugins.port", maxConnections: options.maxConnections },
    serve(socket) {
      if (newcomers.take(socket)) injector.injectConnection(socket);
      else socket.destroy();
    },
  });
  return {
    url: listener.url,
    async [Symbol.asyncDispose]() {
      listener.close();
      undoRevoked();
      stopHealth();
      newcomers.close();
      server.forceShutdown();
      connections.endAll();
    },
  };
}

/** Throws HostError `permission-denied` with the reason `unauthenticated`. */
function identityOf(
  stream: Stream,
  socket: Socket | undefined,
  { check, tls }: Pick<RemoteServerPorts, "check" | "tls">,
): { readonly plugin: string; readonly token: string | undefined } {
  const [authorization] = stream.metadata.get("authorization");
  const token = authorization === undefined ? undefined : tokenOf(String(authorization));
  const known = token === undefined ? undefined : check(token);
  if (known !== undefined) return { plugin: known.plugin, token: known.id };
  const plugin = authorization === undefined ? certifiedPlugin(socket) : undefined;
  if (plugin !== undefined) return { plugin, token: undefined };
  const certificate = tls?.current().clientCa === undefined ? "" : ", or a certificate for bulkhead://plugin/<name>";
  throw new HostError(
    "permission-denied",
    `show a token (bulkhead remote token create <plugin>) as "authorization: Bearer …"${certificate}`,
    {
      reason: "unauthenticated",
    },
  );
}

interface Serving {
  readonly clock: Clock;
  readonly admit: ConstructorParameters<typeof Session>[0]["admit"];
  refuse(error: HostError): void;
}

function serve(stream: Stream, { clock, admit, refuse }: Serving): Session {
  const session: Session = new Session({
    clock,
    admit,
    send: (message) => void stream.write(message, () => session.taken(message.length)),
    close: (error) => void (error === undefined ? stream.end() : refuse(error)),
  });
  stream.on("data", (message: Buffer) => session.receive(message));
  stream.on("end", () => {
    session.gone("it ended its stream");
    stream.end();
  });
  stream.on("cancelled", () => session.gone("its connection broke"));
  stream.on("close", () => session.gone("its connection broke"));
  return session;
}

/** The library hands over what came as it is: it is counted before it is parsed. */
function rawly(definition: ReturnType<typeof definitionOf>): ReturnType<typeof definitionOf> {
  const raw = (bytes: unknown): Buffer => {
    const { buffer, byteOffset, byteLength } = bytes as Uint8Array<ArrayBuffer>;
    return Buffer.from(buffer, byteOffset, byteLength);
  };
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [
      name,
      { ...(method as MethodDefinition<Buffer, Buffer>), requestDeserialize: (bytes: Buffer) => bytes, responseSerialize: raw },
    ]),
  ) as unknown as ReturnType<typeof definitionOf>;
}

/** Ends connections that have no session any more: one that reads nothing would keep what it was sent. */
class SessionsOfSockets {
  readonly #clock: Clock;
  readonly #open = new WeakMap<Socket, Set<Session>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(socket: Socket, session: Session): void {
    const open = this.#open.get(socket) ?? new Set();
    this.#open.set(socket, open.add(session));
    session.onLost(() => {
      open.delete(session);
      this.#clock.after(CLOSE_GRACE_MS, () => {
        if (open.size === 0) socket.destroy();
      });
    });
  }
}

/** Connections on which nobody is known: so many of an address, and for so long. */
class Newcomers {
  readonly #clock: Clock;
  readonly #waiting = new Map<Socket, () => void>();
  readonly #perAddress = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False for one too many. */
  take(socket: Socket): boolean {
    const address = socket.remoteAddress ?? "";
    const count = this.#perAddress.get(address) ?? 0;
    if (count >= MAX_UNKNOWN_PER_ADDRESS) return false;
    this.#perAddress.set(address, count + 1);
    const cancel = this.#clock.after(HELLO_MS, () => socket.destroy());
    this.#waiting.set(socket, () => {
      cancel();
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
    socket.once("close", () => this.known(socket));
    return true;
  }

  known(socket: Socket): void {
    this.#waiting.get(socket)?.();
    this.#waiting.delete(socket);
  }

  close(): void {
    for (const socket of [...this.#waiting.keys()]) this.known(socket);
  }
}

/** Returns its undo. */
function serveHealth(server: Server, { clock, isReady }: Pick<RemoteServerPorts, "clock" | "isReady">): () => void {
  const health = new HealthImplementation();
  health.addToServer(server);
  let cancel = (): void => {};
  const look = (): void => {
    for (const name of ["", RemotePluginService.typeName]) health.setStatus(name, isReady() ? "SERVING" : "NOT_SERVING");
    cancel = clock.after(HEALTH_MS, look);
  };
  look();
  return () => cancel();
}
