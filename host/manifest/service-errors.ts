// The reasons with which a service refuses, as its manifest declares them.

import { z } from "zod";
import { isDeclarable, isReason, MAX_REASON_LENGTH } from "../bounds/refusals.ts";

const MAX_ERRORS = 32;

/** A reason, and what it means in words; those that everybody has may be described as well. */
export type ServiceErrors = Readonly<Record<string, string>>;

export const serviceErrorsSchema: z.ZodType<ServiceErrors> = z
  .record(
    z
      .string()
      .refine(
        isDeclarable,
        `write a reason in kebab-case of at most ${MAX_REASON_LENGTH} characters that is no error code of the host, such as out-of-stock`,
      ),
    z.string().min(1).max(500),
  )
  .refine((errors) => Object.keys(errors).length <= MAX_ERRORS, `declare at most ${MAX_ERRORS} reasons`)
  .meta({ maxProperties: MAX_ERRORS });

interface Refusing {
  readonly entryPoint: string;
  readonly errors?: ServiceErrors | undefined;
}

/** By entry point, what its services declare besides the reasons that everybody has. */
export function reasonsOf(services: readonly Refusing[]): Readonly<Record<string, readonly string[]>> {
  const reasons: Record<string, readonly string[]> = {};
  for (const { entryPoint, errors = {} } of services) {
    const own = Object.keys(errors).filter((reason) => !isReason(reason));
    if (own.length > 0) reasons[entryPoint] = [...(reasons[entryPoint] ?? []), ...own];
  }
  return reasons;
}
