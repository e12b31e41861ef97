// The JSON Schemas of a manifest: where they stand, and what of them travels to the plugin's cell, which checks by them.

import type { PlacedSchema, SchemaFinding } from "../bounds/json-schema/portable.ts";
import type { DataSchemas } from "../core/types.ts";

interface Described {
  readonly api: string;
  readonly services: Readonly<Record<string, { readonly entryPoint: string; readonly input?: unknown; readonly output?: unknown }>>;
  readonly events: Readonly<Record<string, { readonly data?: unknown }>>;
  readonly extensionPoints: Readonly<Record<string, { readonly input?: unknown; readonly output?: unknown }>>;
  readonly config?: unknown;
}

/** Every schema that it has. */
export function schemasIn({ services, events, extensionPoints, config }: Described): readonly PlacedSchema[] {
  const ofCalls = Object.entries({ services, extensionPoints }).flatMap(([section, calls]) =>
    Object.entries(calls).flatMap(([name, { input, output }]) => [
      { schema: input, path: [section, name, "input"] },
      { schema: output, path: [section, name, "output"] },
    ]),
  );
  const ofEvents = Object.entries(events).map(([type, { data }]) => ({ schema: data, path: ["events", type, "data"] }));
  return [...ofCalls, ...ofEvents, { schema: config, path: ["config"] }].filter(({ schema }) => schema !== undefined);
}

/** What its cell checks by. What 0.1 said of its payloads was for people only, and nobody held it to be more. */
export function dataSchemasOf({ api, services, events, extensionPoints }: Described): DataSchemas | undefined {
  if (api === "0.1") return undefined;
  const ofServices = Object.entries(services).flatMap(([service, { entryPoint, input, output }]) =>
    input === undefined && output === undefined ? [] : [[entryPoint, { service, input, output }] as const],
  );
  const ofEvents = Object.entries(events).flatMap(([type, { data }]) => (data === undefined ? [] : [[type, data] as const]));
  const ofPoints = Object.entries(extensionPoints).flatMap(([point, { input, output }]) =>
    input === undefined && output === undefined ? [] : [[point, { input, output }] as const],
  );
  if (ofServices.length + ofEvents.length + ofPoints.length === 0) return undefined;
  return { entryPoints: Object.fromEntries(ofServices), events: Object.fromEntries(ofEvents), points: Object.fromEntries(ofPoints) };
}

/** Entry points that are a described service's and something else's as well: the cell knows what was entered, and not what for. */
export function sharedEntryPoints(
  { services }: Described,
  named: readonly { readonly entryPoint: string; readonly path: readonly PropertyKey[] }[],
): readonly SchemaFinding[] {
  return Object.entries(services).flatMap(([name, { entryPoint, input, output }]) => {
    const isShared = named.filter((one) => one.entryPoint === entryPoint).length > 1;
    if ((input === undefined && output === undefined) || !isShared) return [];
    const message = "something else has it too, and what enters there is checked by the schemas of this service; export another one";
    return [{ path: ["services", name, "entryPoint"], message }];
  });
}
