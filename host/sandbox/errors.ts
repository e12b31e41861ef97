// The one error of sandboxes: the host's code, and where in the stranger's source it was. What a stranger says of himself is shown, never believed.

import { type ErrorShape, HostError, type HostErrorCode, isHostErrorCode, toHostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { type Place, type Program, placeIn } from "./places.ts";

const MAX_MESSAGE_LENGTH = 1_000;
const TIMED_OUT: ReadonlySet<HostErrorCode> = new Set(["cpu-exhausted", "deadline-exceeded"]);

/**
 * Why an evaluation has no value. `code` is one of the host's: `plugin-failed` for what the stranger threw, or a promise that nothing settles; `cpu-exhausted`,
 * `deadline-exceeded`, `memory-exhausted`, `quota-exceeded` for his limits; `invalid-message` for a value that is no plain data. `line` and `column` count from 1
 * in his source; `stack` has his frames only.
 */
export class SandboxError extends Error implements ErrorShape {
  override readonly name = "SandboxError";
  readonly code: HostErrorCode;
  /** Undefined where the program was not looked at, such as for one that is too long. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** What the sandbox knew is gone, and the next evaluation begins anew. */
  readonly isStateLost: boolean;

  constructor(code: HostErrorCode, message: string, at: { place?: Place | undefined; isStateLost?: boolean; cause?: unknown } = {}) {
    const { place, isStateLost = false, cause } = at;
    super(place === undefined ? message : `${message} (${place.file}:${place.line}:${place.column})`, cause === undefined ? {} : { cause });
    this.code = code;
    this.line = place?.line;
    this.column = place?.column;
    this.isStateLost = isStateLost;
    this.stack = [`${this.name}: ${this.message}`, ...(place?.frames ?? []).map((frame) => `    ${frame}`)].join("\n");
  }
}

/** What a stranger's program has thrown, or why its value does not go out. */
export interface Failure {
  readonly code: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

export function failureOf({ code, name, message, stack }: Failure, program: Program): SandboxError {
  const said = escapeControls(`${name === "" ? "" : `${name}: `}${message}`.slice(0, MAX_MESSAGE_LENGTH));
  return new SandboxError(codeOf({ code, name, message }), said, { place: placeIn(stack, program) });
}

// A stranger may make such an error, and deceives nobody but himself.
function codeOf({ code, name, message }: Omit<Failure, "stack">): HostErrorCode {
  if (isHostErrorCode(code)) return code;
  if (name === "RangeError" && message === "Maximum call stack size exceeded") return "memory-exhausted";
  return "plugin-failed";
}

/** A turn that the host has refused or ended. */
export function refusalOf(thrown: unknown, program: Program, ended: { readonly ran: boolean; readonly broken: boolean }): SandboxError {
  const error = thrown instanceof HostError ? thrown : toHostError(thrown);
  const place = ended.ran ? placeIn(error.detail ?? "", program, TIMED_OUT.has(error.code)) : undefined;
  return new SandboxError(error.code, error.message, { place, isStateLost: ended.broken, cause: error.cause });
}
