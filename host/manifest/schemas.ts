// The JSON Schemas of a manifest: where they stand, and what of them travels to the plugin's cell, which checks by them.

import type { PlacedSchema } from "../bounds/json-schema/portable.ts";

interface Described {
  readonly services: Readonly<Record<string, { readonly input?: unknown; readonly output?: unknown }>>;
}

/** Every schema that it has. */
export function schemasIn({ services }: Described): readonly PlacedSchema[] {
  const placed = Object.entries(services).flatMap(([name, { input, output }]) => [
    { schema: input, path: ["services", name, "input"] },
    { schema: output, path: ["services", name, "output"] },
  ]);
  return placed.filter(({ schema }) => schema !== undefined);
}
