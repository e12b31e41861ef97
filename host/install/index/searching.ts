// Finds plugins in indexes by words: in their names above all, in what they say of themselves, in their services and events.

import MiniSearch, { type SearchOptions } from "minisearch";
import { HostError } from "../../core/errors.ts";
import type { IndexedPlugin } from "./plugin-index.ts";

/** A plugin, and the index that it stands in. */
export interface FoundPlugin extends IndexedPlugin {
  readonly index: string;
}

/** What of a plugin words are looked for in, and how much each counts. The catalogue page searches in the same way. */
export const SEARCH_FIELDS: Record<string, number> = { name: 4, services: 2, events: 2, description: 1 };
/** Half a word does, and one letter in five may be wrong. */
export const SEARCH_OPTIONS: SearchOptions = { boost: SEARCH_FIELDS, prefix: true, fuzzy: 0.2, combineWith: "AND" };
const MAX_QUERY = 256;

/** What is searched of a plugin: its newest version. */
export const searchedOf = ({ name, description, versions: [newest] }: IndexedPlugin): Readonly<Record<string, string>> => ({
  name,
  description,
  services: newest?.services.join(" ") ?? "",
  events: newest?.events.join(" ") ?? "",
});

/** The best first; of equal ones those by name. Throws HostError `invalid-message` for a query that is too long. */
export function searchPlugins(plugins: readonly FoundPlugin[], query: string): readonly FoundPlugin[] {
  if (query.length > MAX_QUERY)
    throw new HostError("invalid-message", `these are ${query.length} characters to search for; write ${MAX_QUERY} at most`);
  const search = new MiniSearch<Readonly<Record<string, string | number>>>({ fields: Object.keys(SEARCH_FIELDS), idField: "id" });
  search.addAll(plugins.map((plugin, id) => ({ id, ...searchedOf(plugin) })));
  const hits = search.search(query, SEARCH_OPTIONS);
  const found = hits.flatMap(({ id, score }) => {
    const plugin = plugins[Number(id)];
    return plugin === undefined ? [] : [{ plugin, score }];
  });
  return found.sort((a, b) => b.score - a.score || (a.plugin.name < b.plugin.name ? -1 : 1)).map(({ plugin }) => plugin);
}
