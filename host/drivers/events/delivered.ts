// How kept events look to the handler they are delivered to, and what its answer says.

import { encodeEvent } from "../../core/cloud-event.ts";
import type { CloudEvent } from "../../core/types.ts";

export interface DeliveredAs {
  /** 1 for the first. */
  readonly attempt?: number | undefined;
  readonly replayed?: boolean | undefined;
}

/** As subscribers receive it; another attempt and a replay say so. */
export function deliveredText(event: CloudEvent, { attempt = 1, replayed = false }: DeliveredAs): string {
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
