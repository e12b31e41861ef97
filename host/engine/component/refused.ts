// How a component is refused: with the first reason in the message, and all of them in the detail.

import { HostError } from "../../core/errors.ts";

export function refused(reasons: readonly string[]): HostError {
  const more = reasons.length === 1 ? "" : ` (and ${reasons.length - 1} more)`;
  return new HostError("admission-refused", `the component is refused: ${reasons[0]}${more}`, { detail: reasons.join("\n") });
}
