// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// What the operator configured for this plugin.

import { asking } from "./asking.ts";

/**
 * The value of one key: a string as it is, anything else as JSON text; none when it is not configured.
 */
export function get(key: string): Promise<string | undefined> {
  return asking("config.get", [["string", key]], { option: "string" });
}
