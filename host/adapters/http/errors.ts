// What an HTTP client is told of an error; its status stands in the one table of bounds/error-answers.ts.

import type { ErrorShape } from "../../core/errors.ts";

/** The body of every error answer. A guest's stack is for the log, not for the caller. */
export const errorBody = ({ code, message, reason }: ErrorShape): { error: Pick<ErrorShape, "code" | "message" | "reason"> } => ({
  error: { code, message, ...(reason === undefined ? {} : { reason }) },
});

/** The header Retry-After in whole seconds, which are never fewer than what is to be waited. */
export const retryAfterOf = ({ retryAfterMs }: ErrorShape): number | undefined =>
  retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000);
