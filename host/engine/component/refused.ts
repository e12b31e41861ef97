// How a component is refused: with the first reason in the message, and the others in the detail, which a component with ten thousand faults must not fill.

import { HostError } from "../../core/errors.ts";

const MAX_TOLD = 100;

export function refused(reasons: readonly string[]): HostError {
  const told = reasons.length > MAX_TOLD ? [...reasons.slice(0, MAX_TOLD), `and ${reasons.length - MAX_TOLD} more`] : reasons;
  const more = reasons.length === 1 ? "" : ` (and ${reasons.length - 1} more)`;
  return new HostError("admission-refused", `the component is refused: ${reasons[0]}${more}`, { detail: told.join("\n") });
}
