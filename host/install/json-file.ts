// Parses the text of a JSON file that a stranger or an operator wrote, before a schema looks at it.

import { HostError, type HostErrorCode } from "../core/errors.ts";

/** Throws a HostError with `code` for what is no JSON, and for a key `__proto__`, which schemas would silently drop. */
export function parseJsonFile(text: string, file: string, code: HostErrorCode): unknown {
  try {
    return JSON.parse(text, (key, value) => {
      if (key === "__proto__") throw new SyntaxError("the key __proto__ is not allowed");
      return value;
    });
  } catch (cause) {
    throw new HostError(code, `${file} is not JSON: ${cause instanceof Error ? cause.message : ""}`, { cause });
  }
}
