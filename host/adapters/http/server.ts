// The HTTP adapter: routes that plugins contribute, and the host's own under /v1. It holds no state and no domain logic.

import type { AddressInfo } from "node:net";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { affordableConnections, boundConnections } from "../../bounds/connections.ts";
import { answerTo } from "../../bounds/error-answers.ts";
import { parseJsonInput } from "../../bounds/json-input.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import { isDottedName, printable } from "../../core/names.ts";
import type { LogSink } from "../../core/ports/log.ts";
import { startTrace } from "../../core/trace.ts";
import type { AdapterCall, AdapterContext, BlobSource } from "../../seams.ts";
import { sendBlob } from "./blob-answer.ts";
import { addBodies, clientError, receiveBlob } from "./bodies.ts";
import { errorBody, retryAfterOf } from "./errors.ts";
import type { HttpOptions } from "./options.ts";
import { BODY_TYPES, originGuard, refuseBodyType } from "./origin.ts";
import { looksLikeJson, mergedInput, readBody } from "./payload.ts";
import { type FoundRoute, PluginRoutes } from "./plugin-routes.ts";
import { admit, isKnown, principalOf, showedToken } from "./principal.ts";
import { type RawAnswer, rawAnswer, rawInput } from "./raw.ts";
import { SHOWN_ONLY } from "./raw-headers.ts";
import type { HttpRoute } from "./routes.ts";

export interface HttpServer {
  /** Such as `http://127.0.0.1:7420`. */
  readonly url: string;
  /** Stops listening and waits for answers under way. */
  close(): Promise<void>;
}

/** For a request to arrive in full. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often connections are looked at whose time is up. */
const CHECKING_MS = 1_000;
/** For answers under way when the server closes. */
const CLOSE_GRACE_MS = 2_000;
/** Where what plugins contribute is found, beside the host's own routes. */
const PLUGIN_ROUTES = "/*";
/** Open to everybody, and tells those who are not known nothing but whether all is well. */
const HEALTH = "/healthz";
const UNAUTHORIZED = 401;
const NO_BYTES = new Uint8Array(0);

/** Rejects with HostError `conflict` when the port is taken, `invalid-message` when it is not to be had. */
export async function startHttpServer(options: HttpOptions, context: AdapterContext): Promise<HttpServer> {
  context.requireListenable(options.host, options.port);
  const app = fastify({
    bodyLimit: options.maxBodyBytes,
    routerOptions: { maxParamLength: 255 },
    forceCloseConnections: "idle",
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: options.keepAliveMs,
    http: { headersTimeout: options.headersMs, connectionsCheckingInterval: CHECKING_MS },
  });
  boundConnections(app.server, affordable(options, context.log));
  const found = addDoor(app, options, context);
  app.setErrorHandler((thrown, _request, reply) => sendError(thrown, reply, { log: context.log, options }));
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${printable(request.url)}; GET /v1/plugins lists what runs`;
    return reply.code(404).send({ error: { code: "no-such-service", message } });
  });
  addHostRoutes(app, context);
  addPluginRoutes(app, context, { found, options });
  await app.listen({ host: options.host, port: options.port }).catch((cause: unknown) => {
    throw notListening(options, cause);
  });
  const { address, port, family } = app.server.address() as AddressInfo;
  return { url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`, close: () => close(app) };
}

/** Who comes in, and with which bodies. Answers where the plugins' routes that were found are put. */
function addDoor(
  app: FastifyInstance,
  { host, allowedHosts, maxBodyBytes }: HttpOptions,
  context: AdapterContext,
): WeakMap<FastifyRequest, FoundRoute> {
  const routes = new PluginRoutes(context.catalog, context.log);
  const found = new WeakMap<FastifyRequest, FoundRoute>();
  const kindOf = (request: FastifyRequest): HttpRoute["request"] => found.get(request)?.route.request;
  addBodies(app, {
    maxBodyBytes,
    isBlob: (request) => kindOf(request) === "blob",
    refusal: (request) => (kindOf(request) === "raw" ? undefined : refuseBodyType(request.method, "")),
  });
  const refuseOrigin = originGuard([host, ...allowedHosts]);
  app.addHook("onRequest", async (request) => {
    const { method, headers } = request;
    const refusal = refuseOrigin(headers);
    if (refusal !== undefined) throw new HostError("permission-denied", refusal);
    await admit(request, context).catch((refused: unknown) => {
      if (request.routeOptions.url !== HEALTH) throw refused;
    });
    const route = request.routeOptions.url === PLUGIN_ROUTES ? routes.find(method, request.url) : undefined;
    if (route !== undefined) found.set(request, route);
    const refused = kindOf(request) === undefined ? refuseBodyType(method, headers["content-type"]) : undefined;
    if (refused !== undefined) throw clientError(415, refused);
  });
  return found;
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

function addHostRoutes(app: FastifyInstance, context: AdapterContext): void {
  app.get(HEALTH, async (request) => {
    const failed = context.catalog.plugins
      .filter(({ state }) => state === "failed" || state === "quarantined")
      .map((plugin) => plugin.name);
    const found = context.problems();
    const status = failed.length === 0 && found.length === 0 ? "ok" : "degraded";
    if (!isKnown(request)) return { status };
    return { status, failed, ...(found.length === 0 ? {} : { problems: found }) };
  });
  app.get("/v1/plugins", async (request) => {
    const catalog = context.catalog.for(principalOf(request));
    const services = catalog.services;
    return catalog.plugins.map(({ name, version, state, queued, permissions, grants, limits, failure }) => {
      const own = services.filter(({ provider }) => provider === name).map((service) => service.name);
      const error = failure === undefined ? undefined : { code: failure.code, message: failure.message };
      return { name, version, state, queued, services: own, permissions, grants, limits, error };
    });
  });
  app.post<{ Params: { operation: string } }>("/v1/admin/:operation", async (request) => {
    const body = await readBody(request);
    const input = parseJsonInput(body?.bytes ?? NO_BYTES, "the operation's input");
    return { result: (await context.operate(principalOf(request), request.params.operation, input)) ?? null };
  });
  app.post<{ Params: { name: string } }>("/v1/services/:name", async (request, reply) => {
    const { name } = request.params;
    if (!isDottedName(name)) throw new HostError("invalid-message", `"${printable(name)}" is no service name`);
    const body = await readBody(request);
    const payload = body?.bytes ?? NO_BYTES;
    return send(await call(context, { service: name, payload }, request, reply), reply);
  });
}

interface Routing {
  readonly found: WeakMap<FastifyRequest, FoundRoute>;
  readonly options: HttpOptions;
}

function addPluginRoutes(app: FastifyInstance, context: AdapterContext, { found, options }: Routing): void {
  app.route({
    method: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    url: PLUGIN_ROUTES,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const asked = found.get(request);
      if (asked === undefined) return reply.callNotFound();
      const { plugin, route, params } = asked;
      if (route.request === undefined) {
        const input = await mergedInput(await readBody(request), params, request.query);
        return send(await call(context, { service: route.service, payload: input }, request, reply), reply);
      }
      const { service, headers: named = [] } = route;
      const caller = principalOf(request);
      const allowed = Object.hasOwn(options.credentialHeaders, plugin) ? (options.credentialHeaders[plugin] ?? []) : [];
      // What was shown to the host would let whoever has it in.
      const mayHave = showedToken(request) ? allowed.filter((name) => name !== "authorization") : allowed;
      const received = route.request === "blob" ? await receiveBlob(request, { context, caller, service, options }) : undefined;
      if (received !== undefined) whenOver(reply, () => received.release());
      const input = rawInput(request, { params, named, mayHave, blob: received?.blob });
      const answer = rawAnswer(plugin, await call(context, { service, payload: input }, request, reply));
      const source = answer.blob === undefined ? undefined : await sourceOf(plugin, context.blobs.source(caller, service, answer.blob));
      return sendRaw(request, reply, answer, source);
    },
  });
}

function call(
  context: AdapterContext,
  asked: Pick<AdapterCall, "service" | "payload">,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Uint8Array> {
  const { traceparent: incoming } = request.headers;
  const traceparent = startTrace(typeof incoming === "string" ? incoming : undefined);
  reply.header("traceparent", traceparent);
  const gone = new AbortController();
  // While its body was read, say.
  if (reply.raw.destroyed) gone.abort();
  reply.raw.once("close", () => {
    if (!reply.raw.writableEnded) gone.abort();
  });
  return context.call(principalOf(request), { ...asked, traceparent, signal: gone.signal });
}

function send(output: Uint8Array, reply: FastifyReply): FastifyReply {
  if (output.length === 0) return reply.code(204).send();
  reply.header("x-content-type-options", "nosniff");
  reply.type(looksLikeJson(output) ? `${BODY_TYPES.json}; charset=utf-8` : BODY_TYPES.bytes);
  return reply.send(Buffer.from(output.buffer, output.byteOffset, output.byteLength));
}

/** Once the answer has been sent, or nobody waits for it any more. */
function whenOver({ raw }: FastifyReply, work: () => Promise<void>): void {
  if (raw.closed || raw.destroyed) void work();
  else raw.once("close", () => void work());
}

/** A blob that a plugin names and does not have is the plugin's failure. */
function sourceOf(plugin: string, source: Promise<BlobSource>): Promise<BlobSource> {
  return source.catch((thrown: unknown) => {
    const { code, message } = toHostError(thrown);
    throw code === "invalid-message" ? new HostError("plugin-failed", `${plugin} answered what is no raw answer: ${message}`) : thrown;
  });
}

function sendRaw(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, body }: RawAnswer,
  source: BlobSource | undefined,
): FastifyReply {
  reply.code(status).headers(SHOWN_ONLY);
  if (body.length > 0) reply.type(BODY_TYPES.bytes);
  for (const { name, value } of headers) reply.header(name, value);
  if (source !== undefined) return sendBlob(request, reply, source, status === 200);
  return reply.send(body.length === 0 ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength));
}

function sendError(
  thrown: unknown,
  reply: FastifyReply,
  { log, options }: { readonly log: LogSink; readonly options: HttpOptions },
): FastifyReply {
  // What is left of the body is not read.
  if (!reply.request.raw.complete) reply.header("connection", "close");
  if (isClientError(thrown)) {
    const { statusCode } = thrown;
    if (statusCode !== 413) return reply.code(statusCode).send(errorBody({ code: "invalid-message", message: thrown.message }));
    const message = `the body has more than ${options.maxBodyBytes} bytes, which is the limit (adapters.http.maxBodyBytes)`;
    return reply.code(statusCode).send(errorBody({ code: "quota-exceeded", message }));
  }
  const error = toHostError(thrown);
  if (error.code === "internal") log.write({ level: "error", plugin: "host", message: "an HTTP request failed", cause: error });
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  if (answerTo(error).http === UNAUTHORIZED) reply.header("www-authenticate", 'Bearer realm="bulkhead"');
  return reply.code(answerTo(error).http).send(errorBody(error));
}

// Fastify's own refusals, such as a body that is too large, and ours of a body's type.
function isClientError(thrown: unknown): thrown is Error & { statusCode: number } {
  return thrown instanceof Error && "statusCode" in thrown && typeof thrown.statusCode === "number" && thrown.statusCode < 500;
}
