// `bulkhead list | start | stop | restart`: what runs, and what shall.

import type { Command } from "commander";
import type { PluginSummary } from "../admin/administration.ts";
import { escapeControls } from "../core/names.ts";
import { openControl } from "./control.ts";
import { print, say, table } from "./report.ts";
import { type DataOptions, readConfiguration, withDataOptions, withOverrides } from "./serve.ts";

export function addPlugins(program: Command): void {
  withDataOptions(program.command("list").description("show the plugins and how they are"))
    .option("--json", "print JSON on standard output")
    .action(list);
  for (const operation of ["start", "stop", "restart"] as const) {
    withDataOptions(program.command(operation).description(`${operation} a plugin of the running host`))
      .argument("<plugin>", "the plugin's name")
      .action((plugin: string, options: DataOptions) => control(operation, plugin, options));
  }
}

async function list(options: DataOptions & { readonly json?: boolean }): Promise<void> {
  await using host = await openControl(withOverrides(await readConfiguration(options.config), options));
  const plugins = await host.invoke<PluginSummary[]>("list");
  const rows = plugins.map(({ plugin, version, state, isolation, queued, failure = "" }) => [
    plugin,
    version,
    state,
    isolation,
    queued,
    escapeControls(failure),
  ]);
  print(options.json, plugins, () => table(["plugin", "version", "state", "isolation", "queued", "failure"], rows));
}

async function control(operation: string, plugin: string, options: DataOptions): Promise<void> {
  await using host = await openControl(withOverrides(await readConfiguration(options.config), options));
  const { state, failure } = await host.invoke<PluginSummary>(operation, { plugin });
  say(`${plugin} is ${state}${failure === undefined ? "" : `: ${escapeControls(failure)}`}`);
}
