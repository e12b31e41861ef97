// What a client of gRPC is told of an error.

import { answerTo, GRPC } from "../../../bounds/error-answers.ts";
import { toHostError } from "../../../core/errors.ts";
import { escapeControls } from "../../../core/names.ts";
import type { LogSink } from "../../../core/ports/log.ts";
import { Metadata, type StatusObject } from "./packages.ts";

/** The message is a header line: what is longer is for the log. */
const MAX_DETAILS = 1_024;

/** With the trailers `bulkhead-code`, `bulkhead-reason`, and `grpc-retry-pushback-ms`, by which clients know when to come back. */
export function statusOf(thrown: unknown, log: LogSink): StatusObject {
  const error = toHostError(thrown);
  const { code, reason, message, retryAfterMs } = error;
  if (code === "internal") log.write({ level: "error", plugin: "host", message: "a call over gRPC failed", cause: error });
  const metadata = new Metadata();
  metadata.set("bulkhead-code", code);
  if (reason !== undefined) metadata.set("bulkhead-reason", reason);
  if (retryAfterMs !== undefined) metadata.set("grpc-retry-pushback-ms", String(Math.ceil(retryAfterMs)));
  return { code: GRPC[answerTo({ code, reason }).grpc], details: detailsOf(message), metadata };
}

const detailsOf = (message: string): string => escapeControls(message).slice(0, MAX_DETAILS).toWellFormed();
