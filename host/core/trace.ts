// W3C trace context: one trace id follows a request through every plugin, each step has a span id of its own.

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

// The first part random for the process, the rest counted: unique, never all zeros, and a tenth of the cost of a random one. Not before the first of them: Node
// loads its cryptography for it, and cells never make one.
let prefixes: { readonly span: string; readonly trace: string } | undefined;
let spans = 0;

function prefix(): { readonly span: string; readonly trace: string } {
  prefixes ??= { span: crypto.randomUUID().slice(0, 8), trace: crypto.randomUUID().replaceAll("-", "").slice(0, 24) };
  return prefixes;
}

function count(): string {
  spans = (spans + 1) >>> 0 || 1;
  return spans.toString(16).padStart(8, "0");
}

/** A new trace, or the continuation of a valid `traceparent` header from outside. */
export function startTrace(incoming?: string): string {
  if (incoming !== undefined && TRACEPARENT.test(incoming)) return childSpan(incoming);
  const counted = count();
  const { span, trace } = prefix();
  return `00-${trace}${counted}-${span}${counted}-01`;
}

/** The same trace with a new span. `traceparent` must come from this file. */
export function childSpan(traceparent: string): string {
  return `${traceparent.slice(0, 36)}${prefix().span}${count()}${traceparent.slice(52)}`;
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}
