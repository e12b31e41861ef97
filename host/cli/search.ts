// `bulkhead search`: plugins that can be had, by words, in the indexes that the configuration or the command names. No host need run.

import type { Command } from "commander";
import { escapeControls } from "../core/names.ts";
import { searchPlugins } from "../install/index/searching.ts";
import { INDEX_HELP, type IndexOptions, placesOf, readIndexes } from "./remote-plugins.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say } from "./terminal.ts";

interface SearchOptions extends DataOptions, IndexOptions {
  readonly json?: boolean;
}

const MAX_SHOWN = 50;
const MAX_DESCRIPTION = 80;

export function addSearch(program: Command): void {
  withDataOptions(program.command("search").description("find plugins that can be had, by words: names, descriptions, services and events"))
    .argument("<words...>", "all of them have to be there, or what begins with them or nearly so")
    .option("--index <place...>", INDEX_HELP)
    .option("--json", "print JSON on standard output")
    .action(search);
}

async function search(words: readonly string[], options: SearchOptions): Promise<void> {
  const places = await placesOf(options);
  const found = searchPlugins(await readIndexes(places, options), words.join(" "));
  const shown = found.slice(0, MAX_SHOWN);
  const rows = shown.map(({ name, description, index, versions: [newest] }) => [
    name,
    newest?.version ?? "",
    description.length > MAX_DESCRIPTION ? `${description.slice(0, MAX_DESCRIPTION)}…` : description,
    newest?.signers.map(({ keyid }) => keyid.slice(0, 16)).join(", ") || "nobody",
    ...(places.length > 1 ? [index] : []),
  ]);
  print(options.json, { plugins: shown, found: found.length }, () =>
    table(["plugin", "version", "description", "signed by", ...(places.length > 1 ? ["index"] : [])], rows),
  );
  if (found.length > MAX_SHOWN) say(`these are the first ${MAX_SHOWN} of ${found.length}; more words find fewer`);
  if (found.length === 0) say(`no plugin has ${escapeControls(words.join(" "))}`);
}
