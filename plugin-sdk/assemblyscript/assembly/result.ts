// What can fail is a value: Result<T> holds what was asked for or the HostError that stands for it. Nothing is thrown.

import { blank } from "./memory";

/**
 * A refusal or failure. Branch on `code` (docs/errors.md), and of `refused` on `reason`; show `message` to people. `retryAfterMs` says how long to wait before it
 * may go, 0 where nobody knows.
 */
export class HostError {
  constructor(
    readonly code: string,
    readonly message: string,
    readonly detail: string | null = null,
    readonly reason: string | null = null,
    readonly retryAfterMs: u32 = 0,
  ) {}

  toString(): string {
    return this.code + ": " + this.message;
  }
}

/** For results without a value; as JSON, an object without fields. */
@json
export class Nothing {}

// asc 0.28.20 resolves the type argument of `result.failure<T>()` to this class's own parameter if both have one name, so this one
// has a name that no author is likely to use.
export class Result<HeldValue> {
  constructor(
    private readonly held: HeldValue,
    private readonly failed: HostError | null,
  ) {}

  @inline
  get isOk(): bool {
    return this.failed === null;
  }

  /** The value; of a failed result this ends the turn with the error's text. */
  get value(): HeldValue {
    const failed = this.failed;
    if (failed !== null) throw new Error(failed.toString());
    return this.held;
  }

  /** The error; of a successful result this ends the turn. */
  get error(): HostError {
    const failed = this.failed;
    if (failed === null) throw new Error("this result is no error");
    return failed;
  }

  valueOr(otherwise: HeldValue): HeldValue {
    return this.failed === null ? this.held : otherwise;
  }

  /** The same failure as the result of another type, to hand it on. */
  failure<U>(): Result<U> {
    return new Result<U>(blank<U>(), this.error);
  }
}

/** The result of a handler, or of a host function, that answers nothing. */
export type Outcome = Result<Nothing>;

const nothing = new Nothing();
const success = new Result<Nothing>(nothing, null);

export function ok<T>(value: T): Result<T> {
  return new Result<T>(value, null);
}

export function done(): Outcome {
  return success;
}

/** What a handler returns to fail: the caller is told plugin-failed with this message. */
export function fail<T>(message: string, code: string = "plugin-failed"): Result<T> {
  return new Result<T>(blank<T>(), new HostError(code, message));
}

/**
 * What a handler returns to say no: the caller is told `refused` with this reason, `not-found`, `invalid-input`, `conflict`, `forbidden`, `unavailable` or one of
 * `services.<name>.errors` in the manifest. `retryAfterMs` says when what is unavailable may be there again.
 */
export function refuse<T>(reason: string, message: string, retryAfterMs: u32 = 0): Result<T> {
  return new Result<T>(blank<T>(), new HostError("refused", message, null, reason, retryAfterMs));
}
