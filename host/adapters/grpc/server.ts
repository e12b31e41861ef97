// The gRPC adapter: what it listens on, and what it is put together from. Its connections are our own (gateway/grpc/connections.ts).

import { ReflectionService } from "@grpc/reflection";
import type { AdapterContext } from "../../seams.ts";
import { EventStreams } from "../gateway/event-streams.ts";
import { Connections } from "../gateway/grpc/connections.ts";
import { definitionOf, described } from "../gateway/grpc/definitions.ts";
import { HealthImplementation, Server, ServerCredentials, type ServerOptions } from "../gateway/grpc/packages.ts";
import { callHandlers, catalogHandlers } from "./calls.ts";
import { admitting } from "./door.ts";
import { CallService, CatalogService, EventService } from "./doors_pb.ts";
import { eventHandlers, eventMessage } from "./events.ts";
import type { GrpcOptions } from "./options.ts";

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
  const listener = await connections.listen({
    ...{ host, port, tls, key: "adapters.grpc.port", maxConnections: options.maxConnections },
    serve: (socket) => injector.injectConnection(socket),
  });
  return {
    url: listener.url,
    async close() {
      listener.close();
      stopHealth();
      streams.stop();
      const cut = setTimeout(() => server.forceShutdown(), CLOSE_GRACE_MS);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(cut);
      connections.endAll();
    },
  };
}

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
