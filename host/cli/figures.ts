// `bulkhead metrics | services`: the figures of the running host, for scrapers and for people.

import type { Command } from "commander";
import { metricsText } from "../adapters/gateway/openmetrics.ts";
import type { Use } from "../admin/telemetry-operations.ts";
import type { Metric } from "../seams.ts";
import { openHost } from "./control.ts";
import { shownSeconds } from "./durations.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

interface JsonOptions extends DataOptions {
  readonly json?: boolean;
}

export const USE_HEAD: readonly string[] = ["calls", "failed", "p50", "p95", "last failure"];

export function addFigures(program: Command): void {
  withDataOptions(program.command("metrics").description("print what the running host has counted, as a scraper of /metrics gets it"))
    .option("--json", "print JSON on standard output")
    .action(metrics);
  withDataOptions(program.command("services").description("show how calls of services went since the host started"))
    .option("--json", "print JSON on standard output")
    .action(services);
}

async function metrics(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const found = await host.invoke<readonly Metric[]>("metrics");
  print(options.json, found, () => metricsText(found, false).trimEnd());
}

async function services(options: JsonOptions): Promise<void> {
  await using host = await openHost(options);
  const found = await host.invoke<readonly Use[]>("services");
  print(options.json, found, () =>
    found.length === 0
      ? "no service was called since the host started"
      : table(
          ["service", "provider", ...USE_HEAD],
          found.toSorted((one, other) => other.count - one.count).map((use) => [use.name, use.provider, ...useCells(use)]),
        ),
  );
}

export const useCells = ({ count, failed, p50, p95, lastFailure }: Use): readonly (string | number)[] => [
  ...[count, failed, shownSeconds(p50), shownSeconds(p95)],
  lastFailure === undefined ? "" : `${lastFailure.code}, ${lastFailure.at}`,
];
