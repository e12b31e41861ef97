// One turn for what was delivered, and what becomes of the events by how it ended.

import { encodeEvent } from "../../core/cloud-event.ts";
import type { ErrorShape } from "../../core/errors.ts";
import type { RecordedEvent } from "../../core/ports/events.ts";
import type { TurnOutcome } from "../../core/types.ts";

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 300_000;
/** How long one that cannot take a turn now is left alone. */
const BUSY_PAUSE_MS = 100;
const NOT_NOW: ReadonlySet<string> = new Set(["plugin-not-running", "queue-full"]);

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
  if (NOT_NOW.has(error.code)) return { kind: "not-now", afterMs: BUSY_PAUSE_MS };
  const why = `${error.code}: ${error.message}`;
  if (isFinal(error)) return { kind: "dead", why };
  if (attempt >= maxAttempts) return { kind: "dead", why };
  return { kind: "again", afterMs: Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 20), MAX_PAUSE_MS), why };
}

/** Whether another attempt would end the same way. */
const isFinal = (_error: ErrorShape): boolean => false;

/** As subscribers receive it; another attempt and a replay say so. */
export function textOf(event: RecordedEvent, { attempt = 1, replayed = false }: { attempt?: number; replayed?: boolean }): string {
  const added = `${attempt > 1 ? `"attempt":${attempt},` : ""}${replayed ? '"replayed":true,' : ""}`;
  const text = encodeEvent(event);
  return added === "" ? text : `{${added}${text.slice(1)}`;
}

/** How many events of a batch are handled, from the first on: all, unless the handler answers with a number. */
export function handledOf(output: Uint8Array, batch: number): number | undefined {
  if (output.length === 0) return batch;
  if (output.length > 3) return undefined;
  const text = new TextDecoder().decode(output);
  const handled = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return handled <= batch ? handled : undefined;
}
