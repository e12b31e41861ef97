// A host's services and events over GraphQL.

import { httpOptions } from "../../host/adapters/http/options.ts";
import { startHttpServer } from "../../host/adapters/http/server.ts";
import type { TokenStore } from "../../host/admin/tokens.ts";
import { Host } from "../../host/core/host.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { startAll, stopAll } from "../../host/lifecycle/start-order.ts";
import { authSchema, parseScope } from "../../host/manifest/auth.ts";
import type { AdapterContext } from "../../host/seams.ts";
import { testContext, tokensInMemory } from "./adapter-context.ts";
import { manifestOf } from "./catalogs.ts";
import { hostPorts } from "./host-ports.ts";
import { type MemoryLog, memoryLog } from "./memory-log.ts";
import { definition, type Script, scriptedCell } from "./scripted-cell.ts";

export interface GraphQLWorldOptions {
  readonly script: Script;
  /** Of the plugin `p`, as its manifest has them; each has an entry point of the script. */
  readonly services: Readonly<Record<string, { readonly entryPoint: string; readonly [key: string]: unknown }>>;
  readonly auth?: object;
  readonly http?: object;
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly data?: Readonly<Record<string, unknown>> | null;
    readonly errors?: readonly {
      readonly message: string;
      readonly path?: unknown;
      readonly extensions: Readonly<Record<string, unknown>>;
    }[];
  };
}

export interface GraphQLWorld extends AsyncDisposable {
  readonly url: string;
  readonly log: MemoryLog;
  readonly tokens: TokenStore;
  readonly context: AdapterContext;
  tokenOf(role: string, ...scopes: readonly string[]): string;
  publish(type: string, data: string | Uint8Array, contentType?: string): Promise<string>;
  ask(query: string, variables?: unknown, init?: RequestInit): Promise<Answered>;
  post(body: string, init?: RequestInit): Promise<Answered>;
  /** The door. */
  close(): Promise<void>;
}

export async function graphqlWorld({ script, services, auth = {}, http = {} }: GraphQLWorldOptions): Promise<GraphQLWorld> {
  const log = memoryLog();
  const host = new Host(hostPorts({ clock: systemClock, log }));
  const provided = Object.entries(services).map(([name, { entryPoint }]) => ({ name, entryPoint }));
  host.add(definition("p", script, { services: provided }), scriptedCell({ p: script }));
  await startAll(host, log);
  const tokens = tokensInMemory();
  const { context, manifests } = testContext(host, { log, adapter: "http", tokens, auth: authSchema.parse(auth) });
  manifests.set("p", manifestOf({ services }));
  const server = await startHttpServer(httpOptions.parse({ port: 0, graphql: true, ...http }), context);
  const url = `${server.url}/graphql`;
  const post: GraphQLWorld["post"] = async (body, init = {}) => {
    const headers = { "content-type": "application/json", ...init.headers };
    const response = await fetch(url, { method: "POST", body, ...init, headers });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answered["body"] };
  };
  return {
    ...{ url, log, tokens, context, post },
    tokenOf: (role, ...scopes) =>
      tokens.create({
        name: `${role}${scopes.length}`,
        roles: [role],
        scopes: scopes.map(parseScope),
        owner: "user:ada",
        expiresAt: undefined,
      }),
    async publish(type, data, contentType = "application/json") {
      const operator = await context.authenticate({ kind: "operator" });
      return context.publish(operator, { type, contentType, data: Buffer.from(data) });
    },
    ask: (query, variables, init) => post(JSON.stringify({ query, ...(variables !== undefined && { variables }) }), init),
    close: () => server.close(),
    async [Symbol.asyncDispose]() {
      await server.close();
      await stopAll(host, 0);
    },
  };
}

/** One event of a subscription's answer: what it is called, and its data. */
interface Frame {
  readonly event: string;
  readonly data: unknown;
}

export interface Subscription {
  readonly status: number;
  /** Waits for the next one; undefined when there are no more. */
  next(): Promise<Frame | undefined>;
  end(): void;
}

export async function subscribe(
  url: string,
  query: string,
  { token, variables }: { token?: string; variables?: unknown } = {},
): Promise<Subscription> {
  const gone = new AbortController();
  const headers = {
    ...{ "content-type": "application/json", accept: "text/event-stream" },
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }), signal: gone.signal });
  const frames = framesOf(response.body ?? new ReadableStream());
  return {
    status: response.status,
    next: async () => (await frames.next()).value ?? undefined,
    end: () => gone.abort(),
  };
}

async function* framesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Frame, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const of = (name: string): string | undefined =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      const [event, data] = [of("event"), of("data")];
      if (event !== undefined) yield { event, data: data === undefined || data === "" ? undefined : JSON.parse(data) };
    }
  }
  return undefined;
}
