// `bulkhead logs`: the last lines of a running host's log, those that come, and from what level on whose are written.

import { Argument, type Command, Option } from "commander";
import type { ShownLevel } from "../admin/log-operations.ts";
import { LOG_LEVELS } from "../bounds/log-levels.ts";
import type { LinePage } from "../bounds/recent-lines.ts";
import { escapeControls } from "../core/names.ts";
import type { LoggedLine } from "../core/ports/log.ts";
import { openHost, openLiveHost } from "./control.ts";
import { numberOf } from "./dead-letters.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say, writeJson, writeLines } from "./terminal.ts";

interface LogsOptions extends DataOptions {
  readonly follow?: boolean;
  readonly limit: string;
  readonly level?: string;
  readonly json?: boolean;
}

export function addLogs(program: Command): void {
  const logs = withDataOptions(
    program
      .command("logs")
      .description("show the last lines of a running host's log, of all or of those that a plugin wrote or that are about it"),
  )
    .argument("[plugin]", "a plugin, or host for what is about nobody else; all if absent")
    .option("-f, --follow", "go on with lines as they come, until Ctrl-C")
    .option("-n, --limit <number>", "how many of the last lines at most", "100")
    .addOption(new Option("--level <level>", "lines of this level at least").choices(LOG_LEVELS))
    .option("--json", "print one line of JSON each on standard output")
    .action(show);
  withDataOptions(logs.command("level").description("show, or say until the host stops, from what level on lines are written"))
    .argument("[plugin]", "the plugin whose own lines they are, or host for all that the host says")
    .addArgument(
      new Argument("[level]", "from now on; configured: as drivers.log and the plugin's section have it").choices([
        ...LOG_LEVELS,
        "configured",
      ]),
    )
    .option("--json", "print JSON on standard output")
    // An option that both have is taken by the first.
    .action((plugin: string | undefined, level: string | undefined, _options: object, command: Command) =>
      levels(plugin, level, command.optsWithGlobals()),
    );
}

async function show(plugin: string | undefined, options: LogsOptions): Promise<void> {
  const limit = numberOf("--limit", options.limit);
  const wanted = { ...(plugin !== undefined && { plugin }), ...(options.level !== undefined && { level: options.level }) };
  if (options.follow === true) return follow({ ...wanted, limit: String(limit) }, options);
  await using host = await openHost(options);
  const { lines } = await host.invoke<LinePage>("logs", { ...wanted, limit });
  for (const line of lines) writeLine(line, options.json);
}

async function follow(wanted: Readonly<Record<string, string>>, options: LogsOptions): Promise<void> {
  const host = await openLiveHost(options);
  for await (const text of host.followLog(wanted)) {
    const line = JSON.parse(text) as LoggedLine & { readonly gap?: number };
    if (line.gap === undefined) writeLine(line, options.json);
    else say(`${line.gap} lines are not shown: they came faster than they were read`);
  }
}

async function levels(
  plugin: string | undefined,
  level: string | undefined,
  options: DataOptions & { readonly json?: boolean },
): Promise<void> {
  await using host = await openHost(options);
  if (plugin !== undefined && level !== undefined) {
    const set = await host.invoke<ShownLevel>("set-log-level", { plugin, level });
    const until = set.from === "run time" ? ", until the host stops" : "";
    return conclude(options.json, set, `lines of ${set.plugin} are written from ${set.level} on${until}`);
  }
  const all = await host.invoke<ShownLevel[]>("log-levels");
  const shown = all.filter((one) => plugin === undefined || one.plugin === plugin);
  print(options.json, shown, () =>
    table(
      ["plugin", "level", "from"],
      shown.map((one) => [one.plugin, one.level, one.from]),
    ),
  );
}

function writeLine(line: LoggedLine, json: boolean | undefined): void {
  if (json === true) return writeJson(JSON.stringify(line));
  const { at, level, plugin, by, message, cause } = line;
  const who = by === "guest" || plugin === "host" ? plugin : `host about ${plugin}`;
  writeLines([new Date(at).toISOString(), level.toUpperCase().padEnd(7), `${who}:`, message].map(escapeControls).join(" "));
  for (const text of (cause ?? "").split("\n")) if (text !== "") writeLines(`    ${escapeControls(text)}`);
}
