// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// The plugin's own durable key-value store. No other plugin can reach it, so it needs no permission; it has a quota.
// A key is 1 to 512 bytes of UTF-8, a value at most 1 MiB.

export * from "../storage";
import * as abi from "../imports";
import { jsonFrom, nothingFrom, optionalBytesFrom } from "../answers";
import { jsonBlock } from "../json";
import { bytesBlock, textBlock } from "../memory";
import { Outcome, Result } from "../result";

/**
 * The value, or none when the key is absent.
 *
 * Fails with invalid-message (key), storage-failed.
 */
export function get(key: string): Result<Uint8Array | null> {
  return optionalBytesFrom(abi.storage_get(textBlock(key)));
}

/**
 * Sets a value. Once this returns the value survives a crash of the host's process.
 *
 * Fails with invalid-message (key), quota-exceeded (value size, bytes in all), storage-failed.
 */
export function set(key: string, value: Uint8Array): Outcome {
  return nothingFrom(abi.storage_set(textBlock(key), bytesBlock(value)));
}

/** Removes a value and says whether there was one. */
export function remove(key: string): Result<bool> {
  return jsonFrom<bool>(abi.storage_delete(textBlock(key)));
}

/**
 * The values of up to 1,000 keys, each in its key's place, none for an absent one.
 *
 * Fails with invalid-message (keys, more than 1,000 of them), quota-exceeded (values of more than 4 MiB in all), storage-failed.
 */
export function getMany(keys: string[]): Result<Array<Uint8Array | null>> {
  return jsonFrom<Array<Uint8Array | null>>(abi.storage_get_many(jsonBlock<string[]>(keys)));
}
