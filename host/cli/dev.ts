// `bulkhead dev`: builds a plugin at every change and exchanges it in a host that goes on running: the one of the configuration when it runs, else one of
// its own. What does not build or does not start leaves the version before in its place.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { PlanAnswer } from "../admin/installer.ts";
import type { PluginSummary } from "../admin/plugin-overview.ts";
import { HostError } from "../core/errors.ts";
import { createHost, type RunningHost } from "../main.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { parseConfiguration } from "../manifest/configuration.ts";
import { rulesToAccept } from "./acceptance.ts";
import { buildPlugin } from "./build.ts";
import { consentTo, refuseWhatMayNotRun } from "./consent.ts";
import { type Control, isHostRunning, openControl } from "./control.ts";
import { packageOf } from "./install.ts";
import { reportFailure, stderrLog } from "./report.ts";
import { parsePort, readConfiguration, stopSignal, withOverrides } from "./serve.ts";
import { say } from "./terminal.ts";
import { watchFolder } from "./watch.ts";

interface DevOptions {
  readonly config?: string;
  readonly data?: string;
  readonly port?: number;
  readonly grant: string;
}

export function addDev(program: Command): void {
  program
    .command("dev")
    .description("build a plugin, run it in a host, and exchange it there at every change; Ctrl-C stops")
    .argument("[folder]", "the plugin's folder", ".")
    .option("-c, --config <file>", "the host's configuration file, instead of bulkhead.json in the folder if there is one")
    .option("-d, --data <folder>", "data folder of a host of its own, instead of .bulkhead/dev in the plugin's folder")
    .option("-p, --port <number>", "HTTP port of a host of its own, instead of the configuration's", parsePort)
    .option("--grant <what>", "what the plugin gets: all, none, or a file with a list of { permission, resource }", "all")
    .action(dev);
}

async function dev(path: string, options: DevOptions): Promise<void> {
  const folder = resolve(path);
  const name = await nameOf(folder);
  const configuration = await configurationFor(folder, options);
  const isShared = await isHostRunning(configuration.dataDir);
  const own = isShared ? undefined : await startOwnHost(configuration, folder, name, options);
  await using control = await openControl(own?.configuration ?? configuration);
  say(
    isShared
      ? `${name} runs in the host of ${configuration.dataDir}`
      : `a host of its own${own?.host.url ? ` listens on ${own.host.url}` : ""}`,
  );
  const settings = settingsOf(configuration, folder, name);
  const watcher = await watchFolder(folder, () => exchange(control, folder, settings, options).catch(reportFailure));
  watcher.changed();
  say(`watching ${folder}; Ctrl-C stops`);
  await stopSignal();
  await watcher.close();
  await own?.host.stop();
  say("stopped");
}

async function nameOf(folder: string): Promise<string> {
  const file = join(folder, "plugin.json");
  try {
    return String((JSON.parse(await readFile(file, "utf8")) as { readonly name?: unknown }).name);
  } catch (cause) {
    throw new HostError("invalid-manifest", `${file} is no JSON that can be read; "bulkhead new" makes a plugin's folder`, { cause });
  }
}

async function configurationFor(folder: string, { config, port }: DevOptions): Promise<Configuration> {
  const file = config ?? join(folder, "bulkhead.json");
  const isThere = config !== undefined || existsSync(file);
  const read = isThere ? await readConfiguration(file) : parseConfiguration("{}", file);
  return withOverrides(read, port === undefined ? {} : { port });
}

async function startOwnHost(
  configuration: Configuration,
  folder: string,
  name: string,
  { data }: DevOptions,
): Promise<{ readonly host: RunningHost; readonly configuration: Configuration }> {
  // What the configuration names cannot be exchanged, and the plugin is installed here with the same settings.
  const { [name]: _, ...plugins } = configuration.plugins;
  // What is changed at every build is signed when it is done.
  const trust = { ...configuration.trust, mode: "off" as const };
  const own = { ...configuration, trust, plugins, dataDir: resolve(data ?? join(folder, ".bulkhead", "dev")) };
  return { host: await createHost({ configuration: own, log: stderrLog }), configuration: own };
}

/** What the configuration says of the plugin, as an installation has it. */
function settingsOf({ plugins }: Configuration, folder: string, name: string): Readonly<Record<string, unknown>> {
  const configured = Object.hasOwn(plugins, name) ? plugins[name] : undefined;
  if (configured?.path !== folder) return {};
  const { path: _, source: __, grants: ___, ...settings } = configured;
  return settings;
}

async function exchange(
  control: Control,
  folder: string,
  settings: Readonly<Record<string, unknown>>,
  { grant }: DevOptions,
): Promise<void> {
  const built = await buildPlugin(folder);
  if (built.output.trim() !== "") say(built.output.trim());
  const started = performance.now();
  const plan = await control.invoke<PlanAnswer>("plan", { spec: folder });
  refuseWhatMayNotRun(plan);
  const { grants } = await consentTo(plan.plugin, plan.newlyAsks, { grant });
  const input = { ...packageOf(plan), grants, untilRestart: false, settings, accepted: rulesToAccept(plan) };
  if (plan.installed === undefined) await control.invoke("install", input);
  else await control.invoke("update", { ...input, settings: {}, approved: true });
  const found = (await control.invoke<PluginSummary[]>("list")).find(({ plugin }) => plugin === plan.plugin);
  const times = `built in ${built.ms.toFixed(0)} ms, exchanged in ${(performance.now() - started).toFixed(0)} ms`;
  say(`${plan.plugin} ${plan.version}: ${found?.state ?? "gone"} (${(built.bytes / 1024).toFixed(1)} KiB, ${times})`);
}
