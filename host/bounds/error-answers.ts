// THE table of what an error is outside of the host: every code, and every reason of a refusal, with its HTTP status and the exit code of the command. Whatever
// else shows errors adds its column here.

import type { ErrorShape, HostErrorCode } from "../core/errors.ts";
import { isReason, type Reason } from "./refusals.ts";

interface Answer {
  readonly http: number;
  readonly exit: number;
}

/** What the command's exit codes mean; `bulkhead help` prints the same. */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3 } as const;

const BY_CODE = {
  "invalid-message": { http: 400, exit: EXIT.usage },
  "invalid-manifest": { http: 422, exit: EXIT.usage },
  "admission-refused": { http: 422, exit: EXIT.failed },
  "incompatible-api": { http: 422, exit: EXIT.failed },
  "permission-denied": { http: 403, exit: EXIT.failed },
  "no-such-service": { http: 404, exit: EXIT.failed },
  "service-taken": { http: 409, exit: EXIT.failed },
  "call-loop": { http: 508, exit: EXIT.failed },
  "queue-full": { http: 503, exit: EXIT.failed },
  "rate-limited": { http: 429, exit: EXIT.failed },
  "deadline-exceeded": { http: 504, exit: EXIT.failed },
  "cpu-exhausted": { http: 503, exit: EXIT.failed },
  "memory-exhausted": { http: 507, exit: EXIT.failed },
  "plugin-failed": { http: 502, exit: EXIT.failed },
  "plugin-not-running": { http: 503, exit: EXIT.failed },
  "quota-exceeded": { http: 413, exit: EXIT.failed },
  "storage-failed": { http: 500, exit: EXIT.failed },
  "http-failed": { http: 502, exit: EXIT.failed },
  conflict: { http: 409, exit: EXIT.failed },
  internal: { http: 500, exit: EXIT.failed },
  // Of a reason that a manifest declares.
  refused: { http: 422, exit: EXIT.refused },
} as const satisfies Record<HostErrorCode, Answer>;

const BY_REASON = {
  "not-found": { http: 404, exit: EXIT.refused },
  "invalid-input": { http: 400, exit: EXIT.refused },
  conflict: { http: 409, exit: EXIT.refused },
  forbidden: { http: 403, exit: EXIT.refused },
  unavailable: { http: 503, exit: EXIT.refused },
} as const satisfies Record<Reason, Answer>;

/** Of `permission-denied`: nobody knows who asks. */
export const UNAUTHENTICATED = "unauthenticated";
const NOBODY: Answer = { http: 401, exit: EXIT.failed };

export function answerTo({ code, reason }: Pick<ErrorShape, "code" | "reason">): Answer {
  if (code === "refused" && isReason(reason)) return BY_REASON[reason];
  return code === "permission-denied" && reason === UNAUTHENTICATED ? NOBODY : BY_CODE[code];
}
