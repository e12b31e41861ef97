// What a random test wants to know of work that may be refused. It asserts nothing but that every refusal has a code.

import { expect } from "vitest";
import { HostError, type HostErrorCode } from "../../host/core/errors.ts";

/** The code with which the work is refused; undefined when it is not. Anything thrown that is no HostError fails the test. */
export function codeOf(work: () => unknown): HostErrorCode | undefined {
  return refusalOf(work)?.code;
}

export function refusalOf(work: () => unknown): HostError | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof HostError) return thrown;
    expect.unreachable(`thrown without a code: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
  }
}
