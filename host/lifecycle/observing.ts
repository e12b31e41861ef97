// Tells plugins that may see it what the host does, once a second: names, codes, counts and times. Never what was said, by whom it was asked, or anything of
// the plugin that is told itself.

import { encodeEvent } from "../core/cloud-event.ts";
import { EVENTS, type Host } from "../core/host.ts";
import type { Plugin } from "../core/plugin.ts";
import type { Clock } from "../core/ports/clock.ts";
import { startTrace } from "../core/trace.ts";
import type { ReadSpans, Span, Telemetry } from "../seams.ts";

/** What a subscription of this type in a manifest hears; nothing else can be published to it under its source. */
const OBSERVED = "host.observed";
const HOST_OBSERVE = "host.observe";
const SOURCE = "/host/observer";
const INTERVAL_MS = 1_000;
/** Of one batch; the rest is counted in `others`. */
const MAX_COUNTS = 200;
const MAX_STEPS = 50;

/** Steps of one kind that ended alike. */
interface Count {
  readonly kind: Span["kind"];
  readonly plugin: string;
  readonly name: string;
  readonly code: string;
  count: number;
  ms: number;
  cpuMs: number;
}

/** The data of an event `host.observed`. */
interface Observed {
  readonly from: string;
  readonly to: string;
  readonly counts: readonly Count[];
  /** Steps beyond those kinds, and those that nobody could be told of in time. */
  readonly others: number;
  readonly missed: number;
  /** Some of the steps, first those that failed. */
  readonly steps: readonly {
    readonly kind: Span["kind"];
    readonly plugin: string;
    readonly name: string;
    readonly code: string;
    readonly at: string;
    readonly ms: number;
    readonly traceId: string;
  }[];
}

interface ObservingPorts {
  readonly core: Host;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "spans">;
}

/** How far a plugin has been told. */
interface Told {
  next: number;
  at: number;
  isBusy: boolean;
}

/** Tells all plugins of a host, those that come later too. Returns its undo. */
export function tellObservers(ports: ObservingPorts): () => void {
  const { core, clock } = ports;
  const told = new Map<string, Told>();
  let cancel = (): void => {};
  const tick = (): void => {
    const observing = core.plugins.filter((plugin) => plugin.state === "running" && entryPointOf(plugin) !== undefined);
    const names = new Set(observing.map(({ name }) => name));
    for (const name of told.keys()) if (!names.has(name)) told.delete(name);
    for (const plugin of observing) tell(ports, plugin, told);
    cancel = clock.after(INTERVAL_MS, tick);
  };
  tick();
  return () => cancel();
}

const entryPointOf = ({ definition }: Plugin): string | undefined =>
  definition.subscriptions.find(({ type }) => type === OBSERVED)?.entryPoint;

function tell({ core, clock, telemetry }: ObservingPorts, plugin: Plugin, all: Map<string, Told>): void {
  const now = clock.now();
  const entryPoint = entryPointOf(plugin);
  const told = all.get(plugin.name);
  if (told === undefined) {
    // From now on, not what was before it ran.
    all.set(plugin.name, { next: telemetry.spans(Number.POSITIVE_INFINITY).next, at: now, isBusy: false });
    return;
  }
  // One that is slow is told less often, of more at once.
  if (told.isBusy || entryPoint === undefined) return;
  const read = telemetry.spans(told.next);
  const observed = observedBy(plugin, read, { from: Math.min(told.at, now), to: now });
  told.next = read.next;
  told.at = now;
  if (observed.counts.length === 0 && observed.missed === 0) return;
  told.isBusy = true;
  const traceparent = startTrace();
  const data = new TextEncoder().encode(JSON.stringify(observed));
  const event = core.stamp({ type: OBSERVED, contentType: "application/json", source: SOURCE, traceparent, data });
  const deadline = clock.monotonicMs() + plugin.definition.limits.deadlineMs;
  const context = { caller: EVENTS, traceparent, subject: OBSERVED, deadline, waiting: [], authorities: [] };
  plugin.submit(entryPoint, encodeEvent(event), context, () => {
    told.isBusy = false;
  });
}

/** What a plugin may see of the steps. */
export function observedBy(
  { name: observer, permissions }: Pick<Plugin, "name" | "permissions">,
  { spans, missed }: ReadSpans,
  { from, to }: { readonly from: number; readonly to: number },
): Observed {
  const known = new Map<string, boolean>();
  const mayBeSeen = (plugin: string): boolean => {
    const may = known.get(plugin) ?? (plugin !== observer && permissions.allows(HOST_OBSERVE, plugin));
    known.set(plugin, may);
    return may;
  };
  const seen = spans.filter((span) => mayBeSeen(pluginOf(span)));
  const counts = new Map<string, Count>();
  let others = 0;
  for (const span of seen) {
    const { kind, code, durationMs, cpuMs } = span;
    const [plugin, name] = [pluginOf(span), nameOf(span)];
    const key = `${kind} ${plugin} ${name} ${code}`;
    const found = counts.get(key) ?? { kind, plugin, name, code, count: 0, ms: 0, cpuMs: 0 };
    if (found.count === 0 && counts.size >= MAX_COUNTS) {
      others += 1;
      continue;
    }
    counts.set(key, found);
    found.count += 1;
    found.ms += durationMs;
    found.cpuMs += cpuMs;
  }
  const [failed, well] = [seen.filter(({ code }) => code !== "ok"), seen.filter(({ code }) => code === "ok")];
  const steps = [...failed.slice(0, MAX_STEPS), ...spread(well, MAX_STEPS - Math.min(failed.length, MAX_STEPS))];
  return {
    ...{ from: new Date(from).toISOString(), to: new Date(to).toISOString() },
    counts: [...counts.values()].map((count) => ({ ...count, ms: rounded(count.ms), cpuMs: rounded(count.cpuMs) })),
    ...{ others, missed },
    steps: steps.map((span) => ({
      ...{ kind: span.kind, plugin: pluginOf(span), name: nameOf(span), code: span.code },
      ...{ at: new Date(span.startMs).toISOString(), ms: rounded(span.durationMs), traceId: span.traceId },
    })),
  };
}

/** Whose step it is: the plugin's that takes it, or of a call and an event the one whose name begins theirs. */
function pluginOf({ kind, owner, subject = "" }: Span): string {
  if (kind === "turn" || kind === "host-call") return owner;
  return subject.split(".", 1)[0] ?? "";
}

const nameOf = ({ kind, name, subject = "" }: Span): string => (kind === "turn" || kind === "host-call" ? name : subject);

/** So many of them, evenly. */
function spread<T>(all: readonly T[], count: number): readonly T[] {
  if (all.length <= count) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;
