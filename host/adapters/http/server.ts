// The HTTP adapter: what it listens on, and what it is put together from. It holds no state and no domain logic.

import type { AddressInfo } from "node:net";
import type { Server as TlsServer } from "node:tls";
import fastify, { type FastifyInstance } from "fastify";
import { affordableConnections, boundConnections } from "../../bounds/connections.ts";
import { shownJson } from "../../bounds/shown-json.ts";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { AdapterContext, Tls } from "../../seams.ts";
import { EventStreams } from "../gateway/event-streams.ts";
import { followCertificate, secureOptions } from "../gateway/tls.ts";
import { sendError, sendProblem } from "./answers.ts";
import { AskedRequests } from "./asked.ts";
import { HttpCalls } from "./calls.ts";
import { addDoor } from "./door.ts";
import { eventFrame } from "./event-frames.ts";
import { KnownServices } from "./known-services.ts";
import type { HttpOptions } from "./options.ts";
import { PluginRoutes } from "./plugin-routes.ts";
import { serveDocuments } from "./serve-documents.ts";
import { serveEvents } from "./serve-events.ts";
import { serveGraphQL } from "./serve-graphql.ts";
import { serveHost } from "./serve-host.ts";
import { serveLogin } from "./serve-login.ts";
import { serveMcp } from "./serve-mcp.ts";
import { servePlugins } from "./serve-plugins.ts";
import { serveServices } from "./serve-services.ts";
import { SessionCookies } from "./session-cookie.ts";
import { asksForSocket, Upgrades } from "./upgrade.ts";

export interface HttpServer {
  /** Such as `http://127.0.0.1:7420`. */
  readonly url: string;
  /** Stops listening and waits for answers under way. */
  close(): Promise<void>;
}

/** Of connections, for streams of events. */
const SHARE_OF_STREAMS = 1 / 2;
/** For those who wait to be told of other tools. */
const SHARE_OF_TOOLS = 1 / 8;
const MIB = 1_024 * 1_024;
/** For a request to arrive in full. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often connections are looked at whose time is up. */
const CHECKING_MS = 1_000;
/** For answers under way when the server closes. */
const CLOSE_GRACE_MS = 2_000;

/** Rejects with HostError `conflict` when the port is taken, `invalid-message` when it is not to be had. */
export async function startHttpServer(options: HttpOptions, context: AdapterContext): Promise<HttpServer> {
  context.requireListenable(options.host, options.port);
  const app = fastify({
    bodyLimit: options.maxBodyBytes,
    ...(options.trustedProxies.length > 0 && { trustProxy: [...options.trustedProxies] }),
    routerOptions: { maxParamLength: 255 },
    forceCloseConnections: "idle",
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: options.keepAliveMs,
    ...listening(options, context.tls),
  });
  const stopFollowing = context.tls === undefined ? () => {} : followCertificate(app.server as unknown as TlsServer, context.tls);
  const maxConnections = affordable(options, context.log);
  const upgrades = new Upgrades(app, boundConnections(app.server, maxConnections));
  const streams = eventStreams(options, context, maxConnections);
  const services = new KnownServices(context.catalog);
  const asked = new AskedRequests({ routes: new PluginRoutes(context.catalog, context.log), services });
  const calls = new HttpCalls(context);
  const cookies = new SessionCookies(options.allowedHosts, context.tls !== undefined);
  addDoor(app, { options, context, asked, cookies });
  app.setReplySerializer((answer) => shownJson(JSON.stringify(answer)));
  app.setErrorHandler((thrown, _request, reply) => sendError(thrown, reply, context));
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${printable(request.url)}; GET /v1/plugins lists what runs`;
    return sendProblem(reply, 404, { code: "no-such-service", message });
  });
  serveHost(app, context);
  serveLogin(app, { context, cookies });
  serveServices(app, asked, calls);
  serveEvents(app, { context, streams, upgrades });
  serveDocuments(app, { context, address: () => authorityOf(app) });
  const closeMcp = options.mcp ? await serveMcp(app, { context, maxStreams: Math.ceil(maxConnections * SHARE_OF_TOOLS) }) : () => {};
  if (options.graphql) await serveGraphQL(app, { context, streams, options });
  servePlugins(app, { context, options, asked, calls });
  await app.listen({ host: options.host, port: options.port }).catch((cause: unknown) => {
    throw notListening(options, cause);
  });
  const scheme = context.tls === undefined ? "http" : "https";
  return {
    url: `${scheme}://${authorityOf(app)}`,
    close() {
      stopFollowing();
      streams.stop();
      closeMcp();
      return close(app);
    },
  };
}

/** How it listens: with TLS where the operator has given a certificate, and only then does a client's count. */
function listening({ headersMs }: HttpOptions, tls: Tls | undefined): object {
  const timeouts = { headersTimeout: headersMs, connectionsCheckingInterval: CHECKING_MS };
  const http = { ...timeouts, shouldUpgradeCallback: asksForSocket };
  if (tls === undefined) return { http };
  return { https: { ...http, ...secureOptions(tls.current()), handshakeTimeout: headersMs } };
}

function authorityOf(app: FastifyInstance): string {
  const { address, port, family } = app.server.address() as AddressInfo;
  return `${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Streams leave room for calls: they last, and calls do not. */
function eventStreams({ events: { maxEvents, maxMiB } }: HttpOptions, context: AdapterContext, maxConnections: number): EventStreams {
  const maxStreams = Math.max(1, Math.floor(maxConnections * SHARE_OF_STREAMS));
  const limits = { maxEvents, maxBytes: maxMiB * MIB };
  return new EventStreams({ context, limits, encode: eventFrame, maxStreams, maxStreamsName: "half of adapters.http.maxConnections" });
}

function affordable({ maxConnections }: HttpOptions, log: LogSink): number {
  const affordable = affordableConnections(maxConnections);
  if (affordable < maxConnections) {
    const message = `the HTTP adapter keeps ${affordable} connections, not ${maxConnections}: half of the open files that are left (ulimit -n)`;
    log.write({ level: "warning", plugin: "host", message });
  }
  return affordable;
}

function notListening({ host, port }: HttpOptions, cause: unknown): HostError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const remedy = "give another with --port or adapters.http.port; 0 takes a free one";
  if (code === "EADDRINUSE")
    return new HostError("conflict", `port ${port} of ${host} is taken: stop what listens there, or ${remedy}`, { cause });
  return new HostError("invalid-message", `the host cannot listen on port ${port} of ${host} (${code ?? message}): ${remedy}`, { cause });
}

// A client that never finishes its request must not keep the host from stopping.
async function close(app: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
  await app.close().finally(() => clearTimeout(cut));
}
