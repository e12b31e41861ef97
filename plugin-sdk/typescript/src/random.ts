// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

import * as host from "bulkhead:plugin/random@0.2.0";
import { asking } from "./host-error.ts";

/**
 * Bytes from the host's cryptographic generator, 0 to 65,536 of them.
 *
 * Fails with invalid-message (length).
 */
export function bytes(length: number): Uint8Array {
  return asking(() => host.bytes(length));
}
