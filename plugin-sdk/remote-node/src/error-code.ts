// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

/**
 * Why the host refused or could not do something. docs/errors.md says what to do about each.
 */
export type ErrorCode =
  | "invalid-message"
  | "invalid-manifest"
  | "admission-refused"
  | "incompatible-api"
  | "permission-denied"
  | "no-such-service"
  | "service-taken"
  | "call-loop"
  | "queue-full"
  | "rate-limited"
  | "deadline-exceeded"
  | "cpu-exhausted"
  | "memory-exhausted"
  | "plugin-failed"
  | "plugin-not-running"
  | "quota-exceeded"
  | "storage-failed"
  | "http-failed"
  | "conflict"
  | "internal"
  | "refused"
  | "host-unreachable"
  | "host-lost";
