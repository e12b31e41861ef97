// W3C trace context: one trace id follows a request through every plugin, each step has a span id of its own.

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

// Half random for the process, half counted: unique, never all zeros, and a tenth of the cost of a random one.
const spanPrefix = crypto.randomUUID().slice(0, 8);
let spans = 0;

function spanId(): string {
  spans = (spans + 1) >>> 0 || 1;
  return spanPrefix + spans.toString(16).padStart(8, "0");
}

/** A new trace, or the continuation of a valid `traceparent` header from outside. */
export function startTrace(incoming?: string): string {
  if (incoming !== undefined && TRACEPARENT.test(incoming)) return childSpan(incoming);
  return `00-${crypto.randomUUID().replaceAll("-", "")}-${spanId()}-01`;
}

/** The same trace with a new span. `traceparent` must come from this file. */
export function childSpan(traceparent: string): string {
  return `${traceparent.slice(0, 36)}${spanId()}${traceparent.slice(52)}`;
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}
