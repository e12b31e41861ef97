// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

export * from "../random";
import * as abi from "../imports";
import { bytesFrom } from "../answers";
import { jsonBlock } from "../json";
import { Result } from "../result";

/**
 * Bytes from the host's cryptographic generator, 0 to 65,536 of them.
 *
 * Fails with invalid-message (length).
 */
export function bytes(length: u32): Result<Uint8Array> {
  return bytesFrom(abi.random_bytes(jsonBlock<u32>(length)));
}
