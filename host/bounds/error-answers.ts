// THE table of what an error is outside of the host: every code, and every reason of a refusal, with its HTTP status, the status code of gRPC and the exit code
// of the command. Whatever else shows errors adds its column here.

import type { ErrorShape, HostErrorCode } from "../core/errors.ts";
import { isReason, type Reason } from "./refusals.ts";

interface Answer {
  readonly http: number;
  /** Of google.rpc.Code, by its name. */
  readonly grpc: keyof typeof GRPC;
  readonly exit: number;
  /** False for what nobody is told who calls a service. */
  readonly ofCalls?: false;
}

/** The status codes of gRPC that errors of the host have. `UNAVAILABLE` is what clients try again by themselves: only where nothing can have happened. */
export const GRPC = {
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** What the command's exit codes mean; `bulkhead help` prints the same. */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3, crashed: 70 } as const;

const BY_CODE = {
  "invalid-message": { http: 400, grpc: "INVALID_ARGUMENT", exit: EXIT.usage },
  "invalid-manifest": { http: 422, grpc: "INVALID_ARGUMENT", exit: EXIT.usage, ofCalls: false },
  "admission-refused": { http: 422, grpc: "FAILED_PRECONDITION", exit: EXIT.failed, ofCalls: false },
  "incompatible-api": { http: 422, grpc: "FAILED_PRECONDITION", exit: EXIT.failed, ofCalls: false },
  "permission-denied": { http: 403, grpc: "PERMISSION_DENIED", exit: EXIT.failed },
  "no-such-service": { http: 404, grpc: "NOT_FOUND", exit: EXIT.failed },
  "service-taken": { http: 409, grpc: "ALREADY_EXISTS", exit: EXIT.failed, ofCalls: false },
  "call-loop": { http: 508, grpc: "FAILED_PRECONDITION", exit: EXIT.failed },
  "queue-full": { http: 503, grpc: "RESOURCE_EXHAUSTED", exit: EXIT.failed },
  "rate-limited": { http: 429, grpc: "RESOURCE_EXHAUSTED", exit: EXIT.failed },
  "deadline-exceeded": { http: 504, grpc: "DEADLINE_EXCEEDED", exit: EXIT.failed },
  "cpu-exhausted": { http: 503, grpc: "RESOURCE_EXHAUSTED", exit: EXIT.failed },
  "memory-exhausted": { http: 507, grpc: "RESOURCE_EXHAUSTED", exit: EXIT.failed },
  "plugin-failed": { http: 502, grpc: "UNKNOWN", exit: EXIT.failed },
  "plugin-not-running": { http: 503, grpc: "UNAVAILABLE", exit: EXIT.failed },
  "quota-exceeded": { http: 413, grpc: "RESOURCE_EXHAUSTED", exit: EXIT.failed },
  "storage-failed": { http: 500, grpc: "INTERNAL", exit: EXIT.failed },
  "http-failed": { http: 502, grpc: "UNKNOWN", exit: EXIT.failed },
  conflict: { http: 409, grpc: "ABORTED", exit: EXIT.failed },
  internal: { http: 500, grpc: "INTERNAL", exit: EXIT.failed },
  // Of a reason that a manifest declares.
  refused: { http: 422, grpc: "FAILED_PRECONDITION", exit: EXIT.refused },
  "host-unreachable": { http: 503, grpc: "UNAVAILABLE", exit: EXIT.failed },
  // It may have been done.
  "host-lost": { http: 502, grpc: "UNKNOWN", exit: EXIT.failed },
} as const satisfies Record<HostErrorCode, Answer>;

const BY_REASON = {
  "not-found": { http: 404, grpc: "NOT_FOUND", exit: EXIT.refused },
  "invalid-input": { http: 400, grpc: "INVALID_ARGUMENT", exit: EXIT.refused },
  conflict: { http: 409, grpc: "ABORTED", exit: EXIT.refused },
  forbidden: { http: 403, grpc: "PERMISSION_DENIED", exit: EXIT.refused },
  unavailable: { http: 503, grpc: "UNAVAILABLE", exit: EXIT.refused },
} as const satisfies Record<Reason, Answer>;

/** Of `permission-denied`: nobody knows who asks. */
export const UNAUTHENTICATED = "unauthenticated";
const NOBODY: Answer = { http: 401, grpc: "UNAUTHENTICATED", exit: EXIT.failed };

export function answerTo({ code, reason }: Pick<ErrorShape, "code" | "reason">): Answer {
  if (code === "refused" && isReason(reason)) return BY_REASON[reason];
  return code === "permission-denied" && reason === UNAUTHENTICATED ? NOBODY : BY_CODE[code];
}

/** Every status with which a call may be refused or fail, and the codes and reasons that it may mean. */
export function callErrors(): ReadonlyMap<number, readonly string[]> {
  const codes = Object.entries(BY_CODE as Readonly<Record<string, Answer>>).filter(([, { ofCalls }]) => ofCalls !== false);
  const found = new Map<number, string[]>();
  for (const [name, { http }] of [...codes, ...Object.entries(BY_REASON), [UNAUTHENTICATED, NOBODY] as const])
    found.set(http, [...new Set([...(found.get(http) ?? []), name])]);
  return new Map([...found].sort(([one], [other]) => one - other));
}
