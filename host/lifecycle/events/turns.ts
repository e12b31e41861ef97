// What becomes of events by how the turn ended that they were delivered in.

import type { ErrorShape } from "../../core/errors.ts";
import type { TurnOutcome } from "../../core/types.ts";

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 300_000;
/** How long one that cannot take a turn now is left alone. */
const BUSY_PAUSE_MS = 100;
const NOT_NOW: ReadonlySet<string> = new Set(["plugin-not-running", "queue-full", "rate-limited", "no-such-service"]);

export type Verdict =
  | { readonly kind: "handled" }
  /** It was not even tried. */
  | { readonly kind: "not-now"; readonly afterMs: number }
  | { readonly kind: "again"; readonly afterMs: number; readonly why: string }
  | { readonly kind: "dead"; readonly why: string };

/** What becomes of an event whose turn, the attempt of that number, ended so. */
export function verdictOn(outcome: TurnOutcome, attempt: number, maxAttempts: number): Verdict {
  if (outcome.ok) return { kind: "handled" };
  const { error } = outcome;
  const askedMs = Math.min(error.retryAfterMs ?? 0, MAX_PAUSE_MS);
  if (NOT_NOW.has(error.code)) return { kind: "not-now", afterMs: Math.max(BUSY_PAUSE_MS, askedMs) };
  const why = `${error.reason ?? error.code}: ${error.message}`;
  if (isFinal(error) || attempt >= maxAttempts) return { kind: "dead", why };
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 20), MAX_PAUSE_MS);
  return { kind: "again", afterMs: Math.max(pauseMs, askedMs), why };
}

/** Whether another attempt would end the same way: the handler refused it, and not because something is away, or who sent it may not any more. */
const isFinal = ({ code, reason }: ErrorShape): boolean => code === "permission-denied" || (code === "refused" && reason !== "unavailable");
