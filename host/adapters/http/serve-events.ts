// Events as they come: as text/event-stream, which a browser's EventSource reads and resumes by id, and over WebSocket.

import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import { parseJsonInput } from "../../bounds/json-input.ts";
import type { AdapterContext } from "../../seams.ts";
import type { EndReason, Outlet } from "../gateway/event-stream.ts";
import type { EventStreams } from "../gateway/event-streams.ts";
import type { KeptEvent } from "../gateway/event-window.ts";
import { eventQuerySchema, malformedQuery, type WantedEvents, wantedEvents } from "../gateway/wanted-events.ts";
import { openEventSocket } from "./event-socket.ts";
import { MessageRates } from "./message-rates.ts";
import { principalOf } from "./principal.ts";
import { EVENTS_SOCKET, type Upgrades } from "./upgrade.ts";

export const EVENTS = "/v1/events";

/** When a client that was cut off is to come back. */
const RETRY_MS = 2_000;
/** Of an answer that goes on. */
export const EVENT_STREAM: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

export interface EventPorts {
  readonly context: Pick<AdapterContext, "publish" | "clock">;
  readonly streams: EventStreams;
  readonly upgrades: Upgrades;
}

export function serveEvents(app: FastifyInstance, { context, streams, upgrades }: EventPorts): void {
  const rates = new MessageRates(context.clock);
  app.get(EVENTS_SOCKET, { exposeHeadRoute: false }, async (request, reply) => {
    upgrades.require(request);
    const { stream, serve } = openEventSocket({ context, streams, rates }, principalOf(request));
    request.raw.socket.once("close", () => stream.close());
    upgrades.accept(reply, serve);
    if (request.raw.socket.destroyed) stream.close();
  });
  app.get<{ Querystring: Readonly<Record<string, unknown>> }>(EVENTS, { exposeHeadRoute: false }, async (request, reply) => {
    const { lastEventId, ...query } = request.query;
    const wanted = wantedOf(query);
    const after = request.headers["last-event-id"] ?? lastEventId;
    const { raw } = reply;
    const stream = streams.open(principalOf(request), new EventSourceOutlet(raw));
    reply.hijack();
    raw.once("close", () => stream.close());
    raw.on("drain", () => stream.ready());
    raw.writeHead(200, EVENT_STREAM);
    const id = stream.follow("", wanted, after === undefined ? undefined : String(after));
    // With the id, so that a client which is cut off before its first event comes back to this place.
    raw.write(`retry: ${RETRY_MS}\nid: ${id}\n\n`);
    if (raw.destroyed) stream.close();
  });
}

/** Throws HostError `invalid-message` with the parameter that is wrong. */
function wantedOf({ filter, ...query }: Readonly<Record<string, unknown>>): WantedEvents {
  const given = { ...query, ...(filter !== undefined && { filter: parseJsonInput(Buffer.from(String(filter)), "the parameter filter") }) };
  const parsed = eventQuerySchema.safeParse(given);
  if (!parsed.success) throw malformedQuery("the query", parsed.error);
  return wantedEvents(parsed.data);
}

class EventSourceOutlet implements Outlet {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  eventMessage({ frame }: KeptEvent): readonly Buffer[] {
    return [frame];
  }

  gapMessage(missed: number | null, id: string): Buffer {
    return Buffer.from(`event: gap\nid: ${id}\ndata: ${JSON.stringify({ missed })}\n\n`);
  }

  write(piece: Buffer): boolean {
    return this.#response.write(piece);
  }

  ping(id: string | undefined): void {
    // The id alone dispatches nothing and is remembered: whoever wants little has not missed what he did not want.
    this.#response.write(id === undefined ? ":\n\n" : `:\nid: ${id}\n\n`);
  }

  end(reason: EndReason): void {
    this.#response.end(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`);
  }

  cut(): void {
    this.#response.destroy();
  }
}
