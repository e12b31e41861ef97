// One event to many who follow it, beside the same bytes written to as many responses by hand; and what publishing costs where nobody follows.

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { startHttpServer } from "../../host/adapters/http/server.ts";
import { encodeEvent } from "../../host/core/cloud-event.ts";
import type { Host } from "../../host/core/host.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { testContext } from "../support/adapter-context.ts";
import { newHost, QUIET } from "./cells.ts";
import { type EventClients, eventClients } from "./event-clients.ts";
import { eachCall, measureBoth, measureInTurn, median, type Row, slower } from "./measure.ts";

const CLIENTS = 1_000;
const EVENTS = 40;
const PUBLISHES = 100_000;
const DATA: Uint8Array = Buffer.from(JSON.stringify({ value: "x".repeat(189) }));
const EVENT = { type: "bench.x", contentType: "application/json", source: "/plugins/bench", traceparent: "t", data: DATA } as const;
const BY = { kind: "plugin", name: "bench" } as const;

interface Side extends AsyncDisposable {
  readonly port: number;
  publish(): void;
}

export async function benchStreams(): Promise<Row[]> {
  const clients = eventClients();
  try {
    return [await fanOut(clients), await nobody()];
  } finally {
    await clients.close();
  }
}

/** Each side has all of its clients all the time; both are served by this process. */
async function fanOut(clients: EventClients): Promise<Row> {
  await using ours = await door();
  await using theirs = await bare();
  for (const { port } of [ours, theirs]) await clients.connect({ port, path: "/v1/events", clients: CLIENTS });
  const us = ({ port, publish }: Side) =>
    eachCall(EVENTS, () => {
      const heard = clients.heard(port);
      publish();
      return heard;
    });
  const found = await measureInTurn({ ours: () => us(ours), theirs: () => us(theirs) }, { rounds: 7, warmUpRounds: 2 });
  const work = `one event of 200 B until ${CLIENTS.toLocaleString("en")} SSE clients have it; vs its bytes written to as many responses`;
  return slower(work, { ours: median(found.ours), theirs: median(found.theirs) }, 1.5);
}

async function nobody(): Promise<Row> {
  await using withDoor = await door();
  const plain = newHost();
  const us = async (host: Host): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < PUBLISHES; i += 1) void host.publish(EVENT, BY);
    return ((performance.now() - start) * 1_000) / PUBLISHES;
  };
  const found = await measureBoth({ runOurs: () => us(withDoor.host), runTheirs: () => us(plain), rounds: 9 });
  return slower("publish of an event that nobody follows, with the HTTP adapter; vs without", found, 1.05);
}

/** With more streams and connections than by default. */
async function door(): Promise<Side & { readonly host: Host }> {
  const host = newHost();
  const auth = authSchema.parse({ limits: { streamsAtOnce: CLIENTS * 2 } });
  const { context } = testContext(host, { log: QUIET, adapter: "http", auth });
  const server = await startHttpServer(httpOptions.parse({ port: 0, maxConnections: CLIENTS * 3 }), context);
  return {
    host,
    port: Number(new URL(server.url).port),
    publish: () => void host.publish(EVENT, BY),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function bare(): Promise<Side> {
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n");
    responses.push(response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    port: (server.address() as AddressInfo).port,
    publish() {
      const event = { ...EVENT, id: crypto.randomUUID(), time: new Date().toISOString() };
      const bytes = Buffer.from(`id: 0123456789ab-1\ndata: ${encodeEvent(event)}\n\n`);
      for (const response of responses) response.write(bytes);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
