// What the operator configured for this plugin.

import { optionalTextFrom } from "./answers";
import * as abi from "./imports";
import { textBlock } from "./memory";
import { Result } from "./result";

/** The value of one key: a string as it is, anything else as JSON text; null when it is not configured. */
export function get(key: string): Result<string | null> {
  return optionalTextFrom(abi.config_get(textBlock(key)));
}
