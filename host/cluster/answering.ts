// Answers what other hosts ask. Hosts of one cluster trust each other's word on people and programs; what one of them says of a plugin is held against what this
// host knows itself: that the plugin runs there, and what it may do by the grants that this host has.

import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import { Permissions } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import { startTrace } from "../core/trace.ts";
import type { CallScope, ServiceCall } from "../core/turn.ts";
import type { Bytes } from "../core/types.ts";
import type { OwnServices } from "./announcing.ts";
import { decodeFrame, encodeFrame } from "./frames.ts";
import { type Answered, KeptAnswers } from "./kept-answers.ts";
import type { Member, Membership } from "./membership.ts";
import { type CallEnvelope, readAsk, tellable } from "./words.ts";

/** Calls of one host under way. */
const MAX_CALLS_OF_A_HOST = 1_024;

export interface AnsweringPorts {
  readonly core: () => Host;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly membership: Membership;
  readonly own: OwnServices;
  /** What a plugin may do here: of one that is here too by its manifest and grants, of another one by the configuration. */
  permissionsOf(plugin: string): Permissions | undefined;
}

interface Call {
  readonly from: string;
  readonly envelope: CallEnvelope;
  readonly payload: Bytes;
  /** Aborts when nobody waits for the answer any more. */
  readonly cancelled: AbortSignal;
  readonly startedAt: number;
}

export class Answering {
  readonly #ports: AnsweringPorts;
  readonly #kept = new KeptAnswers();
  readonly #underWay = new Map<string, number>();

  constructor(ports: AnsweringPorts) {
    this.#ports = ports;
  }

  /** Never rejects. */
  async answer(from: string, request: Bytes, cancelled: AbortSignal): Promise<Bytes> {
    const startedAt = this.#ports.clock.monotonicMs();
    try {
      const frame = decodeFrame(request);
      const envelope = readAsk(frame);
      if (envelope.kind === "describe") return this.#ports.membership.description(this.#ports.own.announcement());
      return await this.#counted(from, () => this.#called({ from, envelope, payload: frame.payload, cancelled, startedAt }));
    } catch (thrown) {
      return this.#refusal(from, toHostError(thrown), startedAt);
    }
  }

  async #counted(from: string, work: () => Promise<Bytes>): Promise<Bytes> {
    const underWay = this.#underWay.get(from) ?? 0;
    if (underWay >= MAX_CALLS_OF_A_HOST)
      throw new HostError("queue-full", `the host ${from} has ${underWay} calls under way here, which is the limit`);
    this.#underWay.set(from, underWay + 1);
    try {
      return await work();
    } finally {
      const left = (this.#underWay.get(from) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(from);
      else this.#underWay.set(from, left);
    }
  }

  async #called(call: Call): Promise<Bytes> {
    const { from, envelope } = call;
    const member = await this.#ports.membership.knowing(from, envelope.run, envelope.revision);
    if (member === undefined) throw new HostError("permission-denied", `the host ${printable(from)} is not known here`);
    const service = this.#ports.own.find(envelope.service);
    if (service === undefined) throw new HostError("no-such-service", `nobody here provides ${envelope.service} to other hosts`);
    const scope = this.#scopeOf(call, member);
    if (!service.isIdempotent) return (await this.#enter(call, member, scope)).bytes;
    return this.#kept.once(`${from} ${envelope.run} ${envelope.id} ${envelope.service}`, () => this.#enter(call, member, scope));
  }

  /** On whose behalf. Throws HostError `permission-denied` for what this host does not believe or allow, `invalid-message`. */
  #scopeOf({ from, envelope, startedAt }: Call, member: Member): CallScope | undefined {
    const { service, caller, waiting, authorities, remainingMs, traceparent } = envelope;
    const lent = authorities.map((name) => this.#known(name, from));
    if (caller.kind !== "plugin") {
      const context = { caller, traceparent, deadline: startedAt + remainingMs, waiting: waiting.slice(0, -1), authorities: [] };
      // A provider of the other host's program acts as that host itself.
      const asking = waiting.at(-1);
      return asking === undefined ? undefined : { plugin: { name: asking, permissions: powerless(asking) }, context };
    }
    if (!member.announced.plugins.includes(caller.name))
      throw new HostError("permission-denied", `${printable(caller.name)} does not run on the host ${from}, by what that has announced`);
    const permissions = this.#known(caller.name, from);
    permissions.require("services.call", service);
    // Of one that sends and does not wait nobody waits at all.
    if (waiting.length > 0 && waiting.at(-1) !== caller.name)
      throw new HostError(
        "invalid-message",
        `the host ${from} says that ${printable(caller.name)} calls, and that ${printable(waiting.at(-1) ?? "")} waits`,
      );
    const context = { caller, traceparent, deadline: startedAt + remainingMs, waiting: waiting.slice(0, -1), authorities: lent };
    return { plugin: { name: caller.name, permissions }, context };
  }

  #known(plugin: string, from: string): Permissions {
    const permissions = this.#ports.permissionsOf(plugin);
    if (permissions !== undefined) return permissions;
    const remedy = `"cluster": {"callers": {"${printable(plugin)}": ["…"]}} says what it may call here`;
    throw new HostError("permission-denied", `${printable(plugin)} on the host ${printable(from)} is not known here; ${remedy}`);
  }

  async #enter(call: Call, member: Member, scope: CallScope | undefined): Promise<Answered> {
    const { from, envelope, startedAt } = call;
    const busy = this.#ports.own.refusal(envelope.service);
    if (busy !== undefined) return { bytes: this.#refusal(from, busy, startedAt), isFinal: false };
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    for (const signal of [call.cancelled, member.gone]) signal.addEventListener("abort", abort, { once: true });
    if (call.cancelled.aborted || member.gone.aborted) abort();
    try {
      const output = await this.#guarded(this.#serviceCall(call, scope, stop.signal), scope);
      return { bytes: encodeFrame({ ok: true, tookMs: this.#tookMs(startedAt) }, output), isFinal: true };
    } catch (thrown) {
      const error = tellable(toHostError(thrown));
      const bytes = encodeFrame({ ok: false, tookMs: this.#tookMs(startedAt), refused: false, error });
      return { bytes, isFinal: !stop.signal.aborted };
    } finally {
      for (const signal of [call.cancelled, member.gone]) signal.removeEventListener("abort", abort);
    }
  }

  #serviceCall({ envelope, payload, startedAt }: Call, scope: CallScope | undefined, cancelled: AbortSignal): ServiceCall {
    const { service, caller, traceparent, remainingMs, waiting } = envelope;
    const timeoutMs = Math.max(0, remainingMs - this.#tookMs(startedAt));
    const step = { traceparent: startTrace(traceparent), parent: traceparent };
    // The turn outlives the message that it came with.
    const call = { service, payload: payload.slice(), caller, ...step, timeoutMs, cancelled };
    if (scope === undefined) return call;
    return waiting.length > 0 ? { ...call, within: scope } : { ...call, within: scope, onTaken() {} };
  }

  /** Ends when what its caller was granted is taken away. */
  #guarded(call: ServiceCall, scope: CallScope | undefined): Promise<Bytes> {
    const work = this.#ports.core().services.call(call);
    if (scope === undefined || call.caller.kind !== "plugin") return work;
    const { permissions } = scope.plugin;
    return permissions.guard(work, () => permissions.require("services.call", call.service));
  }

  // Before any turn has begun.
  #refusal(from: string, error: HostError, startedAt: number): Bytes {
    if (error.code === "internal")
      this.#ports.log.write({
        level: "error",
        plugin: "host",
        message: `a call of the host ${printable(from)} failed`,
        cause: error.cause,
      });
    return encodeFrame({ ok: false, tookMs: this.#tookMs(startedAt), refused: true, error: tellable(error) });
  }

  #tookMs(startedAt: number): number {
    return Math.max(0, this.#ports.clock.monotonicMs() - startedAt);
  }
}

/** Of whom nothing is known but the name: what acts with its caller's authority is not announced, so none is needed. */
const powerless = (name: string): Permissions => new Permissions(name, [], [], { compile: () => () => false, onCheck() {} });
