// One plugin: its lifecycle and its turns. Every entry into a guest passes through `enter` in this file.

import { Deadlines } from "./deadlines.ts";
import { type ErrorShape, HostError, toHostError } from "./errors.ts";
import type { HostTime, HostTimeAccount } from "./host-time.ts";
import { type PermissionPorts, Permissions } from "./permissions.ts";
import type { Cell, Clock, Turn } from "./ports.ts";
import { RateLimit } from "./rate-limit.ts";
import type { TurnContext } from "./service-registry.ts";
import { startTrace } from "./trace.ts";
import { type Bytes, type Caller, NO_USAGE, type PluginDefinition, type PluginState, type TurnInput, type TurnOutcome } from "./types.ts";

// Turns handed to the cell ahead of time, so that a thread hop is paid per batch and not per turn.
const MAX_IN_FLIGHT = 256;
// How long after its deadline a turn may stay unanswered before the host stops waiting for the cell.
const ANSWER_GRACE_MS = 1_000;

const endedTurn = new HostError("plugin-not-running", "the turn that asked has ended");
const HOST: Caller = Object.freeze({ kind: "host", name: "host" });

export interface PluginPorts {
  readonly cell: Cell;
  readonly clock: Clock;
  readonly permissions: PermissionPorts;
  readonly hostTime: HostTime;
  /** Answers the host functions that are placed in the host. Rejects with HostError. */
  answer(plugin: Plugin, context: TurnContext, functionName: string, args: readonly Bytes[]): Promise<Bytes>;
  /** Called after each change of state. */
  onState(plugin: Plugin): void;
  /** Called once for each turn that ended. */
  onTurn(turn: EndedTurn): void;
}

export interface EndedTurn extends Pick<Turn, "plugin" | "entryPoint" | "caller" | "traceparent"> {
  readonly outcome: TurnOutcome;
}

interface PendingTurn extends Turn {
  input: TurnInput;
  /** When the host stops waiting; later than the deadline once the cell has the turn. */
  expiresAt: number;
  inFlight: boolean;
  ended: boolean;
  /** Answers whoever asked; only the first time counts. */
  settle(outcome: TurnOutcome): void;
}

/** What a definition makes of a plugin. */
interface Rules {
  readonly definition: PluginDefinition;
  readonly permissions: Permissions;
  readonly publishing: RateLimit;
}

export class Plugin {
  #rules: Rules;
  readonly #ports: PluginPorts;
  /** What the host itself works for it. */
  hostTime: HostTimeAccount;
  #mailbox: PendingTurn[] = [];
  readonly #deadlines: Deadlines<PendingTurn>;
  #state: PluginState = "installed";
  #failure: ErrorShape | undefined;
  /** The start that is under way; whoever asks for another waits for it. */
  #starting: Promise<void> | undefined;
  #inFlight = 0;
  #waiting = 0;
  #queuedBytes = 0;
  #onIdle: (() => void) | undefined;

  /** Throws HostError `invalid-message` for a malformed permission pattern. */
  constructor(definition: PluginDefinition, ports: PluginPorts) {
    this.#ports = ports;
    this.#rules = rulesOf(definition, ports);
    this.hostTime = ports.hostTime.account(definition.limits.hostMsPerSecond);
    this.#deadlines = new Deadlines(ports.clock, (turn) => this.#expire(turn));
  }

  get definition(): PluginDefinition {
    return this.#rules.definition;
  }

  get name(): string {
    return this.definition.name;
  }

  get permissions(): Permissions {
    return this.#rules.permissions;
  }

  /** Events that it may publish. */
  get publishing(): RateLimit {
    return this.#rules.publishing;
  }

  get state(): PluginState {
    return this.#state;
  }

  /** Why the plugin is `failed`. */
  get failure(): ErrorShape | undefined {
    return this.#failure;
  }

  /** Turns waiting or running. */
  get queued(): number {
    return this.#waiting + this.#inFlight;
  }

  /** `installed → loaded → starting → running`, also from `failed` and `quarantined`; or `failed` with the reason. Never throws. */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    try {
      await this.#ports.cell.load(this.definition);
      this.#become("loaded");
      void this.#ports.cell.ended.then((error) => (this.#state === "running" ? this.fail(error) : undefined));
      this.#become("starting");
      await this.#runLifecycle("on_load");
      await this.#runLifecycle("on_start");
      this.#failure = undefined;
      this.#become("running");
    } catch (thrown) {
      await this.fail(toHostError(thrown));
    }
  }

  /** `stopping → stopped`: what is queued gets up to `drainMs`, then `plugin-not-running`. Never throws. */
  async stop(drainMs: number): Promise<void> {
    if (this.#state !== "running") return;
    this.#become("stopping");
    await this.#drained(drainMs);
    this.#refuseWaiting();
    for (const entryPoint of ["on_stop", "on_unload"]) await this.#runLifecycle(entryPoint).catch(() => {});
    await this.#ports.cell.unload(this.name).catch(() => {});
    this.#become("stopped");
  }

  /** Ends in `failed` or `quarantined`; whoever waits is answered, and who asks is refused at once. */
  async fail(error: HostError, state: "failed" | "quarantined" = "failed"): Promise<void> {
    this.#failure = error;
    this.#become(state);
    this.#refuseWaiting();
    await this.#ports.cell.unload(this.name).catch(() => {});
  }

  /** Answers a host function of a lifecycle entry point that its cell runs beside the mailbox. Rejects with HostError. */
  answerLifecycle(functionName: string, args: readonly Bytes[]): Promise<Bytes> {
    const context = this.#lifecycleContext(this.definition.limits.startMs);
    return this.hostTime.run(() => this.#ports.answer(this, context, functionName, args));
  }

  /** Goes by another definition from the next turn on; its image is the cell's affair. Throws like the constructor, and changes nothing then. */
  redefine(definition: PluginDefinition): void {
    this.#rules = rulesOf(definition, this.#ports);
    this.hostTime = this.#ports.hostTime.account(definition.limits.hostMsPerSecond);
  }

  /** Queues one turn and resolves with how it ended; like `submit`. */
  enter(entryPoint: string, input: TurnInput, context: TurnContext): Promise<TurnOutcome> {
    return new Promise((resolve) => this.submit(entryPoint, input, context, resolve));
  }

  /**
   * Queues one turn and calls `done` once with how it ended. Refused at once with `plugin-not-running`, `queue-full`,
   * `quota-exceeded` (input size) or `deadline-exceeded`.
   */
  submit(entryPoint: string, input: TurnInput, context: TurnContext, done: (outcome: TurnOutcome) => void): void {
    const refusal = this.#refusal(input, context);
    if (refusal === undefined) this.#enqueue(entryPoint, input, context, done);
    else done(failedTurn(refusal));
  }

  #become(state: PluginState): void {
    this.#state = state;
    this.#ports.onState(this);
  }

  #refusal(input: TurnInput, context: TurnContext): HostError | undefined {
    const { mailboxLength, mailboxBytes, payloadBytes } = this.definition.limits;
    const { name, queued } = this;
    if (this.#state !== "running") return new HostError("plugin-not-running", `${name} is ${this.#state}`);
    if (queued >= mailboxLength) {
      return new HostError("queue-full", `${name} has ${queued} turns queued; the limit is ${mailboxLength} (limits.mailboxLength)`);
    }
    if (queued > 0 && this.#queuedBytes + input.length > mailboxBytes) {
      return new HostError("queue-full", `${name} has ${this.#queuedBytes} bytes queued; the limit is ${mailboxBytes} (limits.mailboxMiB)`);
    }
    if (input.length > payloadBytes) {
      const size = `${input.length} ${typeof input === "string" ? "characters" : "bytes"}`;
      return new HostError("quota-exceeded", `the input has ${size}; ${name} takes at most ${payloadBytes} (limits.payloadMiB)`);
    }
    if (context.deadline > this.#ports.clock.monotonicMs()) return undefined;
    return new HostError("deadline-exceeded", `the deadline had passed before ${name} was asked`);
  }

  #enqueue(entryPoint: string, input: TurnInput, context: TurnContext, done: (outcome: TurnOutcome) => void): void {
    const { caller, traceparent, deadline } = context;
    const turn: PendingTurn = {
      plugin: this.name,
      entryPoint,
      input,
      caller,
      traceparent,
      deadline,
      expiresAt: deadline,
      inFlight: false,
      ended: false,
      answer: (functionName, args) =>
        this.hostTime.run(async () => {
          if (turn.ended || this.#ports.clock.monotonicMs() > deadline) throw endedTurn;
          return this.#ports.answer(this, context, functionName, args);
        }),
      settle: (outcome) => {
        if (turn.ended) return;
        turn.ended = true;
        this.#queuedBytes -= turn.input.length;
        turn.input = "";
        this.#deadlines.delete(turn);
        done(outcome);
        this.#ports.onTurn({ plugin: turn.plugin, entryPoint, caller, traceparent, outcome });
      },
      end: (outcome) => {
        this.#inFlight -= 1;
        turn.settle(outcome);
        this.#dispatchNext();
      },
    };
    this.#queuedBytes += input.length;
    this.#deadlines.add(turn);
    // Only when it is twice as long as the limit, so that the answered ones need clearing out only now and then.
    if (this.#mailbox.length >= 2 * this.definition.limits.mailboxLength) this.#mailbox = this.#mailbox.filter(({ ended }) => !ended);
    this.#mailbox.push(turn);
    this.#waiting += 1;
    if (this.#inFlight < MAX_IN_FLIGHT) this.#dispatchNext();
  }

  #dispatchNext(): void {
    let turn = this.#mailbox.shift();
    // Those that expired in the queue are answered already; finding them there one by one would cost a scan each.
    while (turn?.ended) turn = this.#mailbox.shift();
    if (turn === undefined) {
      if (this.#inFlight === 0) this.#onIdle?.();
      return;
    }
    turn.inFlight = true;
    this.#waiting -= 1;
    this.#inFlight += 1;
    this.#ports.cell.run(turn);
  }

  // The cell ends a turn that overruns. The host only answers for turns still in the mailbox and for a silent cell.
  #expire(turn: PendingTurn): void {
    if (turn.inFlight && turn.expiresAt === turn.deadline) {
      turn.expiresAt += ANSWER_GRACE_MS;
      this.#deadlines.add(turn);
      return;
    }
    const where = turn.inFlight ? "its cell did not answer" : `it waited behind ${this.queued - 1} others`;
    if (!turn.inFlight) this.#waiting -= 1;
    turn.settle(failedTurn(new HostError("deadline-exceeded", `${this.name} ${turn.entryPoint} passed its deadline: ${where}`)));
  }

  #refuseWaiting(): void {
    const error = new HostError("plugin-not-running", `${this.name} is ${this.#state}`);
    for (let turn = this.#mailbox.shift(); turn !== undefined; turn = this.#mailbox.shift()) turn.settle(failedTurn(error));
    this.#waiting = 0;
  }

  async #drained(drainMs: number): Promise<void> {
    if (this.queued === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const cancel = this.#ports.clock.after(drainMs, resolve);
    await promise;
    cancel();
  }

  #lifecycleContext(budgetMs: number): TurnContext {
    return { caller: HOST, traceparent: startTrace(), deadline: this.#ports.clock.monotonicMs() + budgetMs, waiting: [], authorities: [] };
  }

  async #runLifecycle(entryPoint: string): Promise<void> {
    if (!this.definition.entryPoints.includes(entryPoint)) return;
    const { startMs, deadlineMs } = this.definition.limits;
    const context = this.#lifecycleContext(this.#state === "starting" ? startMs : deadlineMs);
    const outcome = await new Promise<TurnOutcome>((resolve) => this.#enqueue(entryPoint, "", context, resolve));
    if (!outcome.ok) throw new HostError(outcome.error.code, `${entryPoint} failed: ${outcome.error.message}`, outcome.error);
  }
}

function rulesOf(definition: PluginDefinition, { clock, permissions }: PluginPorts): Rules {
  const { name, limits } = definition;
  return {
    definition,
    permissions: new Permissions(name, definition.permissions, definition.grants, permissions),
    publishing: new RateLimit(clock, limits.publishesPerSecond, 1_000),
  };
}

function failedTurn(error: HostError): TurnOutcome {
  return { ok: false, error, usage: NO_USAGE };
}
