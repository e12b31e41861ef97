// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Last values that plugins share. Volatile: empty after a restart of the host.

export * from "../state";
import * as abi from "../imports";
import { jsonFrom, nothingFrom, optionalBytesFrom } from "../answers";
import { bytesBlock, textBlock } from "../memory";
import { Outcome, Result } from "../result";

/** The value, or none when nobody has set the key. Needs `state.read`. */
export function get(key: string): Result<Uint8Array | null> {
  return optionalBytesFrom(abi.state_get(textBlock(key)));
}

/** Sets a value of at most 64 KiB. Needs `state.write`. */
export function set(key: string, value: Uint8Array): Outcome {
  return nothingFrom(abi.state_set(textBlock(key), bytesBlock(value)));
}

/** Removes a value and says whether there was one. Needs `state.write`. */
export function remove(key: string): Result<bool> {
  return jsonFrom<bool>(abi.state_delete(textBlock(key)));
}

/** The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000. */
export function keys(prefix: string): Result<string[]> {
  return jsonFrom<string[]>(abi.state_keys(textBlock(prefix)));
}
