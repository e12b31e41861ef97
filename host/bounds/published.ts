// What an event must be that somebody publishes who is no guest: whoever encodes it later trusts it.

import { isJson } from "../core/cloud-event.ts";
import { HostError } from "../core/errors.ts";
import { CONTENT_TYPE, MAX_CONTENT_TYPE_LENGTH } from "../core/host-functions.ts";
import { isDottedName, printable } from "../core/names.ts";
import type { MaybePromise, UnstampedEvent } from "../core/types.ts";
import { isJsonText } from "./json.ts";

/** Resolves at once but for long JSON, so that what one publishes stays in its order. Throws or rejects with HostError `invalid-message`. */
export function requireEvent({ type, contentType, data }: Pick<UnstampedEvent, "type" | "contentType" | "data">): MaybePromise<void> {
  if (!isDottedName(type)) throw new HostError("invalid-message", `"${printable(type)}" is no event type; write plugin.kebab-case`);
  if (contentType.length > MAX_CONTENT_TYPE_LENGTH || !CONTENT_TYPE.test(contentType))
    throw new HostError("invalid-message", `"${printable(contentType)}" is no media type; write application/json or the like`);
  const judge = (isFit: boolean): void => {
    if (!isFit) throw new HostError("invalid-message", `the data of ${type} are no JSON text in UTF-8`);
  };
  const isFit = !isJson(contentType) || isJsonText(data, (piece) => piece());
  return typeof isFit === "boolean" ? judge(isFit) : isFit.then(judge);
}
