// Last values that plugins share. Volatile: empty after a restart of the host.

import { jsonFrom, nothingFrom, optionalBytesFrom, optionalJsonFrom, optionalTextFrom } from "./answers";
import * as abi from "./imports";
import { written } from "./json";
import { bytesBlock, staticBytesBlock, textBlock } from "./memory";
import { Outcome, Result } from "./result";

/** The value, or null when nobody has set the key. Needs `state.read`. */
export function get(key: string): Result<Uint8Array | null> {
  return optionalBytesFrom(abi.state_get(textBlock(key)));
}

export function getText(key: string): Result<string | null> {
  return optionalTextFrom(abi.state_get(textBlock(key)));
}

/** Fails with invalid-message too when the value is not the JSON of `T`. */
export function getJson<T>(key: string): Result<T | null> {
  return optionalJsonFrom<T>(abi.state_get(textBlock(key)));
}

/** Sets a value of at most 64 KiB. Needs `state.write`. */
export function set(key: string, value: Uint8Array): Outcome {
  return nothingFrom(abi.state_set(textBlock(key), bytesBlock(value)));
}

export function setText(key: string, value: string): Outcome {
  return nothingFrom(abi.state_set(textBlock(key), textBlock(value)));
}

export function setJson<T>(key: string, value: T): Outcome {
  const json = written<T>(value);
  return nothingFrom(abi.state_set(textBlock(key), staticBytesBlock(json.bytes, json.length)));
}

/** Removes a value and says whether there was one. Needs `state.write`. */
export function remove(key: string): Result<bool> {
  return jsonFrom<bool>(abi.state_delete(textBlock(key)));
}

/** The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000. */
export function keys(prefix: string): Result<string[]> {
  return jsonFrom<string[]>(abi.state_keys(textBlock(prefix)));
}
