// The one error class of the host and its closed list of codes. HTTP status codes and exit codes live in their adapters.

import { HOST_ERROR_CODES } from "./wit.ts";

export { HOST_ERROR_CODES };
export type HostErrorCode = (typeof HOST_ERROR_CODES)[number];

/** What crosses a boundary (a channel, the Wasm line, HTTP): no stack, no host path. */
export interface ErrorShape {
  readonly code: HostErrorCode;
  readonly message: string;
  readonly detail?: string | undefined;
}

/**
 * A refusal or failure with a code to branch on. The message names what was refused, the limit and the current value,
 * and where there is one the remedy. `detail` is one line more for people (a guest's stack, the list of reasons).
 */
export class HostError extends Error implements ErrorShape {
  override readonly name = "HostError";
  readonly code: HostErrorCode;
  readonly detail: string | undefined;

  constructor(code: HostErrorCode, message: string, options: { detail?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }

  static fromShape(shape: ErrorShape): HostError {
    return new HostError(shape.code, shape.message, { detail: shape.detail });
  }
}

const known: ReadonlySet<string> = new Set(HOST_ERROR_CODES);

export function isHostErrorCode(value: unknown): value is HostErrorCode {
  return typeof value === "string" && known.has(value);
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
