// Writes schemas/: JSON Schemas of plugin.json and of the configuration, for editors. Made from the schemas that the host checks with.

import { mkdir, writeFile } from "node:fs/promises";
import { z } from "zod";
import { configurationSchema } from "../host/manifest/configuration.ts";
import { manifestSchema } from "../host/manifest/manifest.ts";

const FOLDER = new URL("../schemas/", import.meta.url);

/** File name → text. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const schemas: Readonly<Record<string, z.ZodType>> = {
    "plugin.schema.json": manifestSchema,
    "bulkhead.schema.json": configurationSchema,
  };
  return new Map(
    Object.entries(schemas).map(([name, schema]) => [name, `${JSON.stringify(z.toJSONSchema(schema, { io: "input" }), null, 2)}\n`]),
  );
}

if (import.meta.main) {
  await mkdir(FOLDER, { recursive: true });
  for (const [name, text] of schemaFiles()) await writeFile(new URL(name, FOLDER), text);
}
