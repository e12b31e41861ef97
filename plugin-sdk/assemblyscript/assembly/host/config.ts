// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// What the operator configured for this plugin.

export * from "../config";
import * as abi from "../imports";
import { optionalTextFrom } from "../answers";
import { textBlock } from "../memory";
import { Result } from "../result";

/** The value of one key: a string as it is, anything else as JSON text; none when it is not configured. */
export function get(key: string): Result<string | null> {
  return optionalTextFrom(abi.config_get(textBlock(key)));
}
