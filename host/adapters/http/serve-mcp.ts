// The Model Context Protocol over streamable HTTP, without sessions: what a message asks is answered to it alone.

import { once } from "node:events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { shownJson } from "../../bounds/shown-json.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { AdapterContext, Principal } from "../../seams.ts";
import { parseMessage } from "../gateway/mcp/message.ts";
import { loadMcp, type McpHttpHandler } from "../gateway/mcp/package.ts";
import { Mcp } from "../gateway/mcp/server.ts";
import { MCP, MCP_METADATA } from "./paths.ts";
import { bytesOf } from "./payload.ts";
import { principalOf } from "./principal.ts";
import { protectedResource } from "./protected-resource.ts";

export interface McpDoorPorts {
  readonly context: AdapterContext;
  /** Clients at once that wait to be told of other tools. */
  readonly maxStreams: number;
}

/** For a client that does not read. */
const STALLED_MS = 30_000;
/** Stands for hours, while the catalog changes. */
const LISTEN = "subscriptions/listen";
/** Is counted as a call of its service. */
const CALL = "tools/call";

/** Returns what ends it. Rejects with HostError `invalid-message` and the command that installs the SDK. */
export async function serveMcp(app: FastifyInstance, { context, maxStreams }: McpDoorPorts): Promise<() => void> {
  const sdk = await loadMcp();
  const mcp = new Mcp({ sdk, context });
  const handler = sdk.createMcpHandler(
    ({ authInfo, era, requestInfo }) =>
      mcp.server({
        principal: authInfo?.extra?.principal as Principal,
        // Without a session only a stream of the later revision can be told anything.
        isTold: era === "modern",
        isCounted: true,
        gone: requestInfo?.signal ?? AbortSignal.abort(),
      }),
    { maxSubscriptions: maxStreams },
  );
  let listening = 0;
  let forget: (() => void) | undefined;
  app.get(MCP_METADATA, { exposeHeadRoute: false }, async (request, reply) =>
    reply.header("cache-control", "no-store").send(protectedResource(context.issuers, request)),
  );
  app.route({
    method: ["GET", "POST", "DELETE"],
    url: MCP,
    exposeHeadRoute: false,
    async handler(request, reply) {
      const principal = principalOf(request);
      const message = request.method === "POST" ? parseMessage(bytesOf(request)) : undefined;
      const answering = new Exchange(handler, request, reply, context.clock);
      const answer = (): Promise<void> => answering.answer(message, principal);
      const method = methodIn(message);
      if (method === CALL) return answer();
      if (method !== LISTEN) return context.within(principal, answer).catch((refused: unknown) => answering.end(refused));
      const close = context.openStream(principal, () => answering.cut());
      listening += 1;
      forget ??= mcp.onToolsChanged(() => handler.notify.toolsChanged());
      return answer().finally(() => {
        close();
        listening -= 1;
        if (listening > 0) return;
        forget?.();
        forget = undefined;
      });
    },
  });
  return () => {
    forget?.();
    void handler.close().catch(() => {});
  };
}

const methodIn = (message: unknown): unknown =>
  typeof message === "object" && message !== null && "method" in message ? message.method : undefined;

/** One request and its answer, which may be a stream. */
class Exchange {
  readonly #handler: McpHttpHandler;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #clock: Pick<Clock, "after">;
  readonly #gone = new AbortController();

  constructor(handler: McpHttpHandler, request: FastifyRequest, reply: FastifyReply, clock: Pick<Clock, "after">) {
    this.#clock = clock;
    this.#handler = handler;
    this.#request = request;
    this.#reply = reply;
  }

  async answer(parsedBody: unknown, principal: Principal): Promise<void> {
    const { raw } = this.#reply;
    this.#reply.hijack();
    raw.on("error", () => {});
    raw.once("close", () => this.#gone.abort());
    if (raw.destroyed) this.#gone.abort();
    // The host's token goes no further than to the gate.
    const authInfo = { token: "", clientId: principal.name, scopes: [], extra: { principal } };
    try {
      await this.#send(await this.#handler.fetch(this.#asked(), { authInfo, parsedBody }));
    } catch {
      raw.destroy();
    }
  }

  /** Throws what the client can still be told. */
  end(refused: unknown): void {
    if (!this.#reply.sent) throw refused;
    this.cut();
  }

  /** Breaks off. */
  cut(): void {
    this.#gone.abort();
    this.#reply.raw.destroy();
  }

  #asked(): Request {
    const { method, headers } = this.#request;
    const url = `http://${headers.host}${MCP}`;
    const { authorization: _kept, cookie: _neither, ...rest } = headers;
    const given = Object.entries(rest).filter((pair): pair is [string, string] => typeof pair[1] === "string");
    return new Request(url, { method, headers: given, signal: this.#gone.signal });
  }

  /** Piece by piece, as its client reads; rejects for one that has not for long. */
  async #send({ status, headers, body }: Response): Promise<void> {
    const { raw } = this.#reply;
    raw.writeHead(status, { ...Object.fromEntries(headers), "x-content-type-options": "nosniff" });
    raw.flushHeaders();
    // A character may come in two pieces.
    const decoder = new TextDecoder();
    for await (const piece of body ?? []) {
      if (!raw.write(shownJson(decoder.decode(piece, { stream: true })))) await this.#drained();
    }
    raw.end();
  }

  async #drained(): Promise<void> {
    const stalled = new AbortController();
    const cancel = this.#clock.after(STALLED_MS, () => stalled.abort());
    try {
      await once(this.#reply.raw, "drain", { signal: AbortSignal.any([this.#gone.signal, stalled.signal]) });
    } finally {
      cancel();
    }
  }
}
