// What an HTTP client is told of an error; its status stands in the one table of bounds/error-answers.ts.

import { STATUS_CODES } from "node:http";
import type { ErrorShape } from "../../core/errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** What a client is told of an error. A guest's stack is for the log, not for the caller. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly error: Pick<ErrorShape, "code" | "message" | "reason">;
}

/** The body of every error answer: problem details (RFC 9457) whose type is the status itself, with the error inside. */
export const problemOf = (status: number, { code, message, reason }: ErrorShape): Problem => ({
  title: STATUS_CODES[status] ?? "Error",
  status,
  detail: message,
  error: { code, message, ...(reason === undefined ? {} : { reason }) },
});

/** The header Retry-After in whole seconds, which are never fewer than what is to be waited. */
export const retryAfterOf = ({ retryAfterMs }: ErrorShape): number | undefined =>
  retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000);
