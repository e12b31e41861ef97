// The host's spans and metrics as OpenTelemetry's packages have them. Pure.

import { escapeControls } from "../../core/names.ts";
import type { LoggedLine } from "../../core/ports/log.ts";
import type { Metric, MetricHistogram, MetricSample, Span } from "../../seams.ts";
import {
  AggregationTemporality,
  DataPointType,
  type HrTime,
  type MetricData,
  type ReadableLogRecord,
  type ReadableSpan,
  type Resource,
  type ResourceMetrics,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  ValueType,
} from "./packages.ts";

const SCOPE = { name: "bulkhead" } as const;
const MS_PER_SECOND = 1_000;
const NS_PER_MS = 1_000_000;
const UNITS = { seconds: "s", bytes: "By" } as const;

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / MS_PER_SECOND);
  return [seconds, Math.round((ms - seconds * MS_PER_SECOND) * NS_PER_MS)];
}

export function readableSpan(span: Span, resource: Resource): ReadableSpan {
  const { traceId, spanId, parentSpanId, startMs, durationMs, queuedMs, code, kind, owner, name, subject } = span;
  const isFailed = code !== "ok";
  const isTurn = kind === "turn";
  return {
    name: nameOf(span),
    kind: kindOf(span),
    spanContext: () => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }),
    ...(parentSpanId !== undefined && { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED } }),
    startTime: hrTimeOf(startMs),
    endTime: hrTimeOf(startMs + durationMs),
    duration: hrTimeOf(durationMs),
    status: { code: isFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET, ...(isFailed && { message: code }) },
    attributes: {
      "bulkhead.kind": kind,
      "bulkhead.owner": owner,
      ...(name !== "" && { "bulkhead.name": name }),
      ...(subject !== undefined && { "bulkhead.subject": subject }),
      ...(isTurn && { "bulkhead.cpu_ms": span.cpuMs, "bulkhead.queue_ms": queuedMs }),
      ...(isFailed && { "error.type": code }),
    },
    // The moment when it began to run.
    events: isTurn && queuedMs > 0 ? [{ name: "run", time: hrTimeOf(startMs + queuedMs), attributes: {} }] : [],
    links: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}

function nameOf({ kind, owner, name, subject = "" }: Span): string {
  if (kind === "turn") return `${owner} ${name}`;
  if (kind === "call") return subject;
  return kind === "event" ? `publish ${subject}` : name;
}

function kindOf({ kind, name }: Span): SpanKind {
  if (kind === "call") return SpanKind.SERVER;
  if (kind === "event") return SpanKind.PRODUCER;
  return kind === "host-call" && name === "services.call" ? SpanKind.CLIENT : SpanKind.INTERNAL;
}

const SEVERITIES = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warning: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
} as const satisfies Record<LoggedLine["level"], SeverityNumber>;

export function logRecord({ at, level, plugin, about, message, traceparent, cause }: LoggedLine, resource: Resource): ReadableLogRecord {
  const [, traceId, spanId] = traceparent?.split("-") ?? [];
  return {
    hrTime: hrTimeOf(at),
    hrTimeObserved: hrTimeOf(at),
    ...(traceId !== undefined && spanId !== undefined && { spanContext: { traceId, spanId, traceFlags: TraceFlags.SAMPLED } }),
    severityNumber: SEVERITIES[level],
    severityText: level,
    // What plugins say does not become something else on whoever's screen it ends.
    body: escapeControls(message),
    attributes: {
      "bulkhead.plugin": plugin,
      ...(about !== undefined && { "bulkhead.about": about }),
      ...(cause !== undefined && { "bulkhead.cause": escapeControls(cause) }),
    },
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
  };
}

/** `since` is when counting began, `now` when it was read; milliseconds since 1970. */
export function resourceMetrics(
  metrics: readonly Metric[],
  resource: Resource,
  { since, now }: { readonly since: number; readonly now: number },
): ResourceMetrics {
  const times = { startTime: hrTimeOf(since), endTime: hrTimeOf(now) };
  const data = metrics.filter(({ samples }) => samples.length > 0).map((metric) => metricData(metric, times));
  return { resource, scopeMetrics: [{ scope: SCOPE, metrics: data }] };
}

type Times = Readonly<Record<"startTime" | "endTime", HrTime>>;

function metricData({ name, kind, unit, help, samples }: Metric, times: Times): MetricData {
  const descriptor = {
    name: dotted(name),
    description: help,
    unit: unit === undefined ? "" : UNITS[unit],
    valueType: ValueType.DOUBLE,
  };
  const base = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  if (kind === "histogram")
    return {
      ...base,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: samples.map((sample) => ({ ...times, ...histogramPoint(sample) })),
    };
  const dataPoints = samples.map(({ labels, value }) => ({ ...times, attributes: { ...labels }, value: Number(value) }));
  return kind === "counter"
    ? { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
}

interface HistogramPoint {
  readonly attributes: Record<string, string>;
  readonly value: { buckets: { boundaries: number[]; counts: number[] }; sum: number; count: number };
}

function histogramPoint({ labels, value }: MetricSample): HistogramPoint {
  const { bounds, counts, sum } = value as MetricHistogram;
  const count = counts.reduce((all, one) => all + one, 0);
  return { attributes: { ...labels }, value: { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count } };
}

/** `bulkhead_turn_seconds` is `bulkhead.turn`, whose unit stands beside it. */
const dotted = (name: string): string => name.replace(/_(seconds|bytes)$/, "").replace("_", ".");
