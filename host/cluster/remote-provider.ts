// Answers a service by asking hosts that provide it: the less busy of two. Another one is asked only where no turn can have begun, or where the service says of
// itself that twice is once.

import { HostError, toHostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Provider } from "../core/service-registry.ts";
import { failedTurn, type TurnContext } from "../core/turn.ts";
import { type Bytes, type Limits, NO_USAGE, type TurnOutcome } from "../core/types.ts";
import type { Peers } from "../seams.ts";
import type { Directory, Place, RemoteService } from "./directory.ts";
import { decodeFrame, encodeFrame } from "./frames.ts";
import type { Member, Membership } from "./membership.ts";
import { type CallEnvelope, readAnswer } from "./words.ts";

// The other host must have answered before this one stops waiting, or this one is blamed for it.
const MARGIN_MS = 5;
/** With these a host refuses that another one may have room for. */
const ELSEWHERE: ReadonlySet<string> = new Set(["queue-full", "plugin-not-running", "no-such-service"]);

export interface CallingPorts {
  readonly peers: Peers;
  readonly clock: Clock;
  readonly membership: Membership;
  readonly directory: Directory;
  /** From 0 on, below 1. */
  readonly random: () => number;
}

/** How one host was asked. `refused`: no turn has begun there. `lost`: nobody knows. */
type Attempt = { readonly kind: "ended" | "refused" | "lost"; readonly outcome: TurnOutcome };

export class RemoteProvider implements Provider {
  readonly name: string;
  readonly limits: Pick<Limits, "deadlineMs" | "callDepth">;
  readonly #service: RemoteService;
  readonly #ports: CallingPorts;

  constructor(service: RemoteService, ports: CallingPorts) {
    this.name = service.provider;
    this.limits = { deadlineMs: service.deadlineMs, callDepth: service.callDepth };
    this.#service = service;
    this.#ports = ports;
  }

  async enter(service: string, payload: Bytes, context: TurnContext): Promise<TurnOutcome> {
    const { directory } = this.#ports;
    const id = crypto.randomUUID();
    const asked = new Set<Member>();
    let last: Attempt | undefined;
    for (;;) {
      // Who is there may be different after each attempt.
      const places = directory.find(service)?.places.filter(({ member }) => !asked.has(member)) ?? [];
      const place = lessBusy(places.filter(isReady), this.#ports.random);
      if (place === undefined) {
        if (last?.kind !== "lost") return last?.outcome ?? failedTurn(noneOf(service, places));
        // A host that comes back knows whether it has answered this very call.
        if (!(await this.#somebodyNew(context))) return last.outcome;
        continue;
      }
      asked.add(place.member);
      const attempt = await this.#ask(place.member, { id, service, payload, context });
      if (attempt.kind === "ended") return attempt.outcome;
      if (attempt.kind === "lost" && !this.#service.isIdempotent) return attempt.outcome;
      // What may have been done is worse than what was not.
      if (last?.kind !== "lost" || attempt.kind === "lost") last = attempt;
    }
  }

  async #ask(
    member: Member,
    {
      id,
      service,
      payload,
      context,
    }: { readonly id: string; readonly service: string; readonly payload: Bytes; readonly context: TurnContext },
  ): Promise<Attempt> {
    const { peers, clock } = this.#ports;
    const { deadline, cancelled } = context;
    const startedAt = clock.monotonicMs();
    const leftMs = deadline - startedAt - MARGIN_MS;
    // What was measured on a bad day must not keep short calls out.
    const remainingMs = leftMs - Math.min(member.roundTripMs, leftMs / 4);
    if (remainingMs <= 0) return over(`the deadline is too near to ask the host ${member.name} for ${service}`);
    if (cancelled?.aborted === true) return over(`nobody waits for ${service} any more`);
    const giveUp = new AbortController();
    const abort = (): void => giveUp.abort();
    const cancelTimer = clock.after(deadline - startedAt, abort);
    for (const signal of [cancelled, member.gone]) signal?.addEventListener("abort", abort, { once: true });
    member.asked += 1;
    try {
      const answer = await peers.ask(member.name, this.#envelope(id, service, remainingMs, payload, context), giveUp.signal);
      return attemptOf(answer, member, clock.monotonicMs() - startedAt);
    } catch (thrown) {
      return failedAttempt(toHostError(thrown), member, service);
    } finally {
      member.asked -= 1;
      cancelTimer();
      for (const signal of [cancelled, member.gone]) signal?.removeEventListener("abort", abort);
    }
  }

  #envelope(id: string, service: string, remainingMs: number, payload: Bytes, context: TurnContext): Bytes {
    const { run, revision } = this.#ports.membership;
    const { caller, traceparent, waiting, authorities } = context;
    const envelope: CallEnvelope = {
      ...{ run, revision, id, service, traceparent, remainingMs, waiting: [...waiting] },
      caller: { kind: caller.kind, name: caller.name, principal: caller.principal },
      authorities: authorities.map(({ plugin }) => plugin),
    };
    return encodeFrame({ kind: "call", ...envelope }, payload);
  }

  /** Whether a host has come, or come back, before it is too late. */
  #somebodyNew({ deadline, cancelled }: TurnContext): Promise<boolean> {
    const { clock, membership } = this.#ports;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const undo = membership.onChange(() => resolve(true));
    const cancel = clock.after(Math.max(0, deadline - clock.monotonicMs()), () => resolve(false));
    const stop = (): void => resolve(false);
    if (cancelled?.aborted === true) stop();
    cancelled?.addEventListener("abort", stop, { once: true });
    return promise.finally(() => {
      undo();
      cancel();
      cancelled?.removeEventListener("abort", stop);
    });
  }
}

const isReady = ({ member, service }: Place): boolean => !member.isLeaving && service.isRunning;

/** The less busy one of two that chance names. */
function lessBusy(places: readonly Place[], random: () => number): Place | undefined {
  const first = places[Math.floor(random() * places.length)];
  const others = places.filter((one) => one !== first);
  const second = others[Math.floor(random() * others.length)];
  if (first === undefined || second === undefined) return first;
  return busyness(second.member) < busyness(first.member) ? second : first;
}

const busyness = ({ load, asked }: Member): number => load + asked;

function attemptOf(bytes: Bytes, member: Member, tookMs: number): Attempt {
  const frame = decodeFrame(bytes);
  const answer = readAnswer(frame);
  member.took(tookMs - answer.tookMs);
  if (answer.ok) return { kind: "ended", outcome: { ok: true, output: frame.payload, usage: NO_USAGE } };
  const { error } = answer;
  return { kind: answer.refused && ELSEWHERE.has(error.code) ? "refused" : "ended", outcome: { ok: false, error, usage: NO_USAGE } };
}

function failedAttempt(error: HostError, member: Member, service: string): Attempt {
  const { code } = error;
  if (code === "host-unreachable") return { kind: "refused", outcome: failedTurn(error) };
  if (code === "quota-exceeded") return { kind: "ended", outcome: failedTurn(error) };
  if (member.gone.aborted || code !== "deadline-exceeded") return { kind: "lost", outcome: failedTurn(lostAt(member, service)) };
  return over(`the host ${member.name} has not answered ${service} in time`);
}

const lostAt = ({ name }: Member, service: string): HostError =>
  new HostError("host-lost", `the host ${name} was asked for ${service}, and its answer is lost; nobody knows whether it was done`);

const over = (message: string): Attempt => ({ kind: "ended", outcome: failedTurn(new HostError("deadline-exceeded", message)) });

function noneOf(service: string, places: readonly Place[]): HostError {
  if (places.length === 0) return new HostError("host-unreachable", `no host that provides ${service} is there any more`);
  const hosts = places.map(({ member }) => member.name).join(", ");
  return new HostError("plugin-not-running", `what provides ${service} does not run: it is on ${hosts}`);
}
