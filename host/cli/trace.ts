// `bulkhead trace`: the last requests in all their steps, as trees with what each took.

import { styleText } from "node:util";
import type { Command } from "commander";
import type { ListedRecords } from "../admin/record-operations.ts";
import type { FoundTrace, FoundTraces } from "../admin/telemetry-operations.ts";
import { escapeControls } from "../core/names.ts";
import type { Span } from "../seams.ts";
import { openHost } from "./control.ts";
import { numberOf } from "./dead-letters.ts";
import { shownSeconds } from "./durations.ts";
import { print } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

interface TraceOptions extends DataOptions {
  readonly plugin?: string;
  readonly event?: string;
  readonly failed?: boolean;
  readonly limit: string;
  readonly json?: boolean;
}

export function addTrace(program: Command): void {
  withDataOptions(program.command("trace").description("show the last requests of the running host in all their steps"))
    .argument("[id]", "the first digits of a trace id, as in a log line or the header traceparent")
    .option("--plugin <name>", "those in which this plugin took part")
    .option("--event <pattern>", "those in which an event of such a type was published")
    .option("--failed", "those in which something failed")
    .option("-n, --limit <number>", "how many at most", "10")
    .option("--json", "print JSON on standard output")
    .action(trace);
}

async function trace(id: string | undefined, { plugin, event, failed, limit, json, ...options }: TraceOptions): Promise<void> {
  await using host = await openHost(options);
  const wanted = { trace: id?.toLowerCase(), plugin, event, failed, limit: numberOf("--limit", limit) };
  const traces = await host.invoke<FoundTraces>("traces", wanted);
  const found = withRecords(traces, await host.invoke<ListedRecords>("records", { limit: MAX_RECORDS }));
  print(json, found, () => {
    if (found.traces.length === 0) return "no such step was taken lately";
    const trees = found.traces.toReversed().map(shownTrace);
    return [...trees, ...(found.isCut ? ["(there are more: --limit, an id, or --json)"] : [])].join("\n\n");
  });
}

/** With the record of each turn that failed and was kept. */
function withRecords(found: FoundTraces, { records }: ListedRecords): FoundTraces {
  const bySpan = new Map(records.map(({ id, traceparent }) => [traceparent.split("-")[2], id]));
  const marked = (span: Span): RecordedSpan => {
    const record = span.kind === "turn" && span.code !== "ok" ? bySpan.get(span.spanId) : undefined;
    return record === undefined ? span : { ...span, record };
  };
  return { ...found, traces: found.traces.map(({ traceId, spans }) => ({ traceId, spans: spans.map(marked) })) };
}

function shownTrace({ traceId, spans }: FoundTrace): string {
  const start = Math.min(...spans.map(({ startMs }) => startMs));
  const title = `trace ${traceId}, ${new Date(start).toISOString()}`;
  return [styleText("bold", title, { stream: process.stdout }), ...treeOf(spans).map(({ depth, span }) => lineOf(span, depth, start))].join(
    "\n",
  );
}

/** A step, with the record of it if it was kept. */
interface RecordedSpan extends Span {
  readonly record?: string;
}

interface Placed {
  readonly span: RecordedSpan;
  readonly depth: number;
}

/** Depth first, in the order in which the steps began. What belongs to a step that is not known, such as a client's, stands at the top. */
export function treeOf(spans: readonly Span[]): readonly Placed[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const sorted = spans.toSorted((one, other) => one.startMs - other.startMs);
  const below = Map.groupBy(sorted, ({ parentSpanId }) => (parentSpanId !== undefined && known.has(parentSpanId) ? parentSpanId : ""));
  const placed: Placed[] = [];
  const seen = new Set<Span>();
  // With a stack of its own: who sends a trace along decides how deep it is.
  const open = (below.get("") ?? []).map((span) => ({ span, depth: 0 })).reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next.span)) continue;
    seen.add(next.span);
    placed.push(next);
    const { depth } = next;
    for (const span of (below.get(next.span.spanId) ?? []).toReversed()) open.push({ span, depth: depth + 1 });
  }
  // Those that are each other's parents are below nobody.
  return [...placed, ...sorted.filter((span) => !seen.has(span)).map((span) => ({ span, depth: 0 }))];
}

const MAX_INDENT = 20;
const MAX_RECORDS = 1_000;

function lineOf(span: RecordedSpan, depth: number, start: number): string {
  const { kind, owner, name, subject, durationMs, queuedMs, cpuMs, code } = span;
  const what = {
    call: `${owner} calls ${subject ?? ""}`,
    turn: `${owner} ${name}${subject === undefined ? "" : ` (${subject})`}`,
    "host-call": `${owner} asks ${name}`,
    event: `${owner} publishes ${subject ?? ""}`,
  }[kind];
  const costs = [
    ...(kind === "event" ? [] : [shownSeconds(durationMs / 1_000)]),
    ...(kind === "turn" ? [`queue ${shownSeconds(queuedMs / 1_000)}`, `cpu ${shownSeconds(cpuMs / 1_000)}`] : []),
  ];
  const record = span.record === undefined ? "" : ` (record ${span.record})`;
  const ended = code === "ok" ? "" : `  ${styleText("red", code, { stream: process.stdout })}${record}`;
  const at = `+${(span.startMs - start).toFixed(1)} ms`.padStart(12);
  return `${at}  ${"  ".repeat(Math.min(depth, MAX_INDENT))}${escapeControls(what)}  ${costs.join(", ")}${ended}`;
}
