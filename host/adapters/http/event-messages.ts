// What a client of events says over WebSocket.

import { z } from "zod";
import { isJsonWithin } from "../../bounds/json.ts";
import { parseJsonInput } from "../../bounds/json-input.ts";
import { HostError } from "../../core/errors.ts";
import type { UnstampedEvent } from "../../core/types.ts";
import { type EventQuery, eventQuerySchema, malformedQuery } from "../gateway/wanted-events.ts";
import { BODY_TYPES } from "./origin.ts";

export interface Subscribe extends EventQuery {
  /** The id to go on behind. */
  readonly after?: string | undefined;
}

export interface Publish {
  readonly type: string;
  readonly contentType: string;
  /** JSON, or text where the content type is another one. */
  readonly data?: unknown;
  /** Bytes, in base64. */
  readonly data_base64?: string | undefined;
}

/** One of three. `ref` comes back with the answer. */
export interface SocketMessage {
  readonly ref?: string | undefined;
  readonly subscribe?: Subscribe | undefined;
  readonly unsubscribe?: string | undefined;
  readonly publish?: Publish | undefined;
}

const ACTIONS = ["subscribe", "unsubscribe", "publish"] as const;
const MAX_NAME = 64;
const WHAT = "the message";
const JSON_LIMITS = { maxValues: 4_096, maxDepth: 64 } as const;
const ref = z.string().max(MAX_NAME).optional();

const publishSchema: z.ZodType<Publish> = z
  .strictObject({
    type: z.string(),
    contentType: z.string().default(BODY_TYPES.json),
    data: z.unknown().optional(),
    data_base64: z.base64().optional(),
  })
  .refine((event) => (event.data === undefined) !== (event.data_base64 === undefined), "write data or data_base64");

const messageSchema: z.ZodType<SocketMessage> = z
  .strictObject({
    ref,
    subscribe: eventQuerySchema.extend({ after: z.string().max(MAX_NAME).optional() }).optional(),
    unsubscribe: z.string().max(MAX_NAME).optional(),
    publish: publishSchema.optional(),
  })
  .refine((message) => ACTIONS.filter((action) => message[action] !== undefined).length === 1, `write one of ${ACTIONS.join(", ")}`);

/** Throws HostError `invalid-message`. */
export function jsonOf(data: Buffer): unknown {
  const { maxValues, maxDepth } = JSON_LIMITS;
  if (isJsonWithin(data, JSON_LIMITS)) return parseJsonInput(data, WHAT);
  throw new HostError("invalid-message", `${WHAT} has more than ${maxValues} values, or more than ${maxDepth} one in another`);
}

/** Of a message that may be wrong otherwise. */
export function refOf(given: unknown): string | undefined {
  return z.object({ ref }).safeParse(given).data?.ref;
}

/** Throws HostError `invalid-message`. */
export function messageOf(given: unknown): SocketMessage {
  const parsed = messageSchema.safeParse(given);
  if (!parsed.success) throw malformedQuery(WHAT, parsed.error);
  return parsed.data;
}

/** Throws HostError `invalid-message` for data that are no text where they must be. */
export function eventOf({ type, contentType, data, data_base64 }: Publish): Pick<UnstampedEvent, "type" | "contentType" | "data"> {
  if (data_base64 !== undefined) return { type, contentType, data: Buffer.from(data_base64, "base64") };
  if (contentType === BODY_TYPES.json) return { type, contentType, data: Buffer.from(JSON.stringify(data)) };
  if (typeof data === "string") return { type, contentType, data: Buffer.from(data) };
  throw new HostError("invalid-message", `publish: data of another type than ${BODY_TYPES.json} are a text, or bytes in data_base64`);
}
