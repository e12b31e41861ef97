// GraphQL over HTTP: POST with JSON, which no page of another origin can send without asking, and subscriptions as server-sent events.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { shownJson } from "../../bounds/shown-json.ts";
import { startTrace } from "../../core/trace.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import type { EventStreams } from "../gateway/event-streams.ts";
import { RefusedRequest } from "../gateway/graphql/errors.ts";
import { LIMITS } from "../gateway/graphql/limits.ts";
import { type Answer, GraphQLOperations, type Operation } from "../gateway/graphql/operations.ts";
import { loadGraphQL } from "../gateway/graphql/package.ts";
import { requestOf } from "../gateway/graphql/request.ts";
import { timeoutOf } from "./calls.ts";
import { clientError } from "./client-error.ts";
import { clientGone } from "./gone-clients.ts";
import { COMPLETE, nextFrame, SubscriptionOutlet } from "./graphql-events.ts";
import type { HttpOptions } from "./options.ts";
import { BODY_TYPES } from "./origin.ts";
import { GRAPHQL } from "./paths.ts";
import { bytesOf } from "./payload.ts";
import { principalOf } from "./principal.ts";
import { EVENT_STREAM } from "./serve-events.ts";

export interface GraphQLDoorPorts {
  readonly context: AdapterContext;
  readonly streams: EventStreams;
  readonly options: Pick<HttpOptions, "maxBodyBytes">;
}

const STREAM = "text/event-stream";
const JSON_TYPE = BODY_TYPES.json;
const RESPONSE = "application/graphql-response+json";

/** Rejects with HostError `invalid-message` and the command that installs the package. */
export async function serveGraphQL(app: FastifyInstance, { context, streams, options }: GraphQLDoorPorts): Promise<void> {
  const operations = new GraphQLOperations({ graphql: await loadGraphQL(), context });
  app.get(GRAPHQL, { exposeHeadRoute: false }, async (_request, reply) => {
    reply.header("allow", "POST");
    throw clientError(405, "GraphQL is asked with POST");
  });
  app.post(GRAPHQL, { bodyLimit: Math.min(options.maxBodyBytes, LIMITS.bodyBytes) }, async (request, reply) => {
    const accepts = acceptedBy(request);
    const exchange = { request, reply, accepts, principal: principalOf(request) };
    try {
      return await answer(exchange, clientGone(request.raw));
    } catch (thrown) {
      if (!(thrown instanceof RefusedRequest)) throw thrown;
      return send(reply, accepts, { errors: thrown.errors });
    }
  });

  async function answer({ request, reply, accepts, principal }: Exchange, signal: AbortSignal): Promise<FastifyReply> {
    const asking = { ...timing(request, reply), principal, signal };
    const asked = requestOf(bytesOf(request));
    // What is checked, and asked of nobody, costs as much as a call and counts as one.
    const [operation, ready] = await context.within(principal, async () => {
      const prepared = await operations.prepare(principal, asked);
      return [prepared, prepared.callsNobody ? await operations.execute(prepared, asking) : undefined] as const;
    });
    if (operation.kind === "subscription") return follow(operation, { reply, accepts, principal });
    return send(reply, accepts, ready ?? (await operations.execute(operation, asking)));
  }

  async function follow(operation: Operation, { reply, accepts, principal }: Omit<Exchange, "request">): Promise<FastifyReply> {
    if (!accepts.stream) throw clientError(406, `a subscription is answered as ${STREAM}; accept that`);
    const { wanted, after, template } = await operations.follow(operation);
    const { raw } = reply;
    const stream = streams.open(principal, new SubscriptionOutlet(raw, template));
    reply.hijack();
    raw.once("close", () => stream.close());
    raw.on("drain", () => stream.ready());
    raw.writeHead(200, EVENT_STREAM);
    raw.write(":\n\n");
    stream.follow("", wanted, after);
    if (raw.destroyed) stream.close();
    return reply;
  }
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly accepts: Accepted;
  readonly principal: Principal;
}

function timing(
  { headers }: FastifyRequest,
  reply: FastifyReply,
): { readonly traceparent: string; readonly timeoutMs: number | undefined } {
  const { traceparent: incoming, "deadline-ms": deadline } = headers;
  const traceparent = startTrace(typeof incoming === "string" ? incoming : undefined);
  reply.header("traceparent", traceparent);
  return { traceparent, timeoutMs: timeoutOf(deadline) };
}

/** How a client takes its answer. */
interface Accepted {
  readonly json: typeof RESPONSE | typeof JSON_TYPE | undefined;
  readonly stream: boolean;
}

/** Of a request in JSON. */
function acceptedBy({ headers }: FastifyRequest): Accepted {
  const [sent = ""] = (headers["content-type"] ?? "").split(";", 1);
  if (sent.trim().toLowerCase() !== JSON_TYPE) throw clientError(415, `send content-type: ${JSON_TYPE}`);
  const named = new Set((headers.accept ?? "*/*").split(",").map((one) => one.split(";", 1)[0]?.trim().toLowerCase()));
  const accepts = (...types: readonly string[]): boolean => types.some((type) => named.has(type));
  const stream = accepts(STREAM, "text/*", "*/*");
  if (accepts(RESPONSE) || (!named.has(JSON_TYPE) && accepts("application/*", "*/*"))) return { json: RESPONSE, stream };
  if (accepts(JSON_TYPE)) return { json: JSON_TYPE, stream };
  if (stream) return { json: undefined, stream };
  throw clientError(406, `the answer is ${RESPONSE}, ${JSON_TYPE} or ${STREAM}; accept one of them`);
}

function send(reply: FastifyReply, { json }: Accepted, answer: Answer): FastifyReply {
  reply.headers({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
  const isRefused = answer.data === undefined;
  if (json === undefined && !isRefused) return reply.type(STREAM).send(nextFrame(answer) + COMPLETE);
  return reply
    .code(isRefused ? 400 : 200)
    .type(`${json ?? RESPONSE}; charset=utf-8`)
    .send(shownJson(JSON.stringify(answer)));
}
