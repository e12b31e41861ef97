// A request of GraphQL over HTTP, looked at before it is parsed.

import { z } from "zod";
import { isJsonWithin } from "../../../bounds/json.ts";
import { parseJsonInput } from "../../../bounds/json-input.ts";
import { HostError } from "../../../core/errors.ts";
import { malformedQuery } from "../wanted-events.ts";
import { LIMITS } from "./limits.ts";

export interface GraphQLRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

const requestSchema: z.ZodType<GraphQLRequest> = z.object({
  query: z.string(),
  operationName: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
});

/** Throws HostError `invalid-message` for what is no JSON, has more values than it may, or is several requests in one. */
export function requestOf(body: Uint8Array): GraphQLRequest {
  const { values: maxValues, valuesDepth: maxDepth } = LIMITS;
  if (!isJsonWithin(body, { maxValues, maxDepth }))
    throw new HostError("invalid-message", `a request has at most ${maxValues} values, ${maxDepth} deep; a large input is for REST`);
  const given = parseJsonInput(body, "the request");
  if (Array.isArray(given)) throw new HostError("invalid-message", "send one request; batches are not taken");
  const parsed = requestSchema.safeParse(given);
  if (!parsed.success) throw malformedQuery("the request", parsed.error);
  return parsed.data;
}
