// Last values that plugins share, as text and as JSON.

import { nothingFrom, optionalJsonFrom, optionalTextFrom } from "./answers";
import * as abi from "./imports";
import { jsonBlock } from "./json";
import { textBlock } from "./memory";
import { Outcome, Result } from "./result";

export function getText(key: string): Result<string | null> {
  return optionalTextFrom(abi.state_get(textBlock(key)));
}

/** Fails with invalid-message too when the value is not the JSON of `T`. */
export function getJson<T>(key: string): Result<T | null> {
  return optionalJsonFrom<T>(abi.state_get(textBlock(key)));
}

export function setText(key: string, value: string): Outcome {
  return nothingFrom(abi.state_set(textBlock(key), textBlock(value)));
}

export function setJson<T>(key: string, value: T): Outcome {
  return nothingFrom(abi.state_set(textBlock(key), jsonBlock<T>(value)));
}
