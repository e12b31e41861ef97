// What a service says of itself to those who show it to the world: what calling it does, and what its bytes are.

import { z } from "zod";

export interface ServiceTraits {
  /** A call changes nothing. */
  readonly readOnly?: boolean | undefined;
  /** A call that is made twice does what one does. */
  readonly idempotent?: boolean | undefined;
  readonly deprecated?: boolean | undefined;
  /** False keeps it out of what doors show; whoever may call it still can. */
  readonly public?: boolean | undefined;
  /** Media types of payload and answer that are no JSON: opaque bytes. */
  readonly consumes?: string | undefined;
  readonly produces?: string | undefined;
}

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/;
const JSON_TYPE = /^application\/(.+\+)?json$/;

const mediaType: z.ZodString = z
  .string()
  .regex(MEDIA_TYPE, "write a media type in lower case and without parameters, such as image/png")
  .refine((type) => !JSON_TYPE.test(type), "leave it out for JSON, which is what a service has otherwise");

/** Keys of a service in a manifest. */
export const traitsShape: Readonly<
  Record<"readOnly" | "idempotent" | "deprecated" | "public", z.ZodOptional<z.ZodBoolean>> &
    Record<"consumes" | "produces", z.ZodOptional<typeof mediaType>>
> = {
  readOnly: z.boolean().optional(),
  idempotent: z.boolean().optional(),
  deprecated: z.boolean().optional(),
  public: z.boolean().optional(),
  consumes: mediaType.optional(),
  produces: mediaType.optional(),
};

export const TRAITS: readonly (keyof ServiceTraits)[] = ["readOnly", "idempotent", "deprecated", "public", "consumes", "produces"];

/** What a call does, in words for people; undefined where nothing is said of it. */
export function effectOf({ readOnly, idempotent }: Pick<ServiceTraits, "readOnly" | "idempotent">): string | undefined {
  if (readOnly === true) return "only reads";
  return idempotent === true ? "twice is once" : undefined;
}

const SIDES = [
  ["consumes", "input"],
  ["produces", "output"],
] as const;

type Sided = ServiceTraits & { readonly input?: unknown; readonly output?: unknown };

/** Refuses a JSON Schema of what is said to be no JSON. */
export function withoutSchemasOfBytes<T extends z.ZodType<Sided>>(service: T): T {
  return service.superRefine((given, context) => {
    for (const [trait, side] of SIDES)
      if (given[trait] !== undefined && given[side] !== undefined)
        context.addIssue({
          code: "custom",
          path: [side],
          message: `leave it out: ${trait} says that it is ${given[trait]}, which no JSON Schema describes`,
        });
  });
}

/** The same with everything said. */
export interface KnownTraits {
  readonly readOnly: boolean;
  readonly idempotent: boolean;
  readonly deprecated: boolean;
  readonly public: boolean;
  readonly consumes: string | undefined;
  readonly produces: string | undefined;
}

/** What is not said: nothing is promised of a call, and it may be shown. What only reads is idempotent. */
export function knownTraits({ readOnly = false, idempotent = readOnly, deprecated = false, ...rest }: ServiceTraits): KnownTraits {
  return { readOnly, idempotent, deprecated, public: rest.public ?? true, consumes: rest.consumes, produces: rest.produces };
}
