// `bulkhead install`: a stranger's plugin with what it depends on, after showing what each asks for; or, without a source, what the configuration and
// the lock name.

import { type Command, Option } from "commander";
import semver from "semver";
import type { Installation } from "../admin/installations.ts";
import type { PlanAnswer } from "../admin/installer.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { type Lock, type LockedPlugin, lockFileOf, readLock, writeLock } from "../install/lock.ts";
import { exactSpec, isLockedFor } from "../install/package-sources.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { missingDependency } from "../manifest/dependencies.ts";
import { absoluteSpec } from "../manifest/package-spec.ts";
import { ACCEPT_HELP, type AcceptOptions, acceptedOf, refuseUnaccepted, rulesToAccept } from "./acceptance.ts";
import { type ConsentOptions, consentTo, describePlan, GRANT_HELP, refuseWhatMayNotRun } from "./consent.ts";
import { type Control, openHost } from "./control.ts";
import { actualLock, saveLock } from "./lock.ts";
import { conclude, print } from "./report.ts";
import { type DataOptions, readConfiguration, withDataOptions } from "./serve.ts";
import { say, writeLines } from "./terminal.ts";

interface InstallOptions extends DataOptions, ConsentOptions, AcceptOptions {
  readonly isolation?: string;
  readonly frozen?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const MAX_PLUGINS = 64;

export function addInstall(program: Command): void {
  withDataOptions(
    program
      .command("install")
      .description("install a plugin: shows what it asks for, and asks what it gets; without a source: what configuration and lock name"),
  )
    .argument("[source]", "a folder, a .tgz file, or a package such as @acme/thermostat@^1.2")
    .option("--grant <what>", GRANT_HELP)
    .option("--accept <rules>", ACCEPT_HELP)
    .option("--until-restart", "what is granted holds until the host starts the next time")
    .addOption(new Option("--isolation <level>", "instead of process").choices(["process", "thread", "inline", "remote"]))
    .option("--frozen", "without a source: exactly what bulkhead.lock says, or nothing")
    .option("--dry-run", "show, and install nothing")
    .option("--json", "print JSON on standard output")
    .action(install);
}

async function install(source: string | undefined, options: InstallOptions): Promise<void> {
  await using host = await openHost(options);
  // Awaited here, since the host goes with this scope.
  if (source === undefined) return await installLocked(host, options);
  if (options.frozen === true) throw new HostError("invalid-message", "--frozen installs what bulkhead.lock says; leave out the source");
  const plans = await planAll(host, absoluteSpec(source));
  const [plan] = plans.slice(-1);
  if (options.json !== true) writeLines(plans.map((one) => describePlan(one, one.asks)).join("\n\n"));
  for (const one of plans) refuseWhatMayNotRun(one);
  if (options.dryRun === true || plan === undefined) return print(options.json, { plans, installed: [] }, () => "nothing was installed");
  const settings = options.isolation === undefined ? {} : { isolation: options.isolation };
  const consents = [];
  // Everything is asked before anything is done.
  for (const one of plans) {
    const accepted = await acceptedOf(one, options);
    refuseUnaccepted(one, accepted);
    consents.push({ one, accepted, ...(await consentTo(one.plugin, one.asks, options)) });
  }
  for (const { one, accepted, grants, untilRestart } of consents) {
    await host.invoke("install", { ...packageOf(one), grants, untilRestart, settings, accepted });
    say(
      `${one.plugin} ${one.version} is installed${host.isLive ? " and started" : "; it starts with the host"}: ${grants.length} of ${one.asks.length} permissions granted`,
    );
  }
  await saveLock(host, options);
  const installed = consents.map(({ one, grants }) => ({ plugin: one.plugin, version: one.version, grants }));
  if (options.json === true) print(true, { plans, installed }, () => "");
}

/** The plan of a plugin after those of the plugins that it needs and that can be had. Rejects with HostError `conflict` when they do not fit. */
async function planAll(host: Control, spec: string): Promise<PlanAnswer[]> {
  const planned = new Map<string, PlanAnswer>();
  const neededBy = new Map<string, string>();
  const visit = async (wanted: string, by: string | undefined): Promise<void> => {
    say(`${by === undefined ? "" : `${by} needs it: `}fetching ${escapeControls(wanted)} …`);
    const plan = await host.invoke<PlanAnswer>("plan", { spec: wanted });
    neededBy.set(plan.plugin, by ?? "what you install");
    if (plan.installed !== undefined)
      throw new HostError("conflict", `${plan.plugin} ${plan.installed} is there already; "bulkhead update ${plan.plugin}" changes it`);
    if (planned.size >= MAX_PLUGINS) throw new HostError("conflict", `${printable(spec)} needs more than ${MAX_PLUGINS} plugins`);
    // Those it needs that can be had come first, so only what cannot be had, or does not fit, is a lack.
    const obtainable = plan.dependencies.filter(({ installed, source }) => installed === undefined && source !== undefined);
    const unmet = plan.unmet.filter(
      (line) => !obtainable.some(({ plugin, range }) => line === missingDependency(plan.plugin, plugin, range)),
    );
    for (const { plugin, range, source = "" } of obtainable) {
      if (!neededBy.has(plugin)) await visit(source, plan.plugin);
      const found = planned.get(plugin)?.version;
      if (found === undefined) unmet.push(`${plan.plugin} needs ${plugin} ${range}, and ${plugin} needs ${plan.plugin}: a cycle`);
      else if (!semver.satisfies(found, range))
        unmet.push(`${plan.plugin} needs ${plugin} ${range}; ${neededBy.get(plugin)} brings ${found}`);
    }
    planned.set(plan.plugin, { ...plan, unmet });
  };
  await visit(spec, undefined);
  return [...planned.values()];
}

export const packageOf = ({ package: id, source, integrity, wasmSha256 }: PlanAnswer | LockedPlugin): object => ({
  package: id,
  source,
  integrity,
  wasmSha256,
});

async function installLocked(host: Control, options: InstallOptions): Promise<void> {
  const file = lockFileOf(options.config);
  const lock = await readLock(file);
  if (lock === undefined && options.frozen === true)
    throw new HostError("invalid-message", `there is no ${file}; "bulkhead lock" writes one where everything is as it should be`);
  const wanted = new Map(lock);
  await lockSources(host, await readConfiguration(options.config), wanted, options);
  if (options.frozen === true) await refuseOthers(host, wanted);
  const installed = new Map((await host.invoke<Installation[]>("installations")).map((one) => [one.plugin, one]));
  let waiting = [...wanted].filter(([name, { configured }]) => !configured && !installed.has(name));
  while (waiting.length > 0) {
    const later: typeof waiting = [];
    let lacks: readonly string[] = [];
    for (const [name, locked] of waiting) {
      const plan = await planLocked(host, name, locked);
      if (plan.unmet.length > 0) {
        later.push([name, locked]);
        lacks = plan.unmet;
        continue;
      }
      refuseWhatMayNotRun(plan);
      const grants = locked.permissions
        .filter(({ effect }) => effect !== "deny")
        .map(({ permission, resource }) => ({ permission, resource }));
      // Whoever wrote the lock had accepted it.
      const accepted = rulesToAccept(plan);
      await host.invoke("install", { ...packageOf(locked), grants, settings: locked.settings, accepted });
      for (const { permission, resource } of locked.permissions.filter(({ effect }) => effect === "deny"))
        await host.invoke("revoke", { plugin: name, permission, resource });
      say(`${name} ${locked.version} is installed, with the ${grants.length} permissions of the lock`);
    }
    if (later.length === waiting.length)
      throw new HostError("conflict", "what the lock names does not fit together", { detail: lacks.join("\n") });
    waiting = later;
  }
  if (options.frozen !== true) await writeLock(file, new Map([...wanted, ...(await actualLock(host))]));
  conclude(options.json, { plugins: [...wanted.keys()] }, `${wanted.size} plugins are as bulkhead.lock says`);
}

/** Fetches what the configuration names by source, in the version that is locked; what is not locked yet becomes so unless `frozen`. */
async function lockSources(
  host: Control,
  { plugins }: Configuration,
  lock: Map<string, LockedPlugin>,
  options: InstallOptions,
): Promise<void> {
  for (const [name, { source, grants }] of Object.entries(plugins)) {
    if (source === undefined) continue;
    const locked = lock.get(name);
    if (locked !== undefined && isLockedFor(source, locked)) {
      refuseWhatMayNotRun({ ...(await planLocked(host, name, locked)), unmet: [] });
      continue;
    }
    if (options.frozen === true)
      throw new HostError(
        "conflict",
        `bulkhead.lock has no ${name} from ${printable(source)}; "bulkhead install" without --frozen adds it`,
      );
    say(`fetching ${escapeControls(source)} …`);
    const plan = await host.invoke<PlanAnswer>("plan", { spec: source });
    if (plan.plugin !== name) throw new HostError("invalid-manifest", `${printable(source)} holds the plugin ${plan.plugin}, not ${name}`);
    if (plan.refusals.length > 0)
      throw new HostError("admission-refused", `${name} may not run here`, { detail: plan.refusals.join("\n") });
    refuseUnaccepted(plan, await acceptedOf(plan, options));
    const { version, integrity, wasmSha256, package: id } = plan;
    const permissions = grants === "all" ? plan.asks.map(({ permission, resource }) => ({ permission, resource })) : grants;
    const keyids = await host.invoke<readonly string[]>("trust-settle", { plugin: name, package: id });
    const signers = keyids.length === 0 ? {} : { signers: keyids };
    lock.set(name, {
      version,
      source: plan.source,
      integrity,
      wasmSha256,
      ...signers,
      package: id,
      permissions,
      configured: true,
      settings: {},
    });
    say(`${name} is locked to ${version}; a running host takes it when it starts the next time`);
  }
}

/** Rejects with HostError `conflict` when its source gives anything but what is locked. */
async function planLocked(host: Control, name: string, locked: LockedPlugin): Promise<PlanAnswer> {
  const plan = await host.invoke<PlanAnswer>("plan", { spec: exactSpec(locked.source) });
  const differs = (["version", "integrity", "wasmSha256", "package"] as const).find((key) => plan[key] !== locked[key]);
  const signers = plan.trust.signers.map(({ keyid }) => keyid);
  const unsigned = (locked.signers ?? []).filter((keyid) => !signers.includes(keyid));
  if (unsigned.length > 0)
    throw new HostError("conflict", `${name} is not signed by ${unsigned.join(", ")} any more, as bulkhead.lock says that it was`);
  if (plan.plugin === name && differs === undefined) return plan;
  throw new HostError(
    "conflict",
    `${escapeControls(locked.source)} is not what bulkhead.lock says of ${name}: ${differs ?? "its name"} differs`,
  );
}

async function refuseOthers(host: Control, lock: Lock): Promise<void> {
  for (const [name, actual] of await actualLock(host)) {
    const locked = lock.get(name);
    const remedy = actual.configured ? "change the configuration" : `"bulkhead uninstall ${name}" removes it`;
    if (locked === undefined) throw new HostError("conflict", `${name} is not in bulkhead.lock; ${remedy}`);
    if (locked.wasmSha256 !== actual.wasmSha256 || locked.version !== actual.version)
      throw new HostError("conflict", `${name} ${actual.version} is not what bulkhead.lock says (${locked.version}); ${remedy}`);
  }
}
