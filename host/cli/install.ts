// `bulkhead install | update | rollback | uninstall | unload`: strangers' plugins in, out and from one version to another. Shows what a plugin asks
// for before anything is given; without a terminal nothing is granted but what --grant says.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import * as prompts from "@clack/prompts";
import type { Command } from "commander";
import { z } from "zod";
import type { Installation } from "../admin/installations.ts";
import type { Plan, UpdateOutcome } from "../admin/installer.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { PermissionRequest } from "../core/permissions.ts";
import { parseByExtension } from "../install/structured-file.ts";
import { type Control, openControl } from "./control.ts";
import { print, say, table } from "./report.ts";
import { type DataOptions, readConfiguration, withDataOptions, withOverrides } from "./serve.ts";

interface InstallOptions extends DataOptions {
  readonly grant?: string;
  readonly untilRestart?: boolean;
  readonly isolation?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type PlanAnswer = Plan & { readonly integrity: string; readonly wasmSha256: string };
type Choice = { readonly grants: readonly Pick<PermissionRequest, "permission" | "resource">[]; readonly untilRestart: boolean };

const grantFileSchema = z.array(z.looseObject({ permission: z.string(), resource: z.string() }));
const GRANT_HELP = "without a terminal: all, none, or a JSON, YAML or TOML file with a list of { permission, resource }";

export function addInstall(program: Command): void {
  withDataOptions(program.command("install").description("install a plugin: shows what it asks for, and asks what it gets"))
    .argument("<source>", "the plugin's folder")
    .option("--grant <what>", GRANT_HELP)
    .option("--until-restart", "what is granted holds until the host starts the next time")
    .option("--isolation <level>", "process (default), thread or inline")
    .option("--dry-run", "show, and install nothing")
    .option("--json", "print JSON on standard output")
    .action(install);
  withDataOptions(program.command("update").description("exchange an installed plugin for another version; asks when that asks for more"))
    .argument("<plugin>", "the plugin's name")
    .argument("[source]", "where the version comes from; by default where the installed one came from")
    .option("--grant <what>", GRANT_HELP)
    .option("--dry-run", "show what would change, and change nothing")
    .option("--json", "print JSON on standard output")
    .action(update);
  withDataOptions(program.command("rollback").description("go back to the version before the last update; the data stay"))
    .argument("<plugin>", "the plugin's name")
    .action(rollback);
  withDataOptions(program.command("uninstall").description("remove a plugin and its grants"))
    .argument("<plugin>", "the plugin's name")
    .option("--purge", "remove its data too")
    .action(uninstall);
  withDataOptions(program.command("unload").description("stop a plugin and take it out of the running host until it starts the next time"))
    .argument("<plugin>", "the plugin's name")
    .action(unload);
}

async function open(options: DataOptions): Promise<Control> {
  return openControl(withOverrides(await readConfiguration(options.config), options));
}

async function install(source: string, options: InstallOptions): Promise<void> {
  await using host = await open(options);
  const plan = await host.invoke<PlanAnswer>("plan", { spec: resolve(source) });
  if (plan.installed !== undefined)
    throw new HostError(
      "conflict",
      `${plan.plugin} ${plan.installed} is there already; "bulkhead update ${plan.plugin} ${source}" changes it`,
    );
  show(plan, plan.asks, options.json);
  if (options.dryRun === true) return;
  refuseWhatMayNotRun(plan);
  const { grants, untilRestart } = await choose(plan.plugin, plan.asks, options);
  const settings = options.isolation === undefined ? {} : { isolation: options.isolation };
  const plugin = await host.invoke<string>("install", { ...packageOf(plan), grants, untilRestart, settings });
  say(
    host.isLive
      ? `${plugin} ${plan.version} is installed and started, with ${grants.length} of ${plan.asks.length} permissions`
      : `${plugin} ${plan.version} is installed; it starts with the host`,
  );
}

async function update(plugin: string, source: string | undefined, options: InstallOptions): Promise<void> {
  await using host = await open(options);
  const plan = await host.invoke<PlanAnswer>("plan", { spec: source === undefined ? await sourceOf(host, plugin) : resolve(source) });
  if (plan.plugin !== plugin) throw new HostError("invalid-message", `${escapeControls(plan.source)} holds ${plan.plugin}, not ${plugin}`);
  say(`${plugin} ${plan.installed} → ${plan.version}${plan.newlyAsks.length === 0 ? " asks for nothing more" : " also asks for"}`);
  show(plan, plan.newlyAsks, options.json);
  for (const { permission, resource } of plan.noLongerAsks) say(`  it no longer asks for ${permission} ${escapeControls(resource)}`);
  if (options.dryRun === true) return;
  refuseWhatMayNotRun(plan);
  const isDecided = plan.newlyAsks.length === 0 || options.grant !== undefined || process.stdin.isTTY;
  const { grants, untilRestart } = isDecided ? await choose(plugin, plan.newlyAsks, options) : { grants: [], untilRestart: false };
  const outcome = await host.invoke<UpdateOutcome>("update", {
    ...packageOf(plan),
    grants,
    untilRestart,
    settings: {},
    approved: isDecided,
  });
  say(
    outcome.state === "updated"
      ? `${plugin} is ${outcome.version} now`
      : `${plugin} ${outcome.version} waits, ${plan.installed} goes on: "bulkhead update ${plugin} ${source ?? ""}" on a terminal, or with --grant, decides`,
  );
}

async function rollback(plugin: string, options: DataOptions): Promise<void> {
  await using host = await open(options);
  say(`${plugin} is ${await host.invoke<string>("rollback", { plugin })} again`);
}

async function uninstall(plugin: string, options: DataOptions & { readonly purge?: boolean }): Promise<void> {
  await using host = await open(options);
  await host.invoke("uninstall", { plugin, purge: options.purge === true });
  say(`${plugin} is uninstalled${options.purge === true ? ", its data are gone" : "; its data stay until --purge"}`);
}

async function unload(plugin: string, options: DataOptions): Promise<void> {
  await using host = await open(options);
  await host.invoke("unload", { plugin });
  say(`${plugin} is unloaded until the host starts the next time`);
}

async function sourceOf(host: Control, plugin: string): Promise<string> {
  const found = (await host.invoke<Installation[]>("installations")).find((installation) => installation.plugin === plugin);
  if (found === undefined)
    throw new HostError("invalid-message", `${plugin} is not installed; what the configuration names is changed there`);
  return found.source.slice(found.source.indexOf(":") + 1);
}

const packageOf = ({ package: id, source, integrity, wasmSha256 }: PlanAnswer): object => ({ package: id, source, integrity, wasmSha256 });

function show(plan: PlanAnswer, asks: readonly PermissionRequest[], json: boolean | undefined): void {
  const rows = asks.map(({ permission, resource, reason }) => [permission, escapeControls(resource), escapeControls(reason)]);
  print(json, plan, () =>
    [
      `${plan.plugin} ${plan.version} from ${escapeControls(plan.source)}${plan.description === undefined ? "" : `: ${escapeControls(plan.description)}`}`,
      rows.length === 0 ? "It asks for no permissions." : table(["asks for", "on", "because"], rows),
      `Limits it asks for: ${JSON.stringify(plan.limits)}`,
      plan.refusals.length === 0
        ? "Admission: it may run."
        : `It may NOT run:\n${plan.refusals.map((reason) => `  ${escapeControls(reason)}`).join("\n")}`,
      ...plan.unmet.map((lack) => `It lacks: ${escapeControls(lack)}`),
    ].join("\n"),
  );
}

function refuseWhatMayNotRun({ plugin, refusals, unmet }: PlanAnswer): void {
  if (refusals.length > 0) throw new HostError("admission-refused", `${plugin} may not run here`, { detail: refusals.join("\n") });
  if (unmet.length > 0) throw new HostError("conflict", `${plugin} lacks what it depends on`, { detail: unmet.join("\n") });
}

async function choose(plugin: string, asks: readonly PermissionRequest[], options: InstallOptions): Promise<Choice> {
  const untilRestart = options.untilRestart === true;
  if (asks.length === 0) return { grants: [], untilRestart };
  if (options.grant !== undefined) return { grants: await namedGrants(options.grant, asks), untilRestart };
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new HostError(
      "invalid-message",
      `${plugin} asks for permissions and there is no terminal to ask on; say --grant all, none or a file`,
    );
  }
  return ask(plugin, asks);
}

async function namedGrants(what: string, asks: readonly PermissionRequest[]): Promise<Choice["grants"]> {
  if (what === "none") return [];
  if (what === "all") return asks.map(({ permission, resource }) => ({ permission, resource }));
  const text = await readFile(what, "utf8").catch((cause: unknown) => {
    throw new HostError("invalid-message", `${what} cannot be read; --grant takes all, none or a file`, { cause });
  });
  const parsed = grantFileSchema.safeParse(parseByExtension(text, what, "invalid-message"));
  if (!parsed.success) throw new HostError("invalid-message", `${what} is no list of { permission, resource }`);
  return parsed.data as unknown as Choice["grants"];
}

async function ask(plugin: string, asks: readonly PermissionRequest[]): Promise<Choice> {
  const all = asks.map(({ permission, resource }) => ({ permission, resource }));
  const answer = decided(
    await prompts.select({
      message: `What may ${plugin} do?`,
      options: [
        { value: "choose", label: "choose from the list" },
        { value: "all", label: "all that it asks for" },
        { value: "none", label: "nothing" },
      ],
    }),
  );
  const options = all.map((grant, i) => ({
    value: grant,
    label: `${grant.permission} ${escapeControls(grant.resource)}`,
    hint: escapeControls(asks[i]?.reason ?? ""),
  }));
  const grants =
    answer === "all" ? all : answer === "none" ? [] : decided(await prompts.multiselect({ message: "Granted:", options, required: false }));
  if (grants.length === 0) return { grants, untilRestart: false };
  const until = decided(
    await prompts.select({
      message: "For how long?",
      options: [
        { value: "always", label: "until it is revoked" },
        { value: "restart", label: "until the host starts the next time" },
      ],
    }),
  );
  return { grants, untilRestart: until === "restart" };
}

function decided<T>(answer: T): Exclude<T, symbol> {
  if (typeof answer === "symbol") throw new HostError("invalid-message", "cancelled; nothing was changed");
  return answer as Exclude<T, symbol>;
}
