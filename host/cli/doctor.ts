// `bulkhead doctor`: looks at the machine, the configuration, the data folder and the host that runs on it, and says what is wrong and what mends it.

import { X509Certificate } from "node:crypto";
import { readFile, statfs } from "node:fs/promises";
import type { Command } from "commander";
import type { Verification } from "../admin/audit.ts";
import type { PermissionFinding, PermissionStatus } from "../admin/permission-overview.ts";
import type { PluginDetails, PluginSummary } from "../admin/plugin-overview.ts";
import type { Reloaded } from "../admin/reload-operations.ts";
import type { UsedNow } from "../admin/telemetry-operations.ts";
import type { TokenInfo } from "../admin/tokens.ts";
import type { TrustStatus } from "../admin/trust-operations.ts";
import { resolveHardening } from "../cell/outside/hardening.ts";
import { escapesOf } from "../cell/outside/known-escapes.ts";
import { toHostError } from "../core/errors.ts";
import type { EventStatistics } from "../core/ports/events.ts";
import { driftOf, lockFileOf, readLock } from "../install/lock.ts";
import { missingPackages } from "../lifecycle/optional-packages.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { type Control, openControl } from "./control.ts";
import { type Finding, findingsOfHost, findingsOfMachine, type HostFacts, type MachineFacts, UNUSED_DAYS } from "./doctor-findings.ts";
import { EXIT } from "./exit-codes.ts";
import { actualLock } from "./lock.ts";
import { print, table } from "./report.ts";
import { type DataOptions, readConfigurationOf, withDataOptions, withOverrides } from "./serve.ts";

interface DoctorOptions extends DataOptions {
  readonly json?: boolean;
}

export function addDoctor(program: Command): void {
  withDataOptions(
    program.command("doctor").description("say what is wrong with the host and what mends it; exit code 1 when something does not work"),
  )
    .option("--json", "print JSON on standard output")
    .action(doctor);
}

async function doctor(options: DoctorOptions): Promise<void> {
  const findings = await lookAt(options);
  print(options.json, findings, () =>
    findings.length === 0
      ? "nothing is wrong"
      : table(
          ["", "what", "what mends it"],
          findings.map(({ severity, what, remedy }) => [severity, what, remedy]),
        ),
  );
  if (findings.some(({ severity }) => severity === "error")) process.exitCode = EXIT.failed;
}

async function lookAt(options: DoctorOptions): Promise<readonly Finding[]> {
  let configuration: Configuration;
  try {
    configuration = withOverrides(await readConfigurationOf(options), options);
  } catch (thrown) {
    const { message, detail } = toHostError(thrown);
    const remedy = detail ?? "docs/configuration.md has every key";
    return [{ severity: "error", what: message, remedy }];
  }
  const machine = findingsOfMachine(await machineFacts(configuration));
  try {
    await using host = await openControl(configuration, await readLock(lockFileOf(options.config)));
    return [...machine, ...findingsOfHost(await hostFacts(host, options), Date.now())];
  } catch (thrown) {
    const { message } = toHostError(thrown);
    return [
      ...machine,
      { severity: "error", what: `the data folder cannot be opened: ${message}`, remedy: "docs/configuration.md, dataDir" },
    ];
  }
}

async function machineFacts(configuration: Configuration): Promise<MachineFacts> {
  const { gaps } = await resolveHardening(configuration.hardening).catch((thrown: unknown) => ({ gaps: [toHostError(thrown).message] }));
  const disk = await statfs(configuration.dataDir).catch(() => undefined);
  return {
    escapes: escapesOf().map(({ id, about }) => `${id}: ${about}`),
    gaps,
    missing: await missingPackages(configuration),
    freeBytes: disk && disk.bavail * disk.bsize,
    certificateEndsAt: await endOf(configuration.tls?.cert),
    now: Date.now(),
  };
}

/** A file that cannot be read is told by the host itself. */
async function endOf(certificate: string | undefined): Promise<number | undefined> {
  if (certificate === undefined) return undefined;
  const text = await readFile(certificate).catch(() => undefined);
  return text && new X509Certificate(text).validToDate.getTime();
}

async function hostFacts(host: Control, options: DoctorOptions): Promise<HostFacts> {
  const plugins = await host.invoke<PluginSummary[]>("list");
  const details = await Promise.all(plugins.map(({ plugin }) => host.invoke<PluginDetails>("info", { plugin })));
  const report = await host.invoke<PermissionFinding[]>("report", { unusedDays: UNUSED_DAYS });
  const locked = await readLock(lockFileOf(options.config));
  return {
    isLive: host.isLive,
    plugins,
    deaf: details.filter(isDeaf).map(({ plugin, subscriptions }) => ({ plugin, types: subscriptions })),
    pending: details.flatMap(({ plugin, installation }) =>
      installation?.pending === undefined ? [] : [{ plugin, version: installation.pending.version }],
    ),
    unused: report.filter(({ finding }) => finding === "unused"),
    drift: locked === undefined ? [] : driftOf(locked, await actualLock(host)),
    audit: await host.invoke<Verification>("verify"),
    tokens: await host.invoke<TokenInfo[]>("tokens"),
    trust: await host.invoke<TrustStatus>("trust"),
    events: host.isLive ? await host.invoke<EventStatistics>("events-stats") : undefined,
    used: host.isLive ? await host.invoke<UsedNow>("top").catch(() => undefined) : undefined,
    ...(await writtenFacts(host)),
  };
}

async function writtenFacts(host: Control): Promise<Pick<HostFacts, "written" | "unwritable">> {
  if (!host.isLive) return { written: undefined, unwritable: undefined };
  try {
    return { written: await host.invoke<Reloaded>("reload", { dryRun: true }), unwritable: undefined };
  } catch (thrown) {
    const { code, message, detail } = toHostError(thrown);
    // Of a program that keeps its configuration, or while somebody else looks.
    return { written: undefined, unwritable: code === "conflict" ? undefined : (detail ?? message) };
  }
}

/** Hears of nothing that it subscribes to. */
function isDeaf({ subscriptions, permissions }: PluginDetails): boolean {
  const isGranted = ({ permission, status }: PermissionStatus): boolean =>
    (permission === "events.subscribe" || permission === "host.observe") && (status === "granted" || status === "partly granted");
  return subscriptions.length > 0 && !permissions.some(isGranted);
}
