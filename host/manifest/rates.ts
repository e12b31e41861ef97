// How often services may be called: what a manifest asks for its own services, and what the operator sets instead.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Rate, ServiceRates } from "../core/types.ts";

const MAX_PER_SECOND = 1_000_000;

interface RateInput {
  readonly perSecond: number;
  /** As many as a second's when it is not said. */
  readonly burst?: number | undefined;
}

export interface RatesInput {
  readonly perCaller?: RateInput | undefined;
  readonly total?: RateInput | undefined;
}

/** `false` takes away what the manifest asks for. */
export interface RatesGiven {
  readonly perCaller?: RateInput | false | undefined;
  readonly total?: RateInput | false | undefined;
}

const rateSchema: z.ZodType<RateInput> = z.strictObject({
  perSecond: z.number().min(0.001).max(MAX_PER_SECOND).describe("calls a second, in the long run"),
  burst: z.int().min(1).max(MAX_PER_SECOND).optional().describe("calls at once; as many as a second's by default"),
});

/** Keys of a service in a manifest. */
export const ratesShape: { readonly perCaller: z.ZodOptional<typeof rateSchema>; readonly total: z.ZodOptional<typeof rateSchema> } = {
  perCaller: rateSchema.optional(),
  total: rateSchema.optional(),
};

const givenSchema = z.union([z.literal(false), rateSchema]).optional();
export const ratesGivenSchema: z.ZodType<RatesGiven> = z.strictObject({ perCaller: givenSchema, total: givenSchema });

/** What holds for a service: what the operator gives, else what the manifest asks for. */
export function effectiveRates(asked: RatesInput, given: RatesGiven = {}): ServiceRates {
  return { perCaller: rateOf(given.perCaller ?? asked.perCaller), total: rateOf(given.total ?? asked.total) };
}

const rateOf = (input: RateInput | false | undefined): Rate | undefined =>
  input === undefined || input === false
    ? undefined
    : { perSecond: input.perSecond, burst: input.burst ?? Math.max(1, Math.ceil(input.perSecond)) };

/** Throws HostError `invalid-message` for a service of the configuration that the plugin does not provide. */
export function refuseUnknownServices(plugin: string, given: Readonly<Record<string, RatesGiven>>, provided: readonly string[]): void {
  const unknown = Object.keys(given).find((service) => !provided.includes(service));
  if (unknown === undefined) return;
  const known = provided.length === 0 ? "it provides none" : `it provides ${provided.join(", ")}`;
  throw new HostError("invalid-message", `plugins.${plugin}.services names ${printable(unknown)}; ${known}`);
}
