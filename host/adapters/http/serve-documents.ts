// What can be called and heard of, as documents that generators of clients read, and as a page for people.

import type { FastifyInstance, FastifyReply } from "fastify";
import { shownJson } from "../../bounds/shown-json.ts";
import type { AdapterContext } from "../../seams.ts";
import { asyncApiDocument, type EventChannel } from "../gateway/asyncapi.ts";
import { Documents } from "../gateway/documents.ts";
import { openApiDocument } from "../gateway/openapi.ts";
import { serveDocsPage } from "./docs-page.ts";
import { BODY_TYPES } from "./origin.ts";
import { principalOf } from "./principal.ts";
import type { HttpRoute } from "./routes.ts";
import { EVENTS } from "./serve-events.ts";
import { EVENTS_SOCKET } from "./upgrade.ts";

/** Where events can be followed. */
const channels = (isSecure: boolean): readonly EventChannel[] => [
  {
    ...{ name: "events", path: EVENTS, protocol: isSecure ? "https" : "http" },
    description: "text/event-stream, whose data are events; parameters types, source, filter and lastEventId choose among them.",
  },
  {
    ...{ name: "events_ws", path: EVENTS_SOCKET, protocol: isSecure ? "wss" : "ws", isEnveloped: true },
    description: 'WebSocket: events come after a message such as {"subscribe": {"types": ["devices.*"]}}.',
  },
];

export interface DocumentPorts {
  readonly context: Pick<AdapterContext, "catalog" | "tls">;
  /** `127.0.0.1:7420`, say, once it listens. */
  address(): string;
}

export function serveDocuments(app: FastifyInstance, { context, address }: DocumentPorts): void {
  const documents = new Documents<Buffer>(context.catalog);
  const send = (reply: FastifyReply, document: Buffer): FastifyReply =>
    reply
      .headers({ "cache-control": "no-cache", "x-content-type-options": "nosniff" })
      .type(`${BODY_TYPES.json}; charset=utf-8`)
      .send(document);
  app.get("/v1/openapi.json", async (request, reply) => {
    const made = documents.get("openapi", principalOf(request), (catalog) => {
      const routes = catalog.contributions("http").flatMap(({ section }) => section as readonly HttpRoute[]);
      return bytesOf(openApiDocument({ services: catalog.services, plugins: catalog.plugins, routes }));
    });
    return send(reply, made);
  });
  app.get("/v1/asyncapi.json", async (request, reply) => {
    const made = documents.get("asyncapi", principalOf(request), ({ events }) =>
      bytesOf(asyncApiDocument({ events, channels: channels(context.tls !== undefined), host: address() })),
    );
    return send(reply, made);
  });
  serveDocsPage(app);
}

const bytesOf = (document: object): Buffer => Buffer.from(shownJson(JSON.stringify(document)));
