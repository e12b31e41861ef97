// What the host refuses or cannot do, as an exception with the code of wit/.

import type { ErrorCode } from "./error-code.ts";

/** A refusal of the host. Branch on `code`; `message` is for people. */
export class HostError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = "HostError";
    this.code = code;
  }
}

/** What a function of the plugin could not do, said to its caller. The instance goes on. */
export class Failure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Failure";
  }
}

/** Throws HostError for what the host answers with an error. */
export function asking<T>(ask: () => T): T {
  try {
    return ask();
  } catch (thrown) {
    const error = (thrown as { payload?: unknown }).payload ?? thrown;
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code === "string" && typeof message === "string") throw new HostError(code as ErrorCode, message);
    throw thrown;
  }
}
