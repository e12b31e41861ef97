// The configuration as values: the host gives texts, and JSON for what is none.

import { optionalTextFrom } from "./answers";
import * as abi from "./imports";
import { Json } from "./json";
import { textBlock } from "./memory";
import { Result, fail, ok } from "./result";

/**
 * The value of a key, as a string, a number, a bool, or whatever `Json.parse` takes: `config.value<f64>("level")`. Fails with plugin-failed, and the key, for a value
 * of another type, and for one that was not configured and has no default in the manifest.
 */
export function value<T>(key: string): Result<T> {
  const found = configured(key);
  if (!found.isOk) return found.failure<T>();
  const text = found.value;
  return text === null ? fail<T>("config." + key + " is missing; write it in plugins.<name>.config") : valueOf<T>(key, text);
}

/** Like `value`, with what holds where nothing was configured and the manifest has no default. */
export function valueOr<T>(key: string, otherwise: T): Result<T> {
  const found = configured(key);
  if (!found.isOk) return found.failure<T>();
  const text = found.value;
  return text === null ? ok<T>(otherwise) : valueOf<T>(key, text);
}

function configured(key: string): Result<string | null> {
  return optionalTextFrom(abi.config_get(textBlock(key)));
}

function valueOf<T>(key: string, text: string): Result<T> {
  if (isString<T>()) return ok<T>(changetype<T>(text));
  const read = Json.parse<T>(text);
  return read.isOk ? read : fail<T>("config." + key + " does not fit: " + read.error.message);
}
