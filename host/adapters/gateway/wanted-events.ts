// Which events somebody who follows wants to hear, as he says it. It permits nothing.

import { z } from "zod";
import { compileFilter, type EventFilter, eventFilterSchema } from "../../bounds/event-filter.ts";
import { HostError } from "../../core/errors.ts";
import { compilePattern, isPattern } from "../../core/names.ts";
import type { CloudEvent } from "../../core/types.ts";

const MAX_PATTERNS = 16;
const MAX_SOURCE_LENGTH = 256;

export interface EventQuery {
  /** Patterns of types, one of which must match. */
  readonly types: readonly string[];
  /** Who published it, such as `/plugins/devices`. */
  readonly source?: string | undefined;
  readonly filter?: EventFilter | undefined;
}

const pattern = z.string().refine(isPattern, "write dotted segments, with * for one segment and a last ** for any depth");

/** One pattern may stand without its list; what is left out wants everything. */
export const eventQuerySchema: z.ZodObject<{
  types: z.ZodType<readonly string[]>;
  source: z.ZodType<string | undefined>;
  filter: z.ZodType<EventFilter | undefined>;
}> = z.strictObject({
  types: z.preprocess((given) => (typeof given === "string" ? [given] : given), z.array(pattern).min(1).max(MAX_PATTERNS).default(["**"])),
  source: z.string().max(MAX_SOURCE_LENGTH).optional(),
  filter: eventFilterSchema.optional(),
});

export interface WantedEvents {
  /** By what costs nothing to look at. */
  matches(event: CloudEvent): boolean;
  /** By what may need its data. */
  fulfils(event: CloudEvent): boolean;
}

export function wantedEvents({ types, source, filter }: EventQuery): WantedEvents {
  const patterns = types.map(compilePattern);
  return {
    matches: (event) => (source === undefined || event.source === source) && patterns.some((matches) => matches(event.type)),
    fulfils: filter === undefined ? () => true : compileFilter(filter),
  };
}

/** What is wrong, with its key, as HostError `invalid-message`. */
export function malformedQuery(what: string, { issues: [first] }: z.ZodError): HostError {
  const key = first?.code === "unrecognized_keys" ? first.keys.join(", ") : first?.path.join(".");
  return new HostError("invalid-message", `${what}${key ? `: ${key}` : ""}: ${first?.message}`);
}
