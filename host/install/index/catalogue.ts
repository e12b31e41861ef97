// The catalogue of an index for browsers: a page, its script and its style, which any web server can hold and which a file manager can open. What strangers say is
// data in it: escaped where it does not show, and put on the page as text.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { escapeControls } from "../../core/names.ts";
import { CATALOGUE_SCRIPT, CATALOGUE_STYLE, cataloguePage } from "./catalogue-page.ts";
import type { PluginIndex } from "./plugin-index.ts";
import { SEARCH_FIELDS, SEARCH_OPTIONS, searchedOf } from "./searching.ts";

/** Files by name. */
export async function catalogueOf(index: PluginIndex): Promise<ReadonlyMap<string, string>> {
  const { generatedAt } = index;
  const plugins = index.plugins.map((plugin) => ({ plugin, searched: searchedOf(plugin) }));
  const data = shown({ plugins, generatedAt, fields: Object.keys(SEARCH_FIELDS), options: SEARCH_OPTIONS });
  return new Map([
    ["index.html", cataloguePage(inScript(JSON.stringify(data)))],
    ["catalogue.js", `${await searchLibrary()}${CATALOGUE_SCRIPT}`],
    ["catalogue.css", CATALOGUE_STYLE],
  ]);
}

/** JSON in which no parser of HTML sees an end, a comment or an entity. */
const inScript = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Every text of a value, with what does not show escaped. */
function shown(value: unknown): unknown {
  if (typeof value === "string") return escapeControls(value);
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
}

/** The same library as on the command line, as a script that a page from a file can load too. */
async function searchLibrary(): Promise<string> {
  const file = createRequire(import.meta.url).resolve("minisearch");
  const source = await readFile(file, "utf8");
  const license = await readFile(join(dirname(file), "../../LICENSE.txt"), "utf8");
  const code = source.replace(/^\/\/# sourceMappingURL=.*$/m, "");
  return `/* MiniSearch (https://github.com/lucaong/minisearch)
${license.trim()}
*/
const MiniSearch = (() => {
const module = { exports: {} };
${code}
return module.exports;
})();
`;
}
