// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Last values that plugins share. Volatile: empty after a restart of the host.

import * as host from "bulkhead:plugin/state@0.2.0";
import { asking } from "./host-error.ts";

/**
 * The value, or none when nobody has set the key. Needs `state.read`.
 */
export function get(key: string): Uint8Array | undefined {
  return asking(() => host.get(key)) ?? undefined;
}

/**
 * Sets a value of at most 64 KiB. Needs `state.write`.
 */
export function set(key: string, value: Uint8Array): void {
  asking(() => host.set(key, value));
}

/**
 * Removes a value and says whether there was one. Needs `state.write`.
 */
export function remove(key: string): boolean {
  return asking(() => host.delete(key));
}

/**
 * The keys that begin with `prefix` and that this plugin may read, in order of their characters, at most 1,000.
 */
export function keys(prefix: string): string[] {
  return asking(() => host.keys(prefix));
}
