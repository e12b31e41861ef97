// W3C trace context: one trace id follows a request through every plugin, each step has a span id of its own.

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

// Never all zeros, which would be invalid: the version and variant bits of a UUID are set.
const traceId = (): string => crypto.randomUUID().replaceAll("-", "");
const spanId = (): string => traceId().slice(16);

/** A new trace, or the continuation of a valid `traceparent` header from outside. */
export function startTrace(incoming?: string): string {
  if (incoming !== undefined && TRACEPARENT.test(incoming)) return childSpan(incoming);
  return `00-${traceId()}-${spanId()}-01`;
}

/** The same trace with a new span. `traceparent` must come from this file. */
export function childSpan(traceparent: string): string {
  return `${traceparent.slice(0, 36)}${spanId()}${traceparent.slice(52)}`;
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}
