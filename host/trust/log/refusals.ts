// Why a log is not believed, each by the name of a rule, which is the error's reason.

import { HostError } from "../../core/errors.ts";

export type LogRule =
  /** It says something else than before, or shows others another tree. */
  | "log-contradicts"
  /** It is older than what this host has seen of it. */
  | "log-lags"
  /** Its files are not those that it has signed. */
  | "log-broken"
  /** What it says is not signed by its key. */
  | "log-unsigned"
  /** It does not have the entry. */
  | "not-logged";

export const logRefusal = (rule: LogRule, message: string): HostError => new HostError("conflict", message, { reason: rule });
