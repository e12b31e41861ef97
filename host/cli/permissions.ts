// `bulkhead grant | revoke | permissions`: what a plugin may do, and how that changes.

import type { Command } from "commander";
import type { PermissionFinding, PermissionStatus } from "../admin/permission-overview.ts";
import { PERMISSIONS } from "../manifest/resources.ts";
import { openHost } from "./control.ts";
import { saveLock } from "./lock.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say } from "./terminal.ts";

interface GrantOptions extends DataOptions {
  readonly untilRestart?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}

interface ReportOptions extends DataOptions {
  readonly unused: string;
  readonly json?: boolean;
}

const KNOWN = `one of ${PERMISSIONS.join(", ")}`;

export function addPermissions(program: Command): void {
  const descriptions = {
    grant: "allow a plugin something, from its next host call on",
    revoke: "take something away from a plugin, also from what goes on",
  };
  for (const operation of ["grant", "revoke"] as const) {
    withDataOptions(program.command(operation).description(descriptions[operation]))
      .argument("<plugin>", "the plugin's name")
      .argument("<permission>", KNOWN)
      .argument("<resource>", "a pattern, such as devices.* or 'GET https://api.example.com/v1'")
      .option("--until-restart", "only until the host starts the next time")
      .option("--reason <text>", "why, for the audit log")
      .option("--json", "print JSON on standard output")
      .action((plugin: string, permission: string, resource: string, options: GrantOptions) =>
        change(operation, { plugin, permission, resource }, options),
      );
  }
  withDataOptions(
    program
      .command("permissions")
      .description("show what a plugin asks for and may do; report: of all plugins what is used, what is not, and what was refused"),
  )
    .argument("<plugin>", "the plugin's name, or report")
    .option("--unused <days>", "report: what counts as unused", "30")
    .option("--json", "print JSON on standard output")
    .action((plugin: string, options: ReportOptions) => (plugin === "report" ? report(options) : show(plugin, options)));
}

async function change(
  operation: string,
  request: { readonly plugin: string; readonly permission: string; readonly resource: string },
  options: GrantOptions,
): Promise<void> {
  await using host = await openHost(options);
  const { untilRestart, reason } = options;
  const status = await host.invoke<PermissionStatus[]>(operation, { ...request, untilRestart, reason });
  say(`${request.plugin}: ${effectOf(request, status, host.isLive)}`);
  await saveLock(host, options, { ifThere: true });
  print(options.json, status, () => tableOf(status));
}

function effectOf(
  { permission, resource }: { readonly permission: string; readonly resource: string },
  status: readonly PermissionStatus[],
  isLive: boolean,
): string {
  const isPointless = status.some((one) => one.status === "not asked for" && one.permission === permission && one.resource === resource);
  if (isPointless) return "it changes nothing: the plugin's manifest does not ask for this, and it gets only what it asks for";
  return isLive ? "in force now" : "in force when the host starts";
}

async function show(plugin: string, options: ReportOptions): Promise<void> {
  await using host = await openHost(options);
  const status = await host.invoke<PermissionStatus[]>("permissions", { plugin });
  print(options.json, status, () => tableOf(status));
}

async function report(options: ReportOptions): Promise<void> {
  await using host = await openHost(options);
  const findings = await host.invoke<PermissionFinding[]>("report", { unusedDays: Number(options.unused) });
  const rows = findings.map(({ plugin, permission, resource, finding, at = "", remedy = "" }) => [
    plugin,
    `${permission} ${resource}`,
    finding,
    at,
    remedy,
  ]);
  print(options.json, findings, () =>
    rows.length === 0 ? "no plugin asks for anything" : table(["plugin", "permission", "finding", "last", "to change it"], rows),
  );
}

function tableOf(status: readonly PermissionStatus[]): string {
  const rows = status.map(({ permission, resource, status: found, reason = "", by, lastUsed = "" }) => [
    permission,
    resource,
    found,
    by,
    lastUsed,
    reason,
  ]);
  return table(["permission", "resource", "status", "by", "last used", "the author's reason"], rows);
}
