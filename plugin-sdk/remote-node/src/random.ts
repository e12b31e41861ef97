// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

import { asking } from "./asking.ts";

/**
 * Bytes from the host's cryptographic generator, 0 to 65,536 of them.
 *
 * Fails with invalid-message (length).
 */
export function bytes(length: number): Promise<Uint8Array> {
  return asking("random.bytes", [["u32", length]], "bytes");
}
