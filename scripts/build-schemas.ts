// Writes what follows from the schemas that the host checks with: schemas/, the JSON Schemas of plugin.json and of the configuration for editors,
// and the tables of limits and of admission's bounds in docs/configuration.md.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { MODULE_BOUNDS, remedyFor } from "../host/bounds/module-bounds.ts";
import { configurationSchema } from "../host/manifest/configuration.ts";
import { LIMITS } from "../host/manifest/limits.ts";
import { manifestSchema } from "../host/manifest/manifest.ts";

const ROOT = new URL("../", import.meta.url);
const PAGE = "docs/configuration.md";
const marked = (what: string): RegExp => new RegExp(`(?<=<!-- ${what}: .* -->\\n)[\\s\\S]*(?=<!-- end of ${what} -->)`);

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

/** The page with both tables between their markers. */
export function withLimits(page: string): string {
  const limits = Object.values(LIMITS).map(
    ({ key, default: byDefault, minimum, maximum, meaning, beyond }) =>
      `| \`${key}\` | ${byDefault} | ${maximum} | ${meaning}${minimum === undefined ? "" : `; ${minimum} at least`} | ${beyond} |\n`,
  );
  const bounds = (Object.keys(MODULE_BOUNDS) as (keyof typeof MODULE_BOUNDS)[]).map((name) => {
    const { key, default: byDefault, maximum, meaning, protects } = MODULE_BOUNDS[name];
    return `| \`${key}\` | ${byDefault} | ${maximum} | ${meaning} | ${protects} | ${remedyFor(name) ?? ""} |\n`;
  });
  const tables = [
    ["limits", `| key | default | at most | what it bounds | error |\n|---|---|---|---|---|\n${limits.join("")}`],
    [
      "admission",
      `| key | default | at most | what it bounds | what it protects | what to do |\n|---|---|---|---|---|---|\n${bounds.join("")}`,
    ],
  ] as const;
  return tables.reduce((text, [what, table]) => {
    if (!marked(what).test(text)) throw new Error(`${PAGE} has no markers of the table of ${what}; put them back`);
    return text.replace(marked(what), table);
  }, page);
}

if (import.meta.main) {
  await mkdir(new URL("schemas/", ROOT), { recursive: true });
  for (const [name, text] of schemaFiles()) await writeFile(new URL(`schemas/${name}`, ROOT), text);
  await writeFile(new URL(PAGE, ROOT), withLimits(await readFile(new URL(PAGE, ROOT), "utf8")));
}
