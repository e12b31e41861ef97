// A gateway as a stranger would write it: a module of its own package that knows the host by `bulkhead/adapter` alone, and Node.

import { createServer } from "node:http";
import { answerTo, encodeEvent, escapeControls, HostError, shownJson, startTrace, z } from "bulkhead/adapter";

const MAX_BODY = 65_536;
const MAX_WAITING = 1_048_576;
const BEARER = /^Bearer (\S{1,16384})$/;
const DOORS = /^\/(catalog|call|publish|follow|admin|blobs)(?:\/([^/]+))?(?:\/([^/]+))?$/;
const routes = z.array(z.strictObject({ path: z.string().startsWith("/plugins/"), service: z.string() }));

export const adapter = {
  name: "other",
  options: z.strictObject({ host: z.string().default("127.0.0.1"), port: z.int().min(0).max(65_535).default(0) }),
  parseContribution(plugin, section) {
    const read = routes.safeParse(section);
    if (read.success) return read.data;
    throw new HostError("invalid-manifest", `contributes.other of ${plugin}: ${escapeControls(z.prettifyError(read.error))}`);
  },
  async start(context, { host, port }) {
    context.requireListenable(host, port);
    const server = createServer((request, response) => answer(context, request, response).catch((thrown) => refuse(response, thrown)));
    await new Promise((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
    return {
      address: `http://${host}:${server.address().port}`,
      async [Symbol.asyncDispose]() {
        server.close();
        server.closeAllConnections();
      },
    };
  },
};

async function answer(context, request, response) {
  const { headers, socket } = request;
  const url = new URL(request.url, "http://localhost");
  const from = { address: socket.remoteAddress, isPassedOn: headers.forwarded !== undefined || headers["x-forwarded-for"] !== undefined };
  const token = BEARER.exec(headers.authorization ?? "")?.[1];
  const who = await context.authenticate(token === undefined ? { kind: "none", from } : { kind: "bearer", token, from });
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const traceparent = startTrace(headers.traceparent);
  response.setHeader("traceparent", traceparent);
  const timeoutMs = headers["deadline-ms"] === undefined ? undefined : Number(headers["deadline-ms"]);
  const call = async (service, payload) => context.call(who, { service, payload, traceparent, timeoutMs, signal: gone.signal });

  const route = context.catalog
    .contributions("other")
    .flatMap(({ section }) => section)
    .find(({ path }) => path === url.pathname);
  if (route !== undefined) return void response.end(await call(route.service, await bodyOf(request)));
  const [, door, name = "", blob = ""] = DOORS.exec(url.pathname) ?? [];
  if (door === "catalog") return sendJson(response, await context.within(who, async () => shownTo(context.catalog.for(who))));
  if (door === "call") return void response.end(await call(name, await bodyOf(request)));
  if (door === "publish") {
    const event = { type: name, contentType: headers["content-type"] ?? "application/json", data: await bodyOf(request), traceparent };
    return sendJson(response, { id: await context.publish(who, event) });
  }
  if (door === "follow") return follow(context, who, name, response);
  if (door === "admin")
    return sendJson(response, await context.operate(who, name, JSON.parse(new TextDecoder().decode(await bodyOf(request)))));
  if (door === "blobs" && request.method === "PUT") return void response.end(await upload(context, who, name, request, call));
  if (door === "blobs") return download(context, who, name, decodeURIComponent(blob), response);
  throw new HostError("no-such-service", `there is no ${escapeControls(url.pathname)}`);
}

const shownTo = ({ plugins, services, events }) => ({
  plugins: plugins.map(({ name, state }) => ({ name, state })),
  services: services.map(({ name, description, readOnly }) => ({ name, description, readOnly })),
  events: events.map(({ type }) => type),
});

function sendJson(response, value) {
  response.setHeader("content-type", "application/json").end(shownJson(JSON.stringify(value ?? null)));
}

async function bodyOf(request) {
  const pieces = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > MAX_BODY) throw new HostError("quota-exceeded", `the body has more than ${MAX_BODY} bytes, which is the limit`);
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

function follow(context, who, types, response) {
  const deliver = (event) => {
    if (response.writableLength > MAX_WAITING) response.destroy();
    else response.write(`id: ${event.id}\ndata: ${encodeEvent(event)}\n\n`);
  };
  const undo = context.follow(who, types, deliver, () => response.end("event: end\ndata: {}\n\n"));
  response.once("close", undo);
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
}

/** The service is told of the name under which it finds the body. */
async function upload(context, who, service, request, call) {
  const incoming = await context.blobs.receive(who, service, request.headers["content-type"] ?? "application/octet-stream");
  try {
    for await (const piece of request) await incoming.write(new Uint8Array(piece));
    const { name } = await incoming.finish();
    return await call(service, new TextEncoder().encode(name));
  } finally {
    await incoming.discard();
    await incoming.release();
  }
}

async function download(context, who, service, name, response) {
  const source = await context.blobs.source(who, service, name);
  response.writeHead(200, { "content-type": source.blob.mediaType, "content-length": source.blob.size });
  for await (const piece of source.pieces())
    if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
  response.end();
}

function refuse(response, thrown) {
  const { code, message, reason, retryAfterMs } = thrown instanceof HostError ? thrown : { code: "internal", message: "it failed" };
  if (response.headersSent) return void response.destroy();
  response.statusCode = answerTo({ code, reason }).http;
  if (retryAfterMs !== undefined) response.setHeader("retry-after", Math.ceil(retryAfterMs / 1_000));
  sendJson(response, { error: { code, message, reason } });
}
