// What the adapter takes of OpenTelemetry's packages, which are optional peers: loaded with it, from here alone. Their exporters know the protocols, the
// environment's variables and when to try again; what they are fed with is counted by the host.

export { type HrTime, SeverityNumber, SpanKind, SpanStatusCode, TraceFlags, ValueType } from "@opentelemetry/api";
export { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
export { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
export { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
export { defaultResource, detectResources, envDetector, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
export type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
export { AggregationTemporality, DataPointType, type MetricData, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
export type { ReadableSpan } from "@opentelemetry/sdk-trace";
