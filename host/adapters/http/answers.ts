// How answers of services, and errors, become answers of HTTP.

import { isAscii } from "node:buffer";
import type { FastifyReply } from "fastify";
import { answerTo } from "../../bounds/error-answers.ts";
import { type ErrorShape, type HostErrorCode, toHostError } from "../../core/errors.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { Bytes } from "../../core/types.ts";
import type { CatalogService } from "../../seams.ts";
import { PROBLEM_TYPE, problemOf, retryAfterOf } from "./errors.ts";
import { BODY_TYPES } from "./origin.ts";
import { looksLikeJson } from "./payload.ts";
import { challengeOf } from "./protected-resource.ts";
import { SHOWN_ONLY } from "./raw-headers.ts";

/** What a service answered: JSON as such, of a type that it declares with that, and anything else as bytes. */
export function sendOutput(reply: FastifyReply, output: Bytes, service: Pick<CatalogService, "produces"> | undefined): FastifyReply {
  if (output.length === 0) return reply.code(204).send();
  if (service?.produces !== undefined) reply.headers(SHOWN_ONLY).type(service.produces);
  else {
    reply.header("x-content-type-options", "nosniff");
    reply.type(looksLikeJson(output) ? `${BODY_TYPES.json}; charset=utf-8` : BODY_TYPES.bytes);
  }
  return reply.send(bodyOf(Buffer.from(output.buffer, output.byteOffset, output.byteLength)));
}

/** What is short and ASCII as text, which Node sends in one piece with the head; every byte is the same. */
const bodyOf = (output: Buffer): Buffer | string => (output.length <= SHORT_BYTES && isAscii(output) ? output.toString("latin1") : output);

const SHORT_BYTES = 16_384;
const UNAUTHORIZED = 401;

export interface ErrorPorts {
  readonly log: LogSink;
}

/** Whatever was thrown on the way to an answer. */
export function sendError(thrown: unknown, reply: FastifyReply, { log }: ErrorPorts): FastifyReply {
  // What is left of the body is not read.
  if (!reply.request.raw.complete) reply.header("connection", "close");
  if (isClientError(thrown)) {
    const { statusCode, message, hostCode: code = "invalid-message" } = thrown;
    if (statusCode !== 413) return sendProblem(reply, statusCode, { code, message });
    const { bodyLimit } = reply.routeOptions;
    const key = bodyLimit === reply.server.initialConfig.bodyLimit ? " (adapters.http.maxBodyBytes)" : "";
    const tooLarge = `the body has more than ${bodyLimit} bytes, which is the limit${key}`;
    return sendProblem(reply, statusCode, { code: "quota-exceeded", message: tooLarge });
  }
  const error = toHostError(thrown);
  if (error.code === "internal") log.write({ level: "error", plugin: "host", message: "an HTTP request failed", cause: error });
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  if (answerTo(error).http === UNAUTHORIZED) reply.header("www-authenticate", challengeOf(reply.request));
  return sendProblem(reply, answerTo(error).http, error);
}

export const sendProblem = (reply: FastifyReply, status: number, error: ErrorShape): FastifyReply =>
  reply.code(status).type(PROBLEM_TYPE).send(problemOf(status, error));

// Fastify's own refusals, such as a body that is too large, and ours.
function isClientError(thrown: unknown): thrown is Error & { readonly statusCode: number; readonly hostCode?: HostErrorCode } {
  return thrown instanceof Error && "statusCode" in thrown && typeof thrown.statusCode === "number" && thrown.statusCode < 500;
}
