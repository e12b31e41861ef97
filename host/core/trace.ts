// W3C trace context: one trace id follows a request through every plugin, each step has a span id of its own.

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const pool = new Uint32Array(256);
let used = pool.length;

// Ids of zeros only are invalid; setting the low bit of each word rules them out.
function randomWord(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const word = ((pool[used] ?? 0) | 1) >>> 0;
  used += 1;
  return word.toString(16).padStart(8, "0");
}

/** A new trace, or the continuation of a valid `traceparent` header from outside. */
export function startTrace(incoming?: string): string {
  if (incoming !== undefined && TRACEPARENT.test(incoming)) return childSpan(incoming);
  return `00-${randomWord()}${randomWord()}${randomWord()}${randomWord()}-${randomWord()}${randomWord()}-01`;
}

/** The same trace with a new span. `traceparent` must come from this file. */
export function childSpan(traceparent: string): string {
  return `${traceparent.slice(0, 36)}${randomWord()}${randomWord()}${traceparent.slice(52)}`;
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}
