// `bulkhead config show`: what the configuration says, and with --effective all that holds, with what nobody said. No host need run.

import type { Command } from "commander";
import { shownValue } from "../bounds/shown-value.ts";
import { effectiveConfiguration } from "../lifecycle/effective-configuration.ts";
import { parseConfiguration } from "../manifest/configuration.ts";
import { parseByExtension } from "../manifest/structured-file.ts";
import { print, table } from "./report.ts";
import { configurationText, type DataOptions, withDataOptions, withOverrides } from "./serve.ts";

interface ShowOptions extends DataOptions {
  readonly effective?: boolean;
  readonly json?: boolean;
}

/** One value of the configuration, by its path. */
interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

export function addConfig(program: Command): void {
  const config = program.command("config").description("show the configuration");
  withDataOptions(config.command("show").description("show what the configuration says; what sounds like a secret is left out"))
    .option("--effective", "with the defaults of all that it does not say, and where each value comes from")
    .option("--json", "print JSON on standard output")
    .action(show);
}

async function show(options: ShowOptions): Promise<void> {
  const text = await configurationText(options.config);
  const configuration = withOverrides(parseConfiguration(text, options.config), options);
  const input = parseByExtension(text, options.config, "invalid-message");
  if (options.effective !== true) return print(true, shownValue(input), () => "");
  const effective = shownValue(await effectiveConfiguration(configuration));
  const given = givenBy(input, options);
  const rows = leavesOf(effective).map(({ path, value }) => ({
    path: path.join("."),
    value,
    from: given(path) ? sourceOf(path, options) : "default",
  }));
  print(options.json, { configuration: effective, from: Object.fromEntries(rows.map(({ path, from }) => [path, from])) }, () =>
    table(
      ["key", "value", "from"],
      rows.map(({ path, value, from }) => [path, JSON.stringify(value), from]),
    ),
  );
}

const sourceOf = ([first]: readonly string[], { config, data }: DataOptions): string =>
  first === "dataDir" && data !== undefined ? "--data" : config;

/** Whether a value is in the file, by the path that it has now. */
function givenBy(input: unknown, { data }: DataOptions): (path: readonly string[]) => boolean {
  const { adapters, drivers } = Object(input) as {
    readonly adapters?: { readonly log?: unknown };
    readonly drivers?: Readonly<Record<string, unknown>>;
  };
  // By its former name, and by a name alone.
  const named = Object.entries({ ...(adapters?.log !== undefined && { log: adapters.log }), ...drivers }).map(
    ([port, value]) => [port, typeof value === "string" ? { driver: value } : value] as const,
  );
  const normal: unknown = { ...Object(input), drivers: Object.fromEntries(named), ...(data !== undefined && { dataDir: data }) };
  return (path) => {
    let found = normal;
    for (const key of path) {
      if (typeof found !== "object" || found === null) return true;
      if (!Object.hasOwn(found, key)) return false;
      found = (found as Readonly<Record<string, unknown>>)[key];
    }
    return true;
  };
}

function leavesOf(value: unknown, path: readonly string[] = []): Leaf[] {
  const isBranch = typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isBranch) return value === undefined ? [] : [{ path, value }];
  return Object.entries(value).flatMap(([key, below]) => leavesOf(below, [...path, key]));
}
