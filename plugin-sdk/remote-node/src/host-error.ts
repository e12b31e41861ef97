// What the host refuses or cannot do, as an exception with the code of wit/.

import type { ErrorCode } from "./error-code.ts";

/** A refusal of the host. Branch on `code`, and of `refused` on `reason`; `message` is for people. */
export class HostError extends Error {
  readonly code: ErrorCode;
  /** Why a provider said no. */
  readonly reason: string | undefined;
  /** How long to wait before it may go, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, { reason, retryAfterMs }: { readonly reason?: string | undefined; readonly retryAfterMs?: number | undefined } = {}) {
    super(message);
    this.name = "HostError";
    this.code = code;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The reasons that everybody has. */
export type Reason = "not-found" | "invalid-input" | "conflict" | "forbidden" | "unavailable";

/**
 * What a handler throws to say no: the caller is told `refused` with this reason, which is one of those that everybody has or of `services.<name>.errors` in the
 * manifest. A refusal that another plugin gave is handed on as it is. The process goes on.
 */
export class Refusal extends Error {
  readonly reason: Reason | (string & {});
  /** When what is `unavailable` may be there again. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: Reason | (string & {}), message: string, { retryAfterMs }: { readonly retryAfterMs?: number | undefined } = {}) {
    super(message);
    this.name = "Refusal";
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** How a refusal is told (docs/abi.md, entry points); undefined for what is none. */
export function refusalText(thrown: unknown): string | undefined {
  const isRefusal = thrown instanceof Refusal || (thrown instanceof HostError && thrown.code === "refused" && thrown.reason !== undefined);
  if (!isRefusal) return undefined;
  const { reason: code, message, retryAfterMs } = thrown;
  return `\u0001${JSON.stringify({ code, message, retryAfterMs })}`;
}

/** What a function of the plugin could not do, said to its caller. The process goes on. */
export class Failure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Failure";
  }
}
