// `bulkhead events`: what the host keeps, what waits for whom, and what became a dead letter.

import type { Command } from "commander";
import type { HandedOut } from "../admin/dead-letters.ts";
import type { ShownEvent, ShownPage } from "../admin/event-operations.ts";
import type { EventUse } from "../admin/telemetry-operations.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import type { EventStatistics } from "../core/ports/events.ts";
import { openHost, openLiveHost } from "./control.ts";
import { addDeadLetters, concludeHandedOut, numberOf } from "./dead-letters.ts";
import { USE_HEAD, useCells } from "./figures.ts";
import { print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say, writeJson, writeLines } from "./terminal.ts";

interface RangeOptions extends DataOptions {
  readonly types: string;
  readonly plugin?: string;
  readonly since?: string;
  readonly until?: string;
  readonly json?: boolean;
}

const AGO = /^(\d{1,6})(s|m|h|d)$/;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export function addEvents(program: Command): void {
  const events = program.command("events").description("show and hand out again the events that the host keeps");
  const ranged = (name: string, description: string): Command =>
    withDataOptions(events.command(name).description(description))
      .option("--types <pattern>", "of these types", "**")
      .option("--plugin <name>", "published by this plugin")
      .option("--since <time>", "not before: a moment such as 2026-12-24T18:00:00Z, or how long ago, such as 15m")
      .option("--until <time>", "not after")
      .option("--json", "print JSON on standard output");
  ranged("history", "show kept events, oldest first, one CloudEvent a line")
    .option("-n, --limit <number>", "how many at most", "100")
    .action(history);
  withDataOptions(events.command("tail").description("show events as they come, kept or not, until Ctrl-C"))
    .argument("[types]", "a pattern of types, such as devices.**; all if absent", "**")
    .option("--plugin <name>", "published by this plugin")
    .option("--json", "print one CloudEvent a line on standard output")
    .action(tail);
  ranged("replay", "hand kept events to a plugin's subscriptions again; each says that it is replayed")
    .requiredOption("--to <plugin>", "the plugin that hears them")
    .action(replay);
  withDataOptions(events.command("stats").description("show how much is published and kept, how it was handled, and what waits for whom"))
    .option("--json", "print JSON on standard output")
    .action(stats);
  addDeadLetters(events, {
    kind: "events",
    of: "subscription",
    description: "events that a durable subscription could not handle, or that waited too long",
  });
}

async function history(options: RangeOptions & { readonly limit: string }): Promise<void> {
  await using host = await openHost(options);
  const range = rangeOf(options);
  const limit = numberOf("--limit", options.limit);
  let left = limit;
  for (let after: number | undefined = 0; after !== undefined && left > 0; ) {
    const page: ShownPage = await host.invoke<ShownPage>("events-history", {
      ...range,
      after,
      limit: Math.min(left, 1_000),
      goesOn: after > 0,
    });
    for (const event of page.events) printEvent(event, options.json);
    left -= page.events.length;
    after = page.next;
  }
}

async function tail(types: string, options: Pick<RangeOptions, "plugin" | "json" | keyof DataOptions>): Promise<void> {
  const host = await openLiveHost(options);
  const source = options.plugin === undefined ? undefined : `/plugins/${options.plugin}`;
  for await (const line of host.follow(types)) {
    const event = JSON.parse(line) as Partial<ShownEvent> & { readonly gap?: number };
    if (event.gap !== undefined) say(`${event.gap} events are not shown: they came faster than they were read`);
    else if (source === undefined || event.source === source) writeEvent([event.time, event.type, event.source], line, options.json);
  }
}

async function replay(options: RangeOptions & { readonly to: string }): Promise<void> {
  await using host = await openHost(options);
  const total = { handled: 0, failed: 0, failures: [] as string[] };
  // Once: what comes meanwhile, and what the plugin itself publishes, is not part of it.
  const range = { untilMs: Date.now(), ...rangeOf(options) };
  for (let after: number | undefined = 0; after !== undefined; ) {
    const done: HandedOut = await host.invoke<HandedOut>("events-replay", { ...range, after, to: options.to, goesOn: after > 0 });
    total.handled += done.handled;
    total.failed += done.failed;
    total.failures.push(...done.failures);
    after = done.next;
  }
  concludeHandedOut(options.json, total);
}

async function stats(options: DataOptions & { readonly json?: boolean }): Promise<void> {
  await using host = await openHost(options);
  const found = await host.invoke<EventStatistics>("events-stats");
  const use = await host.invoke<readonly EventUse[]>("events-use");
  print(options.json, { ...found, use }, () => {
    const types = found.types.map(({ type, events, bytes }) => [type, events, bytes]);
    const consumers = found.consumers.map(({ consumer, isThere, waiting, waitingBytes, inFlight, deadLetters }) => [
      ...[consumer.name, consumer.types, consumer.order, isThere ? "yes" : "no"],
      ...[waiting, waitingBytes, inFlight, deadLetters],
    ]);
    return [
      `${found.events} events of ${found.bytes} bytes are kept`,
      ...(types.length === 0 ? [] : [table(["type", "events", "bytes"], types)]),
      ...(use.length === 0 ? [] : [table(["type", "published", "handled", ...USE_HEAD.slice(1)], use.map(shownUse))]),
      consumers.length === 0
        ? "no plugin subscribes durably"
        : table(["subscription", "types", "order", "there", "waiting", "bytes", "under way", "dead letters"], consumers),
    ].join("\n");
  });
}

const shownUse = ({ published, ...use }: EventUse): readonly (string | number)[] => [use.name, published, ...useCells(use)];

function printEvent({ position, time, type, source, event }: ShownEvent, json: boolean | undefined): void {
  writeEvent([position, time, type, source], event, json);
}

function writeEvent(about: readonly unknown[], event: string, json: boolean | undefined): void {
  if (json === true) writeJson(event);
  else writeLines([...about.map(String), event].map(escapeControls).join("  "));
}

function rangeOf({ types, plugin, since, until }: RangeOptions): Record<string, unknown> {
  return {
    types,
    ...(plugin === undefined ? {} : { source: `/plugins/${plugin}` }),
    ...(since === undefined ? {} : { sinceMs: momentOf("--since", since) }),
    ...(until === undefined ? {} : { untilMs: momentOf("--until", until) }),
  };
}

function momentOf(option: string, text: string): number {
  const [, count, unit] = AGO.exec(text) ?? [];
  const moment = count === undefined ? Date.parse(text) : Date.now() - Number(count) * UNITS[unit as keyof typeof UNITS];
  if (!Number.isNaN(moment)) return moment;
  throw new HostError(
    "invalid-message",
    `${option} is "${text}"; write a moment such as 2026-12-24T18:00:00Z, or how long ago, such as 15m`,
  );
}
