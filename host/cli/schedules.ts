// `bulkhead schedules`: what plugins have planned, and when it comes due.

import type { Command } from "commander";
import type { PlannedTurn } from "../admin/operations.ts";
import { describeTimes } from "../capabilities/schedules/times.ts";
import { openHost } from "./control.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

export function addSchedules(program: Command): void {
  withDataOptions(
    program.command("schedules").description("show what plugins have planned, by their manifests and by themselves, and when it comes due"),
  )
    .argument("[plugin]", "the plugin's name; all if absent")
    .option("--json", "print JSON on standard output")
    .action(schedules);
}

async function schedules(plugin: string | undefined, options: DataOptions & { readonly json?: boolean }): Promise<void> {
  await using host = await openHost(options);
  const planned = await host.invoke<PlannedTurn[]>("schedules", plugin === undefined ? {} : { plugin });
  const rows = planned.map(({ plugin: owner, name, times, missed, byManifest, nextMs, entryPoint }) => [
    owner,
    name,
    describeTimes(times),
    nextMs === undefined ? "never again" : new Date(nextMs).toISOString(),
    missed === "once" ? "made up for" : "skipped",
    byManifest ? "manifest" : "the plugin",
    entryPoint,
  ]);
  print(options.json, planned, () =>
    rows.length === 0 ? "nothing is planned" : table(["plugin", "schedule", "when", "next", "missed times are", "by", "entry point"], rows),
  );
}
