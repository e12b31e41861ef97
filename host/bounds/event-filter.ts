// The filter of a subscription in the manifest: which events of a type a plugin wants to be woken for. It saves turns; it permits nothing.

import { z } from "zod";
import { isJson } from "../core/cloud-event.ts";
import type { CloudEvent } from "../core/types.ts";
import { isJsonWithin } from "./json.ts";

type Scalar = string | number | boolean | null;

/** By attribute (`source`, `type`) or path into JSON data (`data.unit`): the value, or a list of those that will do. All must hold. */
export type EventFilter = Readonly<Record<string, Scalar | readonly Scalar[]>>;

const MAX_CONDITIONS = 16;
const MAX_VALUES = 64;
const PATH = /^(source|type|data(\.[^.]{1,64}){1,8})$/;

const scalar = z.union([z.string().max(256), z.number(), z.boolean(), z.null()]);

export const eventFilterSchema: z.ZodType<EventFilter> = z
  .record(
    z.string().regex(PATH, "write source, type or a path into the data such as data.unit"),
    z.union([scalar, z.array(scalar).min(1).max(MAX_VALUES)]),
  )
  .refine((filter) => Object.keys(filter).length <= MAX_CONDITIONS, `write at most ${MAX_CONDITIONS} conditions`);

/** JSON that is larger is not looked into, since the host does that for every subscriber: who filters by its data is woken for it. */
const LOOKED_INTO = { maxBytes: 65_536, maxValues: 4_096, maxDepth: 64 } as const;

/** Data that is not JSON fulfils no condition on it; large data every one. Never throws. */
export function compileFilter(filter: EventFilter): (event: CloudEvent) => boolean {
  const conditions = Object.entries(filter).map(([path, wanted]) => ({
    path: path.split("."),
    wanted: new Set<unknown>(Array.isArray(wanted) ? wanted : [wanted]),
  }));
  return (event) => conditions.every(({ path, wanted }) => (path[0] === "data" && isTooLarge(event)) || wanted.has(valueAt(event, path)));
}

const decoder = new TextDecoder();
const TOO_LARGE = Symbol("too large");
// All subscribers of an event are served one after the other, so one entry is a whole cache.
let last: { readonly event: CloudEvent; readonly data: unknown } | undefined;

function dataOf(event: CloudEvent): unknown {
  if (last?.event !== event) last = { event, data: isJson(event.contentType) ? parsed(event.data) : undefined };
  return last.data;
}

const parsed = (data: Uint8Array): unknown =>
  data.length <= LOOKED_INTO.maxBytes && isJsonWithin(data, LOOKED_INTO) ? JSON.parse(decoder.decode(data)) : TOO_LARGE;

const isTooLarge = (event: CloudEvent): boolean => dataOf(event) === TOO_LARGE;

function valueAt(event: CloudEvent, [first, ...path]: readonly string[]): unknown {
  if (first === "source" || first === "type") return event[first];
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined),
    dataOf(event),
  );
}
