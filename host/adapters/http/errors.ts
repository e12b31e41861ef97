// HostError codes as HTTP status codes. The only place that knows both.

import type { ErrorShape, HostErrorCode } from "../../core/errors.ts";

const STATUS = {
  "invalid-message": 400,
  "invalid-manifest": 422,
  "admission-refused": 422,
  "incompatible-api": 422,
  "permission-denied": 403,
  "no-such-service": 404,
  "service-taken": 409,
  "call-loop": 508,
  "queue-full": 503,
  "rate-limited": 429,
  "deadline-exceeded": 504,
  "cpu-exhausted": 503,
  "memory-exhausted": 507,
  "plugin-failed": 502,
  "plugin-not-running": 503,
  "quota-exceeded": 413,
  "storage-failed": 500,
  "http-failed": 502,
  conflict: 409,
  internal: 500,
} as const satisfies Record<HostErrorCode, number>;

export const statusOf = (code: HostErrorCode): number => STATUS[code];

/** Seconds after which it may have passed: a queue that is full, a plugin that pauses. */
const RETRY_AFTER: Partial<Record<HostErrorCode, number>> = { "queue-full": 1, "rate-limited": 1, "plugin-not-running": 5 };

export const retryAfterOf = (code: HostErrorCode): number | undefined => RETRY_AFTER[code];

/** The body of every error answer. A guest's stack is for the log, not for the caller. */
export const errorBody = ({ code, message }: Pick<ErrorShape, "code" | "message">): { error: { code: string; message: string } } => ({
  error: { code, message },
});
