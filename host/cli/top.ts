// `bulkhead top`: which plugin takes what of the host, anew each second. What it shows is the difference of two readings.

import { setTimeout as wait } from "node:timers/promises";
import { type Command, Option } from "commander";
import type { PluginUse, UsedNow } from "../admin/telemetry-operations.ts";
import { openHost } from "./control.ts";
import { shownMib, shownSeconds } from "./durations.ts";
import { table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { Screen, writeJson, writeLines } from "./terminal.ts";

/** What a plugin used in a second. */
interface PluginRate {
  readonly plugin: string;
  readonly state: string;
  readonly queued: number;
  /** Of one core, from 0 to 1 and above. */
  readonly cpu: number;
  readonly turns: number;
  readonly failed: number;
  readonly calls: number;
  readonly memoryBytes: number;
}

interface Rates {
  readonly plugins: readonly PluginRate[];
  readonly host: { readonly cpu: number; readonly residentBytes: number; readonly loopLagSeconds: number | undefined };
}

const ORDERS = ["cpu", "memory", "queue", "rate", "errors"] as const;

interface TopOptions extends DataOptions {
  readonly by: (typeof ORDERS)[number];
  readonly once?: boolean;
  readonly json?: boolean;
}

const INTERVAL_MS = 1_000;

export function addTop(program: Command): void {
  withDataOptions(program.command("top").description("show which plugins take what of the running host, until Ctrl-C"))
    .addOption(new Option("--by <figure>", "what the first have most of").choices([...ORDERS]).default("cpu"))
    .option("--once", "show one second and end")
    .option("--json", "print JSON on standard output, a line a second")
    .action(top);
}

async function top(options: TopOptions): Promise<void> {
  await using host = await openHost(options);
  using screen = options.json === true || options.once === true || !process.stdout.isTTY ? undefined : new Screen();
  let before = await host.invoke<UsedNow>("top");
  do {
    await wait(INTERVAL_MS);
    const now = await host.invoke<UsedNow>("top");
    const rates = ratesBetween(before, now, options.by);
    before = now;
    if (options.json === true) writeJson(JSON.stringify(rates));
    else if (screen === undefined) writeLines(shown(rates));
    else screen.draw(shown(rates));
  } while (options.once !== true);
}

/** Pure: what was used between two readings, those with the most first. A plugin that was exchanged meanwhile begins anew. */
export function ratesBetween(before: UsedNow, now: UsedNow, by: TopOptions["by"]): Rates {
  const seconds = Math.max((now.atMs - before.atMs) / 1_000, Number.EPSILON);
  const earlier = new Map(before.plugins.map((use) => [use.plugin, use]));
  const plugins = now.plugins.map((use): PluginRate => {
    const then = earlier.get(use.plugin);
    const rate = (of: (one: PluginUse) => number): number => {
      const grown = of(use) - (then === undefined ? 0 : of(then));
      return (grown < 0 ? of(use) : grown) / seconds;
    };
    const { plugin, state, queued, memoryBytes } = use;
    return {
      ...{ plugin, state, queued, memoryBytes },
      ...{ cpu: rate((one) => one.cpuSeconds), turns: rate((one) => one.turns) },
      ...{ failed: rate((one) => one.failed), calls: rate((one) => one.calls) },
    };
  });
  const { residentBytes, loopLagSeconds } = now.host;
  const cpu = (now.host.cpuSeconds - before.host.cpuSeconds) / seconds;
  const order = ORDER_OF[by];
  return { plugins: plugins.toSorted((one, other) => order(other) - order(one)), host: { cpu, residentBytes, loopLagSeconds } };
}

const ORDER_OF: Readonly<Record<TopOptions["by"], (rate: PluginRate) => number>> = {
  cpu: ({ cpu }) => cpu,
  memory: ({ memoryBytes }) => memoryBytes,
  queue: ({ queued }) => queued,
  rate: ({ turns }) => turns,
  errors: ({ failed }) => failed,
};

function shown({ plugins, host }: Rates): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = plugins.map(({ plugin, state, cpu, memoryBytes, queued, turns, failed, calls }) => [
    ...[plugin, state, percent(cpu), shownMib(memoryBytes), queued],
    ...[turns.toFixed(1), failed.toFixed(1), calls.toFixed(1)],
  ]);
  const lag = host.loopLagSeconds === undefined ? "" : `, its event loop ${shownSeconds(host.loopLagSeconds)} late (p95)`;
  return [
    `host: ${percent(host.cpu)} of a core, ${shownMib(host.residentBytes)}${lag}`,
    table(["plugin", "state", "cpu", "memory", "queued", "turns/s", "failed/s", "calls/s"], rows),
  ].join("\n");
}
