// What an operator can see of a running host's work: figures, the plugins by what they use, how services and events go, and the last traces.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { compilePattern } from "../core/names.ts";
import type { ProfiledStack } from "../core/ports/cell.ts";
import type { Span, Telemetry } from "../seams.ts";
import { checked, type Operation } from "./checked.ts";

/** What a plugin has used since the host started. */
export interface PluginUse {
  readonly plugin: string;
  /** Of one that hibernates also `asleep`. */
  readonly state: string;
  readonly queued: number;
  readonly turns: number;
  readonly failed: number;
  readonly cpuSeconds: number;
  /** Of its instance after its last turn. */
  readonly memoryBytes: number;
  readonly calls: number;
}

export interface UsedNow {
  /** Milliseconds of the host's monotonic clock: a rate is the difference of two answers. */
  readonly atMs: number;
  readonly plugins: readonly PluginUse[];
  readonly host: { readonly cpuSeconds: number; readonly residentBytes: number; readonly loopLagSeconds: number | undefined };
}

/** How a service, or what handles events of a type, has gone. */
export interface Use {
  readonly name: string;
  readonly provider: string;
  readonly count: number;
  readonly failed: number;
  /** Seconds that half of them, and 95 in a hundred, took at most. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly lastFailure: { readonly code: string; readonly at: string } | undefined;
}

export interface EventUse extends Use {
  readonly published: number;
}

export interface FoundTrace {
  readonly traceId: string;
  readonly spans: readonly Span[];
}

export interface FoundTraces {
  /** The latest first. */
  readonly traces: readonly FoundTrace[];
  /** Whether there are more than are told. */
  readonly isCut: boolean;
}

/** The figures of a running host. */
export interface LiveTelemetry extends Telemetry {
  readonly records: "nothing" | "metrics" | "spans";
  used(): UsedNow;
  services(): readonly Use[];
  events(): readonly EventUse[];
}

const MAX_TRACES = 100;
const MAX_SPANS = 2_000;

const noneSchema = z.strictObject({});
interface Wanted {
  /** The first digits of an id. */
  readonly trace?: string | undefined;
  readonly plugin?: string | undefined;
  /** A pattern of event types. */
  readonly event?: string | undefined;
  readonly failed: boolean;
  readonly limit: number;
}

const tracesSchema: z.ZodType<Wanted> = z.strictObject({
  trace: z
    .string()
    .regex(/^[0-9a-f]{4,32}$/, "write the first 4 to 32 hexadecimal digits of a trace id")
    .optional(),
  plugin: z.string().max(255).optional(),
  event: z.string().max(255).optional(),
  failed: z.boolean().default(false),
  limit: z.int().min(1).max(MAX_TRACES).default(10),
});

export interface TelemetryOperationsPorts {
  /** Throws HostError when no host runs. */
  live(): { readonly telemetry: LiveTelemetry; readonly profiler: LiveProfiler };
}

/** Looks where a plugin's CPU goes. */
export interface LiveProfiler {
  /** Rejects with HostError. */
  profile(plugin: string, seconds: number): Promise<readonly ProfiledStack[]>;
}

const MAX_PROFILED_SECONDS = 60;
const profileSchema: z.ZodType<{ readonly plugin: string; readonly seconds: number }> = z.strictObject({
  plugin: z.string().max(255),
  seconds: z.number().min(0.1).max(MAX_PROFILED_SECONDS).default(10),
});

export function telemetryOperations({ live }: TelemetryOperationsPorts): readonly (readonly [string, Operation])[] {
  const counting = (): LiveTelemetry => recording(live().telemetry, ["metrics", "spans"]);
  return [
    ["metrics", checked(noneSchema, () => counting().metrics())],
    ["top", checked(noneSchema, () => counting().used())],
    ["services", checked(noneSchema, () => counting().services())],
    ["events-use", checked(noneSchema, () => live().telemetry.events())],
    ["profile", checked(profileSchema, ({ plugin, seconds }) => live().profiler.profile(plugin, seconds))],
    ["traces", checked(tracesSchema, (wanted) => tracesIn(recording(live().telemetry, ["spans"]).spans(0).spans, wanted))],
  ];
}

/** Throws HostError `conflict` where the operator wants less to be written down than it takes. */
function recording(telemetry: LiveTelemetry, any: readonly LiveTelemetry["records"][]): LiveTelemetry {
  if (any.includes(telemetry.records)) return telemetry;
  const remedy = `write ${any.join(" or ")} there and restart the host`;
  throw new HostError("conflict", `the host writes down ${telemetry.records} of its work (telemetry.record); ${remedy}`);
}

/** Throws HostError `invalid-message` for a malformed pattern, and for a trace that is not there. */
export function tracesIn(spans: readonly Span[], { trace, plugin, event, failed, limit }: Wanted): FoundTraces {
  const isOfEvent = event === undefined ? undefined : compilePattern(event);
  const isWanted = (span: Span): boolean =>
    (trace === undefined || span.traceId.startsWith(trace)) &&
    (plugin === undefined || (span.owner === plugin && span.kind !== "call")) &&
    (isOfEvent === undefined || (span.kind === "event" && isOfEvent(span.subject ?? ""))) &&
    (!failed || span.code !== "ok");
  // By the last of their spans, so that the latest come first.
  const ids = new Set(
    spans
      .toReversed()
      .filter(isWanted)
      .map(({ traceId }) => traceId),
  );
  if (trace !== undefined && ids.size === 0)
    throw new HostError(
      "invalid-message",
      `there is no trace ${trace} any more, or never was; telemetry.spans says how many steps are kept`,
    );
  const chosen = [...ids].slice(0, limit);
  const byTrace = Map.groupBy(spans, ({ traceId }) => traceId);
  const traces: FoundTrace[] = [];
  let room = MAX_SPANS;
  for (const traceId of chosen) {
    const all = byTrace.get(traceId) ?? [];
    traces.push({ traceId, spans: all.slice(0, room) });
    room -= Math.min(room, all.length);
    if (room === 0) break;
  }
  return { traces, isCut: traces.length < ids.size || room === 0 };
}
