// A call of a service that came over HTTP: its trace, how long it may take, that it ends with its client, and that it is made at most once if it has a key.

import type { FastifyReply, FastifyRequest } from "fastify";
import { printable } from "../../core/names.ts";
import type { Bytes } from "../../core/types.ts";
import type { AdapterContext, CatalogService } from "../../seams.ts";
import { clientError } from "./client-error.ts";
import { clientGone } from "./gone-clients.ts";
import { IdempotentCalls, keyOf } from "./idempotency.ts";
import { principalOf } from "./principal.ts";

/** A call that its answer is for. */
export interface HttpCall {
  readonly service: string;
  readonly payload: Bytes;
  /** What is declared of the service, where it is there and the principal may call it. */
  readonly declared: CatalogService | undefined;
  /** Whether an Idempotency-Key counts. */
  readonly mayHaveKey: boolean;
}

const DEADLINE = /^[1-9]\d{0,8}$/;

export class HttpCalls {
  readonly #context: AdapterContext;
  readonly #idempotent: IdempotentCalls;

  constructor(context: AdapterContext) {
    this.#context = context;
    this.#idempotent = new IdempotentCalls(context.clock);
  }

  /** Rejects like every call, and with status 400 or 422 for headers that are wrong. */
  async call(request: FastifyRequest, reply: FastifyReply, { service, payload, declared, mayHaveKey }: HttpCall): Promise<Bytes> {
    const { traceparent: incoming, "deadline-ms": deadline, "idempotency-key": keyHeader } = request.headers;
    const timeoutMs = timeoutOf(deadline);
    const principal = principalOf(request);
    // Of a service that somebody may not call he is told no old answer either.
    const isKeyed = mayHaveKey && declared !== undefined && !declared.readOnly && !declared.idempotent;
    const key = isKeyed ? keyOf(keyHeader) : undefined;
    const traceparent = typeof incoming === "string" ? incoming : undefined;
    const onTrace = (own: string): void => void reply.header("traceparent", own);
    const call = { service, payload, traceparent, onTrace, timeoutMs };
    if (key === undefined) return this.#context.call(principal, { ...call, signal: clientGone(request.raw) });
    // It goes on without its client, who comes back for the answer.
    return this.#idempotent.once(
      { principal: principal.name, service, key, payload },
      () => this.#context.call(principal, call),
      () => reply.header("idempotency-replayed", "true"),
    );
  }
}

export function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && DEADLINE.test(header)) return Number(header);
  throw clientError(400, `the header Deadline-Ms is "${printable(String(header))}"; write 1 to 999999999 whole milliseconds`);
}
