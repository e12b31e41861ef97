// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

import { asking } from "./asking.ts";

/**
 * Milliseconds since 1970-01-01T00:00:00Z.
 */
export function now(): Promise<number> {
  return asking("clock.now", [], "u64");
}

/**
 * Nanoseconds since an arbitrary moment; never goes back.
 */
export function monotonic(): Promise<number> {
  return asking("clock.monotonic", [], "u64");
}
