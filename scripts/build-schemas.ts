// Writes what follows from the schemas that the host checks with: schemas/, the JSON Schemas of plugin.json and of the configuration for editors,
// and the table of limits in docs/configuration.md.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { configurationSchema } from "../host/manifest/configuration.ts";
import { LIMITS } from "../host/manifest/limits.ts";
import { manifestSchema } from "../host/manifest/manifest.ts";

const ROOT = new URL("../", import.meta.url);
const PAGE = "docs/configuration.md";
const MARKED = /(?<=<!-- limits: .* -->\n)[\s\S]*(?=<!-- end of limits -->)/;

/** File name in schemas/ → text. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const schemas: Readonly<Record<string, z.ZodType>> = {
    "plugin.schema.json": manifestSchema,
    "bulkhead.schema.json": configurationSchema,
  };
  return new Map(
    Object.entries(schemas).map(([name, schema]) => [name, `${JSON.stringify(z.toJSONSchema(schema, { io: "input" }), null, 2)}\n`]),
  );
}

/** The page with the table of limits between its markers. */
export function withLimits(page: string): string {
  if (!MARKED.test(page)) throw new Error(`${PAGE} has no markers of the table of limits; put them back`);
  const rows = Object.values(LIMITS).map(
    ({ key, default: byDefault, minimum, maximum, meaning, beyond }) =>
      `| \`${key}\` | ${byDefault} | ${maximum} | ${meaning}${minimum === undefined ? "" : `; ${minimum} at least`} | ${beyond} |\n`,
  );
  return page.replace(MARKED, `| key | default | at most | what it bounds | error |\n|---|---|---|---|---|\n${rows.join("")}`);
}

if (import.meta.main) {
  await mkdir(new URL("schemas/", ROOT), { recursive: true });
  for (const [name, text] of schemaFiles()) await writeFile(new URL(`schemas/${name}`, ROOT), text);
  await writeFile(new URL(PAGE, ROOT), withLimits(await readFile(new URL(PAGE, ROOT), "utf8")));
}
