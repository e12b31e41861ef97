// Which traces are sent: a share of them, and all in which something failed. The same trace has the same answer on every host.

import type { Span } from "../../seams.ts";

const PARTS = /.{8}/g;
const ALL = 2 ** 32;

/** Whether a trace is among the share, by its id alone. Ids are mixed first: those of one host are counted, not drawn. */
export function isAmong(traceId: string, ratio: number): boolean {
  let mixed = 0;
  for (const [part] of traceId.matchAll(PARTS)) {
    mixed = Math.imul(mixed ^ Number.parseInt(part, 16), 0x85eb_ca6b);
    mixed ^= mixed >>> 13;
    mixed = Math.imul(mixed, 0xc2b2_ae35);
    mixed ^= mixed >>> 16;
  }
  return (mixed >>> 0) / ALL < ratio;
}

/** Of spans that were read together, those to send: of a trace with a failure all that came with it. */
export function chosen(spans: readonly Span[], ratio: number): readonly Span[] {
  const failed = new Set(spans.filter(({ code }) => code !== "ok").map(({ traceId }) => traceId));
  return spans.filter(({ traceId, isSampled }) => failed.has(traceId) || (isSampled && isAmong(traceId, ratio)));
}
