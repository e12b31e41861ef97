// The routes that plugins contribute.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { HostError, toHostError } from "../../core/errors.ts";
import type { MaybePromise } from "../../core/types.ts";
import type { AdapterContext, BlobSource } from "../../seams.ts";
import { sendOutput } from "./answers.ts";
import { type Asked, type AskedRequests, PLUGIN_ROUTES } from "./asked.ts";
import { sendBlob } from "./blob-answer.ts";
import { receiveBlob } from "./bodies.ts";
import type { HttpCalls } from "./calls.ts";
import type { HttpOptions } from "./options.ts";
import { BODY_TYPES } from "./origin.ts";
import { bytesOf, mergedInput, readBody, textInput, textOf } from "./payload.ts";
import type { FoundRoute } from "./plugin-routes.ts";
import { principalOf, showedToken } from "./principal.ts";
import { type RawAnswer, rawAnswer, rawInput } from "./raw.ts";
import { SHOWN_ONLY } from "./raw-headers.ts";

export interface PluginRoutePorts {
  readonly context: AdapterContext;
  readonly options: HttpOptions;
  readonly asked: AskedRequests;
  readonly calls: HttpCalls;
}

export function servePlugins(app: FastifyInstance, ports: PluginRoutePorts): void {
  app.route({
    method: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    url: PLUGIN_ROUTES,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const asked = ports.asked.of(request);
      const { found } = asked;
      if (found === undefined) return reply.callNotFound();
      if (found.route.request !== undefined) return answerAsItCame(request, reply, { ...asked, found }, ports);
      const { service: declared } = asked;
      const input = declared?.consumes === undefined ? inputOf(request, { ...asked, found }) : bytesOf(request);
      const payload = input instanceof Promise ? await input : input;
      const call = { service: found.route.service, payload, declared, mayHaveKey: request.method === "POST" };
      return sendOutput(reply, await ports.calls.call(request, reply, call), declared);
    },
  });
}

type AskedRoute = Asked & { readonly found: FoundRoute };

function inputOf(request: FastifyRequest, { found, service }: AskedRoute): MaybePromise<Uint8Array> {
  const [params, query] = [textOf(service, found.params), textOf(service, request.query)];
  // What has no body has nothing to wait for.
  if (bytesOf(request).length === 0) return textInput(params, query);
  return readBody(request).then((body) => mergedInput(body, params, query));
}

/** Of a raw route, or one with a blob. */
async function answerAsItCame(
  request: FastifyRequest,
  reply: FastifyReply,
  { found, service: declared }: AskedRoute,
  { context, options, calls }: PluginRoutePorts,
): Promise<FastifyReply> {
  const { plugin, route, params } = found;
  const { service, headers: named = [] } = route;
  const principal = principalOf(request);
  const allowed = Object.hasOwn(options.credentialHeaders, plugin) ? (options.credentialHeaders[plugin] ?? []) : [];
  // What was shown to the host would let whoever has it in.
  const mayHave = showedToken(request) ? allowed.filter((name) => name !== "authorization") : allowed;
  const received = route.request === "blob" ? await receiveBlob(request, { context, caller: principal, service, options }) : undefined;
  if (received !== undefined) whenOver(reply, () => received.release());
  const payload = rawInput(request, { params, named, mayHave, blob: received?.blob });
  const output = await calls.call(request, reply, { service, payload, declared, mayHaveKey: false });
  const answer = rawAnswer(plugin, output);
  const source = answer.blob === undefined ? undefined : await sourceOf(plugin, context.blobs.source(principal, service, answer.blob));
  return sendRaw(request, reply, answer, source);
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
