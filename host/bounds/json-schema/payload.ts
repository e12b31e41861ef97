// What is wrong with a payload that a JSON Schema describes: JSON text of a stranger, counted before it is parsed, and checked in as many steps as are allowed.

import { HostError, toHostError } from "../../core/errors.ts";
import { isJsonWithin, MAX_JSON_DEPTH } from "../json.ts";
import { type JsonSchema, MAX_STEPS } from "./schema.ts";

export interface Payload {
  /** How messages call it. */
  readonly what: string;
  readonly data: string | Uint8Array;
  /** What no data at all stand for; undefined: for nothing, which is no JSON. */
  readonly empty?: unknown;
}

export interface CheckLimits {
  readonly maxValues: number;
  readonly maxSteps: number;
}

/** Of a check that somebody pays for: some 10 ms to parse, and 15 to 60 to check (docs/decisions/0028). */
export const PAID: CheckLimits = { maxValues: 500_000, maxSteps: MAX_STEPS };
/** Of one on the host's own thread: below 10 ms. */
export const ON_THE_HOST: CheckLimits = { maxValues: 20_000, maxSteps: 100_000 };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What `refused` makes of the first problem, `quota-exceeded` for what takes too much, or undefined when it fits. Never throws. */
export function payloadProblem(
  schema: JsonSchema,
  { what, data, empty }: Payload,
  limits: CheckLimits,
  refused: (message: string) => HostError,
): HostError | undefined {
  try {
    const value = data.length === 0 && empty !== undefined ? empty : parsed(data, limits);
    if (value === undefined) return refused(`${what} is no JSON text in UTF-8`);
    const problem = schema.check(value, limits.maxSteps);
    if (problem === undefined) return undefined;
    return refused(`${what}${problem.pointer === "" ? "" : ` at ${problem.pointer}`} ${problem.message}`);
  } catch (thrown) {
    const { code, message } = toHostError(thrown);
    return new HostError(code, `${what}: ${message}`);
  }
}

/** The value, which is never undefined; undefined for what is no JSON. Throws HostError `quota-exceeded` for more than may be checked. */
function parsed(data: string | Uint8Array, { maxValues }: CheckLimits): unknown {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  if (bytes.length > MAX_JSON_DEPTH && !isJsonWithin(bytes, { maxValues, maxDepth: MAX_JSON_DEPTH }))
    throw new HostError("quota-exceeded", `it has more than ${maxValues} values to check, or nests deeper than ${MAX_JSON_DEPTH}`);
  try {
    return JSON.parse(decoder.decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
