// What a request by HTTP costs beside one that fastify answers by itself, and what it costs to know who asks.

import fastify from "fastify";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { parseRoutes } from "../../host/adapters/http/routes.ts";
import { startHttpServer } from "../../host/adapters/http/server.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema } from "../../host/manifest/auth.ts";
import { contributing, testContext, tokensInMemory } from "../support/adapter-context.ts";
import { type CellKind, createCell } from "../support/cells.ts";
import { builtProcessCell, definition, newHost, QUIET, type Wasm } from "./cells.ts";
import { type LoadThread, loadThread } from "./http-load.ts";
import { figure, measureInTurn, median, type Row } from "./measure.ts";

const CONNECTIONS = 64;
const REQUESTS = 12_000;
const ROUNDS = 5;
const ANSWER_BYTES = 100;
const VALUE: string = "x".repeat(ANSWER_BYTES - '{"value":""}'.length);
/** What the plugin makes of it is its answer: its input, which is the query. */
const PATH: string = `/bench/x?value=${VALUE}`;
const ANSWER: string = JSON.stringify({ value: VALUE });
/** More than anybody has by default, so that the gate counts and refuses nobody. */
const LIMITS = { callsAtOnce: CONNECTIONS * 2, callsPerSecond: 1_000_000 };

interface Door extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
}

export async function benchDoors(wasm: Wasm): Promise<Row[]> {
  const load = loadThread();
  try {
    return [await route("process", 0.6, wasm, load), await route("inline", 0.8, wasm, load), await gate(wasm, load)];
  } finally {
    await load.close();
  }
}

async function route(kind: CellKind, goal: number, wasm: Wasm, load: LoadThread): Promise<Row> {
  await using ours = await pluginDoor(kind, wasm, "none");
  await using theirs = await bareDoor();
  return await compare(`plugin-served route, ${ANSWER_BYTES} B, ${kind} cell, ${CONNECTIONS} connections; vs a fastify route`, goal, [
    () => load.run({ url: ours.url, headers: {}, connections: CONNECTIONS, requests: REQUESTS }),
    () => load.run({ url: theirs.url, headers: {}, connections: CONNECTIONS, requests: REQUESTS }),
  ]);
}

async function gate(wasm: Wasm, load: LoadThread): Promise<Row> {
  await using asked = await pluginDoor("process", wasm, "required");
  await using open = await pluginDoor("process", wasm, "none");
  return await compare("the same route in a process cell, with a token that is checked; vs without", 0.9, [
    () => load.run({ url: asked.url, headers: { authorization: `Bearer ${asked.token}` }, connections: CONNECTIONS, requests: REQUESTS }),
    () => load.run({ url: open.url, headers: {}, connections: CONNECTIONS, requests: REQUESTS }),
  ]);
}

async function compare(work: string, goal: number, [ours, theirs]: readonly [() => Promise<number>, () => Promise<number>]): Promise<Row> {
  const rates = await measureInTurn(
    { ours: async () => [await ours()], theirs: async () => [await theirs()] },
    { rounds: ROUNDS, warmUpRounds: 1 },
  );
  const ratio = median(rates.ours) / median(rates.theirs);
  return {
    ...{ work, ours: figure(median(rates.ours), "/s"), theirs: figure(median(rates.theirs), "/s") },
    ...{ ratio: `${ratio.toFixed(2)} × its rate`, goal: `≥ ${goal} ×`, reached: ratio >= goal },
  };
}

async function bareDoor(): Promise<Pick<Door, "url"> & AsyncDisposable> {
  const app = fastify();
  app.get("/bench/x", async (_request, reply) => reply.type("application/json; charset=utf-8").send(ANSWER));
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  return { url: address + PATH, [Symbol.asyncDispose]: () => app.close() };
}

async function pluginDoor(kind: CellKind, wasm: Wasm, mode: "none" | "required"): Promise<Door> {
  const cell = kind === "process" ? await builtProcessCell() : createCell(kind, QUIET);
  const host = newHost();
  const tokens = tokensInMemory();
  const token = tokens.create({ name: "bench", roles: ["operator"], scopes: [], owner: "user:bench", expiresAt: undefined });
  host.add(definition("bench", wasm, { services: [{ name: "bench.x", entryPoint: "echo" }] }), cell);
  await startAll(host, QUIET);
  const { context, manifests } = testContext(host, {
    ...{ log: QUIET, adapter: "http", parse: parseRoutes, tokens },
    auth: authSchema.parse({ mode, limits: LIMITS }),
  });
  manifests.set("bench", contributing("bench", { http: { routes: [{ method: "GET", path: "/bench/x", service: "bench.x" }] } }));
  const server = await startHttpServer(httpOptions.parse({ port: 0 }), context);
  return {
    ...{ url: server.url + PATH, token },
    async [Symbol.asyncDispose]() {
      await server.close();
      await stopAll(host, 1_000);
      await cell[Symbol.asyncDispose]();
    },
  };
}
