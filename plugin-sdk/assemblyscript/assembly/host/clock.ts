// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

import * as abi from "../imports";
import { jsonFrom } from "../answers";

/** Milliseconds since 1970-01-01T00:00:00Z. */
export function now(): u64 {
  return jsonFrom<u64>(abi.clock_now()).value;
}

/** Nanoseconds since an arbitrary moment; never goes back. */
export function monotonic(): u64 {
  return jsonFrom<u64>(abi.clock_monotonic()).value;
}
