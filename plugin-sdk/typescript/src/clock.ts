// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

import * as host from "bulkhead:plugin/clock@0.2.0";

/**
 * Milliseconds since 1970-01-01T00:00:00Z.
 */
export function now(): number {
  return host.now();
}

/**
 * Nanoseconds since an arbitrary moment; never goes back.
 */
export function monotonic(): number {
  return host.monotonic();
}
