// Yes or no, at the terminal.

import * as prompts from "@clack/prompts";
import { HostError } from "../core/errors.ts";

/** Rejects with HostError `invalid-message` for no. */
export async function confirmed(message: string): Promise<void> {
  if (!decided(await prompts.confirm({ message, initialValue: false }))) throw new HostError("invalid-message", "nothing was changed");
}

/** Throws HostError `invalid-message` when whoever is asked has cancelled. */
export function decided<T>(answer: T): Exclude<T, symbol> {
  if (typeof answer === "symbol") throw new HostError("invalid-message", "cancelled; nothing was changed");
  return answer as Exclude<T, symbol>;
}
