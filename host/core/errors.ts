// The one error class of the host and its closed list of codes. What each is for HTTP or the command stands in bounds/error-answers.ts.

import { HOST_ERROR_CODES } from "./wit.ts";

export { HOST_ERROR_CODES };
export type HostErrorCode = (typeof HOST_ERROR_CODES)[number];

/** What crosses a boundary (a channel, the Wasm line, HTTP): no stack, no host path. */
export interface ErrorShape {
  readonly code: HostErrorCode;
  readonly message: string;
  readonly detail?: string | undefined;
  /** Of `refused`: why the provider says no, in kebab-case. */
  readonly reason?: string | undefined;
  /** How long to wait before it may go, where that is known. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * A refusal or failure with a code to branch on. The message names what was refused, the limit and the current value,
 * and where there is one the remedy. `detail` is one line more for people (a guest's stack, the list of reasons). A provider of the program's own says no by
 * throwing `refused` with a `reason`.
 */
export class HostError extends Error implements ErrorShape {
  override readonly name = "HostError";
  readonly code: HostErrorCode;
  readonly detail: string | undefined;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: HostErrorCode, message: string, options: Omit<ErrorShape, "code" | "message"> & { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
  }

  // The cause of one that is an error itself is none of its enumerable properties, and stays behind.
  static fromShape({ code, message, ...options }: ErrorShape): HostError {
    return new HostError(code, message, options);
  }
}

export function isHostErrorCode(value: unknown): value is HostErrorCode {
  return (HOST_ERROR_CODES as readonly unknown[]).includes(value);
}

/** Any thrown value as a HostError; what is not one becomes `internal` with its cause kept for the host's own log. */
export function toHostError(thrown: unknown): HostError {
  if (thrown instanceof HostError) return thrown;
  return new HostError("internal", "the host failed; its log has the cause", { cause: thrown });
}

/** The innermost cause as text, with its stack; for the operator's log, never for a guest. */
export function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === "object" ? Object.prototype.toString.call(cause) : String(cause);
  return cause.cause === undefined ? (cause.stack ?? cause.message) : describeCause(cause.cause);
}
