// Sends spans and metrics to a collector, one sending at a time. What it has not taken in time is written over where it lies and counted: nothing queues here.

import type { AdapterContext, ReadSpans } from "../../seams.ts";
import { logRecord, readableSpan, resourceMetrics } from "./convert.ts";
import type { OpenTelemetryOptions } from "./options.ts";
import {
  defaultResource,
  detectResources,
  envDetector,
  OTLPLogExporter,
  OTLPMetricExporter,
  OTLPTraceExporter,
  type Resource,
  resourceFromAttributes,
} from "./packages.ts";
import { chosen } from "./sampling.ts";

/** In one request. */
const BATCH = 512;
/** For what is under way when the host stops. */
const CLOSE_MS = 2_000;
/** Between two lines about a collector that does not take what it is sent. */
const TELL_MS = 60_000;

interface Result {
  readonly code: number;
  readonly error?: Error;
}

/** What all exporters of these packages are. */
interface Exporter<T> {
  export(data: T, done: (result: Result) => void): void;
}

export class Exporting implements AsyncDisposable {
  readonly #context: AdapterContext;
  readonly #options: OpenTelemetryOptions;
  readonly #resource: Resource;
  readonly #spans: OTLPTraceExporter | undefined;
  readonly #metrics: OTLPMetricExporter | undefined;
  readonly #logs: OTLPLogExporter | undefined;
  #since: number;
  #next = 0;
  #missed = 0;
  #lastLine = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  readonly #cancels = new Map<string, () => void>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: OpenTelemetryOptions, context: AdapterContext) {
    this.#context = context;
    this.#options = options;
    this.#since = context.clock.now();
    this.#resource = defaultResource()
      .merge(resourceFromAttributes({ "service.name": "bulkhead" }))
      .merge(detectResources({ detectors: [envDetector] }));
    this.#spans = options.traces ? new OTLPTraceExporter(urlOf(options, "traces")) : undefined;
    this.#metrics = options.metrics ? new OTLPMetricExporter(urlOf(options, "metrics")) : undefined;
    this.#logs = options.logs ? new OTLPLogExporter(urlOf(options, "logs")) : undefined;
    if (this.#logs !== undefined) this.#every("logs", options.spansEveryMs, () => this.#sendLines());
    if (this.#spans !== undefined) this.#every("spans", options.spansEveryMs, () => this.#sendSpans());
    if (this.#metrics !== undefined) this.#every("metrics", options.metricsEveryMs, () => this.#sendMetrics());
  }

  /** Sends a last time, as far as there is time for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#cancels.values()) cancel();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.clock.after(CLOSE_MS, resolve);
    const last = async (): Promise<void> => {
      await Promise.all(this.#underWay);
      await Promise.all([this.#sendSpans(), this.#sendMetrics(), this.#sendLines()]);
      await Promise.all([this.#spans?.shutdown(), this.#metrics?.shutdown(), this.#logs?.shutdown()]);
    };
    await Promise.race([last().catch(() => {}), promise]);
    cancel();
  }

  #every(name: string, intervalMs: number, work: () => Promise<void>): void {
    const again = async (): Promise<void> => {
      const sending = work();
      this.#underWay.add(sending);
      await sending;
      this.#underWay.delete(sending);
      if (!this.#isClosed) plan();
    };
    const plan = (): void =>
      void this.#cancels.set(
        name,
        this.#context.clock.after(intervalMs, () => void again()),
      );
    plan();
  }

  async #sendSpans(): Promise<void> {
    const exporter = this.#spans;
    if (exporter === undefined) return;
    const read = this.#read();
    const spans = chosen(read.spans, this.#options.sampleRatio).map((span) => readableSpan(span, this.#resource));
    for (let first = 0; first < spans.length; first += BATCH) await this.#send(exporter, spans.slice(first, first + BATCH), "spans");
  }

  #read(): ReadSpans {
    const read = this.#context.telemetry.spans(this.#next);
    this.#next = read.next;
    this.#missed += read.missed;
    if (read.missed > 0) this.#tell(`${this.#missed} steps of traces so far were written over before they could be sent (telemetry.spans)`);
    return read;
  }

  /** Those that are kept and were not sent: a host that writes faster than they are taken loses the oldest, and says so. */
  async #sendLines(): Promise<void> {
    const exporter = this.#logs;
    if (exporter === undefined) return;
    const lines = this.#context.written.recent().filter(({ seq }) => seq > this.#lastLine);
    const missed = (lines.at(-1)?.seq ?? this.#lastLine) - this.#lastLine - lines.length;
    this.#lastLine = lines.at(-1)?.seq ?? this.#lastLine;
    if (missed > 0) this.#tell(`${missed} lines of the log were not kept until they could be sent`);
    const records = lines.map((line) => logRecord(line, this.#resource));
    for (let first = 0; first < records.length; first += BATCH)
      await this.#send(exporter, records.slice(first, first + BATCH), "lines of the log");
  }

  async #sendMetrics(): Promise<void> {
    if (this.#metrics === undefined) return;
    const { telemetry, clock } = this.#context;
    const now = clock.now();
    // A clock that was set back: what ends before it began no collector takes.
    this.#since = Math.min(this.#since, now);
    const times = { since: this.#since, now };
    await this.#send(this.#metrics, resourceMetrics(telemetry.metrics(), this.#resource, times), "metrics");
  }

  /** Never rejects: what cannot be sent is told. */
  #send<T>(exporter: Exporter<T>, data: T, what: string): Promise<void> {
    return new Promise((resolve) => {
      exporter.export(data, ({ code, error }) => {
        if (code !== 0) this.#tell(`${what} were not taken by the collector`, error);
        resolve();
      });
    });
  }

  #tell(message: string, cause?: unknown): void {
    const { clock, log } = this.#context;
    const now = clock.monotonicMs();
    if (now - this.#toldAt < TELL_MS) return;
    this.#toldAt = now;
    log.write({ level: "warning", plugin: "host", message, cause });
  }
}

/** Where the configuration does not say it, the packages look into the environment. */
const urlOf = ({ endpoint }: OpenTelemetryOptions, signal: "traces" | "metrics" | "logs"): { url?: string } =>
  endpoint === undefined ? {} : { url: `${endpoint.replace(/\/$/, "")}/v1/${signal}` };
