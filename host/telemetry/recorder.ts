// What the host writes down of each turn, call and event, as it ends: counts and times in memory that was there before, and nothing of what was said. It
// decides nothing and is read by snapshot.ts.

import type { HostErrorCode } from "../core/errors.ts";
import { EVENTS } from "../core/host.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EndedCall, EndedHostCall, Observer, Unhandled } from "../core/ports/policy.ts";
import type { EndedTurn } from "../core/turn.ts";
import type { CloudEvent } from "../core/types.ts";
import type { ReadSpans } from "../seams.ts";
import { numberOf, OK } from "./codes.ts";
import { SpanRing, type Step } from "./span-ring.ts";
import { Totals } from "./totals.ts";

const MS_PER_SECOND = 1_000;
const US_PER_SECOND = 1_000_000;

export interface RecorderOptions {
  /** How many steps of traces are kept; 0 for none. */
  readonly spans: number;
}

export class Recorder implements Observer {
  readonly #clock: Clock;
  readonly #spans: SpanRing | undefined;
  readonly totals: Totals = new Totals();

  constructor(clock: Clock, { spans }: RecorderOptions) {
    this.#clock = clock;
    this.#spans = spans === 0 ? undefined : new SpanRing(spans);
  }

  turn({ plugin, entryPoint, caller, traceparent, parent, subject, queuedAt, outcome }: EndedTurn): void {
    const endedAt = this.#clock.monotonicMs();
    const { usage } = outcome;
    const code = outcome.ok ? OK : numberOf(outcome.error.code);
    const tookMs = endedAt - queuedAt;
    // A cell tells its own times; what it cannot have taken it has not.
    const runMs = Math.min(usage.runUs / MS_PER_SECOND, tookMs);
    const totals = this.totals.plugins.of(plugin);
    const ofEntryPoint = totals.entryPoints.of(entryPoint);
    ofEntryPoint.outcomes.add(code);
    ofEntryPoint.run.record(runMs / MS_PER_SECOND);
    ofEntryPoint.cpuSeconds += usage.cpuUs / US_PER_SECOND;
    totals.queue.record((tookMs - runMs) / MS_PER_SECOND);
    totals.calls += usage.hostCalls;
    if (usage.peakMemoryBytes > 0) totals.memoryBytes = usage.peakMemoryBytes;
    if (caller === EVENTS && subject !== undefined) {
      const handled = this.totals.event(subject);
      handled.outcomes.add(code);
      handled.took.record(tookMs / MS_PER_SECOND);
    }
    if (this.#spans === undefined) return;
    // Spelled out: two objects put together take a tenth of a microsecond.
    const cpuMs = usage.cpuUs / MS_PER_SECOND;
    const step: Step = {
      kind: "turn",
      traceparent,
      parent,
      owner: plugin,
      name: entryPoint,
      subject,
      startedAt: queuedAt,
      endedAt,
      queuedMs: tookMs - runMs,
      cpuMs,
      code,
    };
    this.#spans.write(step);
  }

  call({ service, caller, traceparent, parent, startedAt, failure }: EndedCall): void {
    const endedAt = this.#clock.monotonicMs();
    const code = failure === undefined ? OK : numberOf(failure.code);
    // Under a name that nobody provides anybody can call.
    if (failure?.code !== "no-such-service") {
      const totals = this.totals.services.of(service);
      if (failure === undefined) totals.outcomes.add(OK);
      else totals.fail(failure.code, this.#clock.now());
      totals.took.record((endedAt - startedAt) / MS_PER_SECOND);
    }
    // What a plugin calls is a host call of its turn.
    if (caller.kind === "plugin") return;
    this.#spans?.write({
      ...{ kind: "call", traceparent, parent, owner: caller.name, name: "", subject: service },
      ...{ startedAt, endedAt, queuedMs: 0, cpuMs: 0, code },
    });
  }

  hostCall({ plugin, traceparent, functionName, startedAt, failure }: EndedHostCall): void {
    const code = failure === undefined ? OK : numberOf(failure.code);
    this.totals.plugins.of(plugin).hostCalls.of(functionName).add(code);
    if (this.#spans === undefined) return;
    const endedAt = this.#clock.monotonicMs();
    this.#spans.write({
      ...{ kind: "host-call", traceparent, parent: undefined, owner: plugin, name: functionName, subject: undefined },
      ...{ startedAt, endedAt, queuedMs: 0, cpuMs: 0, code },
    });
  }

  event({ type, source, traceparent, parent }: CloudEvent): void {
    this.totals.event(type).published += 1;
    if (this.#spans === undefined) return;
    const at = this.#clock.monotonicMs();
    this.#spans.write({
      ...{ kind: "event", traceparent, parent, owner: source, name: "", subject: type },
      ...{ startedAt: at, endedAt: at, queuedMs: 0, cpuMs: 0, code: OK },
    });
  }

  unhandled({ plugin, event, error }: Unhandled): void {
    this.totals.plugins.of(plugin).unhandled.add(numberOf(error.code));
    this.totals.event(event.type).lastFailure = { code: error.code, atMs: this.#clock.now() };
  }

  denied(plugin: string, permission: string): void {
    this.totals.denials.of(plugin).of(permission).count += 1;
  }

  admitted(tookMs: number): void {
    this.totals.admissions.record(tookMs / MS_PER_SECOND);
  }

  /** Something was asked of a door: `call`, `publish`, `follow`, `operate` or `authenticate`. */
  door(name: string, asked: string, failure: HostErrorCode | undefined): void {
    this.totals.doors
      .of(name)
      .of(asked)
      .add(failure === undefined ? OK : numberOf(failure));
  }

  /** The latest steps; see `Telemetry` in host/seams.ts. */
  spans(from: number): ReadSpans {
    const epochMs = this.#clock.now() - this.#clock.monotonicMs();
    return this.#spans?.read(from, epochMs) ?? { spans: [], missed: 0, next: 0 };
  }
}
