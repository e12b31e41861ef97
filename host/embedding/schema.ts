// Schemas by which TypeScript code checks what strangers send: of any library that speaks Standard Schema (standardschema.dev), such as zod.

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";

/** The part of Standard Schema V1 that is used here. */
export interface Schema<In = unknown, Out = In> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<Out> | Promise<Checked<Out>>;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
    /** Standard JSON Schema, which not every library has. */
    readonly jsonSchema?: { input(options: { readonly target: "draft-2020-12" }): Record<string, unknown> } | undefined;
  };
}

type Checked<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

export type InputOf<S> = S extends Schema<infer In, unknown> ? In : never;
export type OutputOf<S> = S extends Schema<never, infer Out> ? Out : S extends Schema<infer _In, infer Out> ? Out : never;

/** How much is told of one value. */
const MAX_ISSUES = 16;

/** The value as the schema makes it. Throws HostError `invalid-message` with the path of each thing that is wrong, and `internal` for a schema that takes its time. */
export function check<Out>(schema: Schema<unknown, Out>, value: unknown, what: string): Out {
  const checked = schema["~standard"].validate(value);
  if (checked instanceof Promise) {
    checked.catch(() => {});
    throw new HostError("internal", `the schema of ${what} is asynchronous; write one that answers at once`);
  }
  if (checked.issues === undefined) return checked.value;
  const lines = checked.issues.slice(0, MAX_ISSUES).map(({ message, path = [] }) => {
    const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return `${where === "" ? "the whole" : printable(where)}: ${message}`;
  });
  throw new HostError("invalid-message", `${what} is refused: ${lines[0] ?? "it does not fit"}`, { detail: lines.join("\n") });
}

/** As JSON Schema, where the library can tell. */
export function jsonSchemaOf(schema: Schema | undefined): unknown {
  try {
    return schema?.["~standard"].jsonSchema?.input({ target: "draft-2020-12" });
  } catch {
    // A schema that JSON Schema cannot say, such as one with a transformation.
    return undefined;
  }
}
