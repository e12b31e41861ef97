// What a client of GraphQL is told of an error: the host's own codes, and never a detail or a cause.

import { type ErrorShape, HostError, toHostError } from "../../../core/errors.ts";
import type { LogSink } from "../../../core/ports/log.ts";
import { LIMITS } from "./limits.ts";

/** As the package has it. */
interface Located {
  readonly message: string;
  readonly originalError?: unknown;
  readonly locations?: readonly unknown[] | undefined;
  readonly path?: readonly (string | number)[] | undefined;
}

export interface ToldError extends Pick<Located, "message" | "locations" | "path"> {
  readonly extensions: Pick<ErrorShape, "code" | "reason" | "retryAfterMs">;
}

/** A request that nothing was called for, with what is wrong with it. */
export class RefusedRequest extends Error {
  readonly errors: readonly ToldError[];

  constructor(errors: readonly Located[], log: LogSink) {
    super("the request was refused");
    this.errors = errors.slice(0, LIMITS.errors).map((error) => toldError(error, log));
  }
}

/** Whether the package says by itself what is wrong, which is what the client wrote. */
const isOfPackage = (cause: unknown): boolean => cause === undefined || (cause instanceof Error && cause.name === "GraphQLError");

/** Of a request, or of one of its fields. */
export function toldError(error: Located, log: LogSink): ToldError {
  const { message, locations, path } = error;
  const place = { ...(locations && { locations }), ...(path && { path }) };
  const cause = error instanceof HostError ? error : error.originalError;
  if (isOfPackage(cause)) return { message, ...place, extensions: { code: "invalid-message" } };
  const told = toHostError(cause);
  if (told.code === "internal") log.write({ level: "error", plugin: "host", message: "a query of GraphQL failed", cause: told });
  const { code, reason, retryAfterMs } = told;
  const extensions = { code, ...(reason !== undefined && { reason }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return { message: told.message, ...place, extensions };
}
