// `bulkhead update | rollback | uninstall | unload | outdated`: from one version to another, and out.

import type { Command } from "commander";
import type { Installation } from "../admin/installations.ts";
import type { PlanAnswer, UpdateOutcome } from "../admin/installer.ts";
import type { Outdated } from "../admin/plugin-overview.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { updateSpec } from "../install/package-sources.ts";
import { absoluteSpec } from "../manifest/package-spec.ts";
import { ACCEPT_HELP, type AcceptOptions, acceptedOf } from "./acceptance.ts";
import { confirmed } from "./confirming.ts";
import { type ConsentOptions, consentTo, describePlan, GRANT_HELP, refuseWhatMayNotRun } from "./consent.ts";
import { type Control, openHost } from "./control.ts";
import { packageOf } from "./install.ts";
import { saveLock } from "./lock.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say, writeLines } from "./terminal.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

interface UpdateOptions extends JsonOptions, ConsentOptions, AcceptOptions {
  readonly dryRun?: boolean;
}

export function addUpdate(program: Command): void {
  withDataOptions(program.command("update").description("exchange an installed plugin for another version; asks when that asks for more"))
    .argument("<plugin>", "the plugin's name")
    .argument("[source]", "where the version comes from; by default where the installed one came from")
    .option("--grant <what>", GRANT_HELP)
    .option("--accept <rules>", ACCEPT_HELP)
    .option("--dry-run", "show what would change, and change nothing")
    .option("--json", "print JSON on standard output")
    .action(update);
  withDataOptions(program.command("outdated").description("show for which installed plugins there is another version"))
    .option("--json", "print JSON on standard output")
    .action(outdated);
  withDataOptions(program.command("rollback").description("go back to the version before the last update; the data stay"))
    .argument("<plugin>", "the plugin's name")
    .option("--json", "print JSON on standard output")
    .action(rollback);
  withDataOptions(program.command("uninstall").description("remove a plugin and its grants"))
    .argument("<plugin>", "the plugin's name")
    .option("--purge", "remove its data too")
    .option("--json", "print JSON on standard output")
    .action(uninstall);
  withDataOptions(program.command("unload").description("stop a plugin and take it out of the running host until it starts the next time"))
    .argument("<plugin>", "the plugin's name")
    .option("--json", "print JSON on standard output")
    .action(unload);
}

async function update(plugin: string, source: string | undefined, options: UpdateOptions): Promise<void> {
  await using host = await openHost(options);
  const spec = source === undefined ? await specOf(host, plugin) : absoluteSpec(source);
  say(`fetching ${escapeControls(spec)} …`);
  const plan = await host.invoke<PlanAnswer>("plan", { spec });
  if (plan.plugin !== plugin) throw new HostError("invalid-message", `${escapeControls(plan.source)} holds ${plan.plugin}, not ${plugin}`);
  const asksMore = plan.newlyAsks.map(({ permission, resource }) => `${permission} ${escapeControls(resource)}`);
  say(
    `${plugin} ${plan.installed} → ${plan.version} ${asksMore.length === 0 ? "asks for nothing more" : `also asks for ${asksMore.join(", ")}`}`,
  );
  if (options.json !== true) writeLines(describePlan(plan, plan.newlyAsks));
  for (const { permission, resource } of plan.noLongerAsks) say(`it no longer asks for ${permission} ${escapeControls(resource)}`);
  refuseWhatMayNotRun(plan);
  if (options.dryRun === true) return print(options.json, { plan }, () => "nothing was changed");
  const accepted = await acceptedOf(plan, options);
  const mayCome = asksMore.length === 0 && !plan.isAuthenticator;
  const isDecided = mayCome || options.grant !== undefined || process.stdin.isTTY === true;
  if (plan.isAuthenticator && options.grant === undefined && isDecided) await confirmed(`Let ${plan.version} say who comes in?`);
  const { grants, untilRestart } = isDecided ? await consentTo(plugin, plan.newlyAsks, options) : { grants: [], untilRestart: false };
  const input = { ...packageOf(plan), grants, untilRestart, settings: {}, approved: isDecided, accepted };
  const { state, version, unaccepted } = await host.invoke<UpdateOutcome>("update", input);
  await saveLock(host, options);
  conclude(
    options.json,
    { plan, state, version },
    state === "updated"
      ? `${plugin} is ${version} now`
      : `${plugin} ${version} waits, ${plan.installed} goes on: "bulkhead update ${plugin}${source === undefined ? "" : ` ${source}`}" on a terminal, or with ${[...(unaccepted.length > 0 ? [`--accept ${unaccepted.map(({ rule }) => rule).join(",")}`] : []), ...(mayCome ? [] : ["--grant"])].join(" and ")}, decides`,
  );
}

async function outdated(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const found = (await host.invoke<Outdated[]>("outdated")).filter(({ installed, latest }) => installed !== latest);
  const rows = found.map(({ plugin, installed, latest, source, problem }) => [plugin, installed, latest ?? problem ?? "unknown", source]);
  print(options.json, found, () =>
    rows.length === 0 ? "all installed plugins are what their sources have" : table(["plugin", "installed", "there is", "from"], rows),
  );
  const unanswered = found.filter(({ latest }) => latest === undefined).map(({ plugin }) => plugin);
  if (unanswered.length > 0) throw new HostError("http-failed", `nobody could say whether ${unanswered.join(", ")} is outdated`);
}

async function rollback(plugin: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const version = await host.invoke<string>("rollback", { plugin });
  await saveLock(host, options);
  conclude(options.json, { plugin, version }, `${plugin} is ${version} again`);
}

async function uninstall(plugin: string, options: JsonOptions & { readonly purge?: boolean }): Promise<void> {
  await using host = await openHost(options);
  const purge = options.purge === true;
  await host.invoke("uninstall", { plugin, purge });
  await saveLock(host, options, { ifThere: true });
  conclude(options.json, { plugin, purge }, `${plugin} is uninstalled${purge ? ", its data are gone" : "; its data stay until --purge"}`);
}

async function unload(plugin: string, options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  await host.invoke("unload", { plugin });
  conclude(options.json, { plugin }, `${plugin} is unloaded until the host starts the next time`);
}

async function specOf(host: Control, plugin: string): Promise<string> {
  const found = (await host.invoke<Installation[]>("installations")).find((installation) => installation.plugin === plugin);
  if (found !== undefined) return updateSpec(found.source);
  throw new HostError("invalid-message", `${plugin} is not installed; what the configuration names is changed there`);
}
