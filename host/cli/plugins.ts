// `bulkhead list | start | stop | restart`: what runs, and what shall.

import type { Command } from "commander";
import type { PluginDetails, PluginSummary } from "../admin/plugin-overview.ts";
import type { Sleep } from "../admin/sleep.ts";
import { escapeControls } from "../core/names.ts";
import { signerWords } from "./acceptance.ts";
import { openHost } from "./control.ts";
import { INDEX_HELP, type IndexOptions, isSource, showInIndexes, showSource } from "./remote-plugins.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, readConfigurationOf, withDataOptions } from "./serve.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

export function addPlugins(program: Command): void {
  withDataOptions(program.command("list").description("show the plugins and how they are"))
    .option("--json", "print JSON on standard output")
    .action(list);
  withDataOptions(program.command("info").description("show all that is known of one plugin, here or where it can be had"))
    .argument("<plugin>", "the plugin's name; or a source, such as a .tgz file or @acme/thermostat@^1.2")
    .option("--index <place...>", INDEX_HELP)
    .option("--registry <url>", "of a source, instead of npm's own setting")
    .option("--json", "print JSON on standard output")
    .action(info);
  for (const operation of ["start", "stop", "restart"] as const) {
    withDataOptions(program.command(operation).description(`${operation} a plugin of the running host`))
      .argument("<plugin>", "the plugin's name")
      .option("--json", "print JSON on standard output")
      .action((plugin: string, options: JsonOptions) => control(operation, plugin, options));
  }
}

async function list(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const plugins = await host.invoke<PluginSummary[]>("list");
  const rows = plugins.map(({ plugin, version, state, isolation, queued, failure = "", sleep }) => [
    plugin,
    version,
    sleep?.isAsleep === true && state === "running" ? "running, asleep" : state,
    isolation,
    queued,
    failure,
  ]);
  print(options.json, plugins, () => table(["plugin", "version", "state", "isolation", "queued", "failure"], rows));
}

async function info(plugin: string, options: JsonOptions & IndexOptions & { readonly registry?: string }): Promise<void> {
  if (isSource(plugin)) return showSource(plugin, options);
  if (options.index !== undefined) return showInIndexes(plugin, options);
  await using host = await openHost(options);
  const { index } = await readConfigurationOf(options);
  const isHere = index.length === 0 || (await host.invoke<PluginSummary[]>("list")).some((one) => one.plugin === plugin);
  if (!isHere) return await showInIndexes(plugin, options);
  showDetails(plugin, await host.invoke<PluginDetails>("info", { plugin }), options.json);
}

function showDetails(plugin: string, details: PluginDetails, json: boolean | undefined): void {
  print(json, details, () => {
    const { installation, permissions, services, subscriptions, dependencies, limits, config, description = "", failure = "" } = details;
    const { configProblem = [] } = details;
    const rows: readonly (readonly [string, string | readonly string[]])[] = [
      ["version", details.version],
      ["description", description],
      ["state", failure === "" ? details.state : `${details.state}: ${failure}`],
      ["isolation", details.isolation],
      ["hibernates", details.sleep === undefined ? "" : describeSleep(details.sleep)],
      ["from", installation?.source ?? "the configuration"],
      ["module's SHA-256", installation?.wasmSha256 ?? ""],
      ["signed by", details.signers.length === 0 ? "nobody, or nobody looked" : details.signers.map(signerWords)],
      ["version before", installation?.previous?.version ?? ""],
      ["waits for approval", installation?.pending?.version ?? ""],
      ["services", services.map((name) => (details.effects[name] === undefined ? name : `${name} (${details.effects[name]})`))],
      ["may be called", describeRates(details.rates)],
      ["turns", details.transaction === "turn" ? "each is a transaction: it is stored and told of as a whole, or not at all" : ""],
      ["extension points", details.extensionPoints],
      ["extends", details.extends],
      ["hears", subscriptions],
      ["needs", dependencies.map((dependency) => `${dependency.plugin} ${dependency.range}`)],
      ["limits asked for", Object.entries(limits).map(([name, value]) => `${name} ${value}`)],
      [
        "configuration",
        Object.entries(config)
          .map(([key, value]) => `${key} ${value}`)
          .concat(configProblem),
      ],
      ["permissions", permissions.map(({ permission, resource, status }) => `${permission} ${resource}: ${status}`)],
    ];
    // Neither a text nor a list that is empty.
    return table(
      ["", plugin],
      rows.filter(([, value]) => value.length > 0),
    );
  });
}

function describeSleep({ isAsleep, keptBytes, trouble }: Sleep): string {
  if (trouble !== undefined) return `no, it stays awake: ${trouble}`;
  return isAsleep ? `asleep; ${Math.ceil(keptBytes / 1_024)} KiB are kept` : "awake";
}

const describeRates = (rates: PluginDetails["rates"]): string[] =>
  Object.entries(rates).flatMap(([service, { perCaller, total }]) => [
    ...(perCaller === undefined ? [] : [`${service}: ${perCaller.perSecond} a second and ${perCaller.burst} at once by each caller`]),
    ...(total === undefined ? [] : [`${service}: ${total.perSecond} a second and ${total.burst} at once in all`]),
  ]);

async function control(operation: string, plugin: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const summary = await host.invoke<PluginSummary>(operation, { plugin });
  const { state, failure } = summary;
  conclude(options.json, summary, `${plugin} is ${state}${failure === undefined ? "" : `: ${escapeControls(failure)}`}`);
}
