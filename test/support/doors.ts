// Every door that calls services, as a client of its protocol sees it: what tests ask of all of them alike.

import { request as httpRequest } from "node:http";
import { controlSocket } from "../../host/adapters/control-socket/adapter.ts";
import { grpcOptions } from "../../host/adapters/grpc/options.ts";
import { startGrpcServer } from "../../host/adapters/grpc/server.ts";
import { httpOptions } from "../../host/adapters/http/options.ts";
import { startHttpServer } from "../../host/adapters/http/server.ts";
import type { AdapterContext } from "../../host/seams.ts";
import { GrpcClient } from "./grpc-client.ts";
import { type Era, messageIn, sentAs } from "./mcp-messages.ts";

/** What a client can say with a call. */
interface Asking {
  readonly token?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly deadlineMs?: number | undefined;
  /** Goes away when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

export type Told =
  | { readonly ok: true; readonly answer: unknown }
  | {
      readonly ok: false;
      readonly code: string;
      readonly reason: string | undefined;
      /** How long to wait, as the protocol says it. */
      readonly retryAfterMs: number | undefined;
      /** All that the client is told, as text. */
      readonly text: string;
    };

export interface OpenDoor extends AsyncDisposable {
  /** JSON in and out. Rejects only where the client itself went away. */
  call(service: string, input: unknown, how?: Asking): Promise<Told>;
}

export interface DoorToTest {
  open(context: AdapterContext, dataDir: string): Promise<OpenDoor>;
  /** Whether it asks who calls; the others are for who can open them only. */
  readonly authenticates: boolean;
  readonly hasDeadlines: boolean;
  readonly hasTraces: boolean;
}

/** The body of REST's errors, and of the command's. */
interface ErrorBody {
  readonly error: { readonly code: string; readonly reason?: string; readonly retryAfterMs?: number };
}

async function told(response: Response): Promise<Told> {
  const text = await response.text();
  const parsed: unknown = text === "" ? undefined : JSON.parse(text);
  if (response.ok) return { ok: true, answer: parsed };
  const { code, reason, retryAfterMs } = (parsed as ErrorBody).error;
  const seconds = response.headers.get("retry-after");
  return { ok: false, code, reason, text, retryAfterMs: retryAfterMs ?? (seconds === null ? undefined : Number(seconds) * 1_000) };
}

const rest: DoorToTest = {
  ...{ authenticates: true, hasDeadlines: true, hasTraces: true },
  async open(context) {
    const server = await startHttpServer(httpOptions.parse({ port: 0 }), context);
    return {
      async call(service, input, { token, traceparent, deadlineMs, signal } = {}) {
        const headers = {
          "content-type": "application/json",
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(traceparent !== undefined && { traceparent }),
          ...(deadlineMs !== undefined && { "deadline-ms": String(deadlineMs) }),
        };
        const body = JSON.stringify(input);
        return told(await fetch(`${server.url}/v1/services/${service}`, { method: "POST", headers, body, signal: signal ?? null }));
      },
      [Symbol.asyncDispose]: () => server.close(),
    };
  },
};

const grpc: DoorToTest = {
  ...{ authenticates: true, hasDeadlines: true, hasTraces: true },
  async open(context) {
    const server = await startGrpcServer(grpcOptions.parse({ port: 0 }), context);
    const clients: GrpcClient[] = [];
    return {
      async call(service, input, { token, traceparent, deadlineMs, signal } = {}) {
        const client = new GrpcClient(server.url, token === undefined ? {} : { token });
        clients.push(client);
        const asked = {
          ...(deadlineMs !== undefined && { deadlineMs }),
          ...(signal !== undefined && { signal }),
          ...(traceparent !== undefined && { metadata: { traceparent } }),
        };
        try {
          return {
            ok: true,
            answer: JSON.parse(Buffer.from((await client.call(service, JSON.stringify(input), asked)).payload).toString()),
          };
        } catch (thrown) {
          const { metadata, message, details } = thrown as import("@grpc/grpc-js").ServiceError;
          const [code, reason, wait] = ["bulkhead-code", "bulkhead-reason", "grpc-retry-pushback-ms"].map((key) => metadata.get(key)[0]);
          // The client's own end of its deadline and its going away have no trailers.
          if (code === undefined && message.includes("DEADLINE_EXCEEDED"))
            return { ok: false, code: "deadline-exceeded", reason: undefined, retryAfterMs: undefined, text: details };
          if (code === undefined) throw thrown;
          const retryAfterMs = wait === undefined ? undefined : Number(wait);
          return {
            ok: false,
            code: String(code),
            reason: reason === undefined ? undefined : String(reason),
            retryAfterMs,
            text: JSON.stringify([details, metadata]),
          };
        }
      },
      async [Symbol.asyncDispose]() {
        for (const client of clients) client[Symbol.dispose]();
        await server.close();
      },
    };
  },
};

const mcp = (era: Era): DoorToTest => ({
  ...{ authenticates: true, hasDeadlines: false, hasTraces: true },
  async open(context) {
    const server = await startHttpServer(httpOptions.parse({ port: 0, mcp: true }), context);
    return {
      async call(service, input, { token, traceparent, signal } = {}) {
        const _meta = traceparent === undefined ? {} : { traceparent };
        const params = { name: service, arguments: input, _meta };
        const { headers, body } = sentAs(era, { jsonrpc: "2.0", id: 1, method: "tools/call", params });
        const shown = token === undefined ? {} : { authorization: `Bearer ${token}` };
        const response = await fetch(`${server.url}/mcp`, {
          method: "POST",
          headers: { ...headers, ...shown },
          body,
          signal: signal ?? null,
        });
        return response.status === 200 ? toldByTool(await response.text()) : told(response);
      },
      [Symbol.asyncDispose]: () => server.close(),
    };
  },
});

function toldByTool(text: string): Told {
  const { result } = messageIn(text) as {
    readonly result?: { readonly isError?: true; readonly content: readonly { readonly text: string }[] };
  };
  // What is no tool the protocol tells by an error of its own.
  if (result === undefined) return { ok: false, code: "no-such-service", reason: undefined, retryAfterMs: undefined, text };
  const answer: unknown = JSON.parse(result.content[0]?.text ?? "null");
  if (result.isError !== true) return { ok: true, answer };
  const { code, reason, retryAfterMs } = (answer as ErrorBody).error;
  return { ok: false, code, reason, retryAfterMs, text };
}

const graphql: DoorToTest = {
  ...{ authenticates: true, hasDeadlines: true, hasTraces: true },
  async open(context) {
    const server = await startHttpServer(httpOptions.parse({ port: 0, graphql: true }), context);
    return {
      async call(service, input, { token, traceparent, deadlineMs, signal } = {}) {
        const headers = {
          "content-type": "application/json",
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(traceparent !== undefined && { traceparent }),
          ...(deadlineMs !== undefined && { "deadline-ms": String(deadlineMs) }),
        };
        const query = `mutation ($input: JSON) { answer: ${service.replace(/[.-]/g, "_")}(input: $input) }`;
        const body = JSON.stringify({ query, variables: { input } });
        const response = await fetch(`${server.url}/graphql`, { method: "POST", headers, body, signal: signal ?? null });
        if (response.headers.get("content-type")?.includes("problem") === true) return told(response);
        const text = await response.text();
        const { data, errors: [error] = [] } = JSON.parse(text) as GraphQLBody;
        if (error === undefined) return { ok: true, answer: data?.answer };
        const { code, reason, retryAfterMs } = error.extensions;
        const isHidden = error.message.startsWith("Cannot query field");
        return { ok: false, code: isHidden ? "no-such-service" : code, reason, retryAfterMs, text };
      },
      [Symbol.asyncDispose]: () => server.close(),
    };
  },
};

interface GraphQLBody {
  readonly data?: { readonly answer: unknown };
  readonly errors?: readonly { readonly message: string; readonly extensions: ErrorBody["error"] }[];
}

const command: DoorToTest = {
  ...{ authenticates: false, hasDeadlines: true, hasTraces: false },
  async open(context, dataDir) {
    const opened = await controlSocket.open?.({ clock: context.clock, log: context.log, dataDir }, {});
    const running = await controlSocket.start(context, {}, opened);
    return {
      call: (service, input, { deadlineMs, signal } = {}) =>
        new Promise((resolve, reject) => {
          const path = `/call/${service}${deadlineMs === undefined ? "" : `?timeoutMs=${deadlineMs}`}`;
          const asked = httpRequest(
            { socketPath: `${dataDir}/control.sock`, path, method: "POST", ...(signal !== undefined && { signal }) },
            (response) => {
              const pieces: Buffer[] = [];
              response.on("data", (piece: Buffer) => pieces.push(piece));
              response.on("error", reject);
              response.on("end", () => {
                const status = response.statusCode ?? 0;
                void told(new Response(Buffer.concat(pieces), { status })).then(resolve, reject);
              });
            },
          );
          asked.on("error", reject);
          asked.end(JSON.stringify(input));
        }),
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  },
};

export const DOORS: Readonly<Record<string, DoorToTest>> = {
  REST: rest,
  gRPC: grpc,
  GraphQL: graphql,
  "MCP of 2025": mcp("2025-11-25"),
  "MCP of 2026": mcp("2026-07-28"),
  "the socket of the command": command,
};
