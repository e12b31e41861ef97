// `bulkhead audit`: who did what when, and whether the record is whole.

import type { Command } from "commander";
import type { AuditEntry, Verification } from "../admin/audit.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { openHost } from "./control.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say, writeJson, writeLines } from "./terminal.ts";

interface AuditOptions extends DataOptions {
  readonly follow?: boolean;
  readonly verify?: boolean;
  readonly acceptLoss?: boolean;
  readonly limit: string;
  readonly json?: boolean;
}

const FOLLOW_INTERVAL_MS = 500;

export function addAudit(program: Command): void {
  withDataOptions(
    program.command("audit").description("show who did what when: installs, grants, denials, quarantines, administrative calls"),
  )
    .option("-f, --follow", "go on with what happens from now on, one line each, until Ctrl-C")
    .option("--verify", "check that no entry was changed or removed")
    .option("--accept-loss", "after host.sqlite was lost or put back: let what is there count from now on; this is an entry too")
    .option("-n, --limit <number>", "how many entries, the latest", "50")
    .option("--json", "print JSON on standard output; one object a line with --follow")
    .action(audit);
}

async function audit(options: AuditOptions): Promise<void> {
  await using host = await openHost(options);
  if (options.verify === true) {
    const found = await host.invoke<Verification>("verify");
    if (!found.ok) throw new HostError("conflict", `entry ${found.seq} of the audit log is not as it was written: ${found.problem}`);
    print(options.json, found, () => `${found.entries} entries, all as they were written`);
    return;
  }
  if (options.acceptLoss === true) {
    const accepted = await host.invoke<boolean>("accept-loss");
    conclude(options.json, { accepted }, accepted ? "what is there counts from now on" : "nothing is known to be lost");
    return;
  }
  const limit = Number(options.limit);
  const entries = await host.invoke<AuditEntry[]>("audit", { limit });
  if (options.follow !== true) {
    print(options.json, entries, () => table(["seq", "at", "who", "did", "to", "detail"], entries.map(rowOf)));
    return;
  }
  if (!host.isLive) say("no host runs; nothing will happen until one does");
  for (let seen = follow(entries, 0, options.json); ; ) {
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_INTERVAL_MS));
    seen = follow(await host.invoke<AuditEntry[]>("audit", { after: seen, limit: 1_000 }), seen, options.json);
  }
}

function follow(entries: readonly AuditEntry[], seen: number, json: boolean | undefined): number {
  for (const entry of entries) {
    if (json === true) writeJson(JSON.stringify(entry));
    else writeLines(rowOf(entry).map(String).map(escapeControls).join("  "));
  }
  return entries.at(-1)?.seq ?? seen;
}

function rowOf({ seq, at, actor, action, subject, detail }: AuditEntry): (string | number)[] {
  const parts = Object.entries(detail).filter(([, value]) => value !== "" && value !== false);
  return [
    seq,
    at,
    actor,
    action,
    subject,
    parts.map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(" "),
  ];
}
