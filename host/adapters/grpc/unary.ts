// A call with one answer: how long it may take, that it ends with its client, and what becomes of an error.

import type { LogSink } from "../../core/ports/log.ts";
import type { handleUnaryCall, ServerUnaryCall } from "../gateway/grpc/packages.ts";
import { statusOf } from "../gateway/grpc/status.ts";

/** `timeoutMs` is what is left of the client's deadline; undefined without one. */
type Answer<Request, Response> = (
  call: ServerUnaryCall<Request, Response>,
  signal: AbortSignal,
  timeoutMs: number | undefined,
) => Promise<Response>;

export function answering<Request, Response>(log: LogSink, answer: Answer<Request, Response>): handleUnaryCall<Request, Response> {
  return (call, done) => {
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort());
    answer(call, gone.signal, timeoutOf(call.getDeadline())).then(
      (response) => done(null, response),
      (thrown: unknown) => done(statusOf(thrown, log)),
    );
  };
}

function timeoutOf(deadline: Date | number): number | undefined {
  const at = Number(deadline);
  return at === Number.POSITIVE_INFINITY ? undefined : Math.max(1, at - Date.now());
}
