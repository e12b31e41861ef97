// The lifecycle of one plugin: when it is loaded, started, exchanged for another version, asleep, stopped or failed. Its turns are its mailbox's affair.

import { type ErrorShape, HostError, toHostError } from "./errors.ts";
import { Guest } from "./guest.ts";
import type { HostTime, HostTimeAccount } from "./host-time.ts";
import { Mailbox } from "./mailbox.ts";
import { type PermissionPorts, Permissions } from "./permissions.ts";
import type { Cell } from "./ports/cell.ts";
import type { Clock } from "./ports/clock.ts";
import { RateLimit } from "./rate-limit.ts";
import { type EndedTurn, failedTurn, type TurnContext } from "./turn.ts";
import type { Bytes, Limits, PluginDefinition, PluginState, TurnInput, TurnOutcome } from "./types.ts";

const DOWN: ReadonlySet<PluginState> = new Set(["installed", "stopped", "failed", "quarantined"]);

const endedTurn = new HostError("plugin-not-running", "the turn that asked has ended");

export interface PluginPorts {
  readonly cell: Cell;
  readonly clock: Clock;
  readonly permissions: PermissionPorts;
  readonly hostTime: HostTime;
  /** The first start loads it, also one that is loaded on demand. */
  readonly loadAtOnce?: boolean | undefined;
  /** Answers the host functions that are placed in the host. Rejects with HostError. */
  answer(plugin: Plugin, context: TurnContext, functionName: string, args: readonly Bytes[]): Promise<Bytes>;
  /** Called after each change of state. */
  onState(plugin: Plugin): void;
  /** Called once for each turn that ended. */
  onTurn(turn: EndedTurn): void;
}

/** What becomes of a plugin's data and definition while its version changes. */
export interface Exchange {
  /** What runs gets this long to end. */
  readonly drainMs: number;
  /** Called when nothing of the plugin is loaded, before the new version is. When it rejects, the old one goes on. */
  readonly between?: () => Promise<void>;
  /** Called when nothing is loaded, after the new version has failed and before the old one comes back. */
  readonly undo?: () => Promise<void>;
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
  readonly #mailbox: Mailbox;
  readonly #guest: Guest;
  /** What the host itself works for it. */
  hostTime: HostTimeAccount;
  #state: PluginState = "installed";
  #failure: ErrorShape | undefined;
  /** Grows with every start and failure: what belongs to an earlier one stops. */
  #life = 0;
  /** Starts, stops, exchanges, wakes and falls asleep one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** Whether the next load has to start it: it runs and never had an instance. */
  #isUnstarted = false;
  #loadAtOnce: boolean;
  /** Ends the mailbox's hold; there while it runs without being loaded. */
  #asleep: (() => void) | undefined;
  #waking: Promise<void> | undefined;
  #cancelSleep: () => void = () => {};

  /** Throws HostError `invalid-message` for a malformed permission pattern. */
  constructor(definition: PluginDefinition, ports: PluginPorts) {
    this.#ports = ports;
    this.#loadAtOnce = ports.loadAtOnce ?? false;
    this.#rules = rulesOf(definition, ports);
    this.hostTime = ports.hostTime.account(definition.limits.hostMsPerSecond);
    this.#mailbox = new Mailbox({
      plugin: definition.name,
      cell: ports.cell,
      clock: ports.clock,
      limits: () => this.limits,
      onTurn: ports.onTurn,
      onHeldTurn: () => this.#wake(),
      onIdle: () => this.#planSleep(),
      answer: (context, isOver, functionName, args) =>
        this.hostTime.run(async () => {
          if (isOver()) throw endedTurn;
          return ports.answer(this, context, functionName, args);
        }),
    });
    this.#guest = new Guest({ cell: ports.cell, clock: ports.clock, mailbox: this.#mailbox, definition: () => this.definition });
  }

  get definition(): PluginDefinition {
    return this.#rules.definition;
  }

  get name(): string {
    return this.definition.name;
  }

  get limits(): Limits {
    return this.definition.limits;
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

  /** Whether it may be started or taken away. */
  get isDown(): boolean {
    return DOWN.has(this.#state);
  }

  /** Whether events come to it: one that is starting gets them once it runs. */
  get hears(): boolean {
    return this.#state === "running" || this.#state === "starting";
  }

  /** Why the plugin is `failed` or `quarantined`. */
  get failure(): ErrorShape | undefined {
    return this.#failure;
  }

  /** Turns waiting or running. */
  get queued(): number {
    return this.#mailbox.length;
  }

  /** `installed → loaded → starting → running`, also from `failed` and `quarantined`; or `failed` with the reason. Never throws. */
  start(): Promise<void> {
    return this.#serially(async () => {
      if (!this.isDown) return;
      this.#life += 1;
      const life = this.#life;
      const isLater = this.definition.idleMs !== undefined && !this.#loadAtOnce;
      this.#loadAtOnce = false;
      const release = this.#mailbox.hold();
      try {
        if (!isLater) await this.#load(life);
        this.#become("loaded");
        this.#become("starting");
        if (isLater) this.#asleep = this.#mailbox.hold();
        else await this.#guest.start();
        if (life !== this.#life) return;
        this.#isUnstarted = isLater;
        this.#failure = undefined;
        this.#become("running");
        this.#planSleep();
      } catch (thrown) {
        if (life === this.#life) await this.fail(toHostError(thrown));
      } finally {
        release();
      }
    });
  }

  /**
   * `stopping → stopped`: what is queued gets up to `drainMs`, then `plugin-not-running`; a start that is under way ends first. One that has failed is
   * `stopped` as well, so that nobody starts it again by himself. With `keeps` one whose state can be kept goes on from it after the next start. Never throws.
   */
  stop(drainMs: number, keeps = false): Promise<void> {
    return this.#serially(async () => {
      if (this.#state === "failed") this.#become("stopped");
      if (this.#state !== "running") return;
      const life = this.#life;
      this.#become("stopping");
      if (this.#asleep === undefined) await this.#mailbox.drained(drainMs);
      this.#refuseWaiting();
      await this.#guest.leave(keeps && this.definition.keepsState);
      this.#rest();
      if (life === this.#life) this.#become("stopped");
    });
  }

  /** Ends in `failed` or `quarantined` at once; whoever waits is answered, and who asks is refused. Never throws. */
  async fail(error: HostError, state: "failed" | "quarantined" = "failed"): Promise<void> {
    this.#life += 1;
    this.#failure = error;
    this.#become(state);
    this.#refuseWaiting();
    this.#rest();
    // What comes next finds nothing of it loaded: neither another start nor whoever copies its data.
    const unloaded = this.#guest.unload();
    this.#last = Promise.all([this.#last, unloaded]);
    await unloaded;
  }

  /**
   * Ends what runs, with `on_stop` and `on_unload`, and goes on by the definition that it has then, with `on_load` and `on_start`. When these do not succeed, the
   * old version is started again and this rejects with why; when that fails as well, the plugin has failed. Turns that come meanwhile wait. Rejects with
   * `conflict` unless the plugin runs.
   */
  exchange(exchange: Exchange): Promise<void> {
    const release = this.#mailbox.hold();
    return this.#serially(() => this.#exchange(exchange)).finally(release);
  }

  async #exchange({ drainMs, between, undo }: Exchange): Promise<void> {
    if (this.#state !== "running") throw new HostError("conflict", `${this.name} is ${this.#state}`);
    const life = this.#life;
    let oldRuns = false;
    const goBack = async (): Promise<void> => {
      await this.#begin(life);
      oldRuns = true;
    };
    try {
      await this.#mailbox.drained(drainMs);
      await this.#guest.leave();
      try {
        await between?.();
      } catch (thrown) {
        await goBack();
        throw thrown;
      }
      try {
        await this.#begin(life);
      } catch (thrown) {
        await this.#guest.leave();
        await undo?.();
        await goBack();
        throw thrown;
      }
    } catch (thrown) {
      if (!oldRuns && life === this.#life) await this.fail(toHostError(thrown));
      throw thrown;
    }
  }

  /** Resolves once a start, stop or exchange that is under way has ended. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Goes by another definition from the next turn on; what is loaded stays. Throws like the constructor, and changes nothing then. */
  redefine(definition: PluginDefinition): void {
    this.#rules = rulesOf(definition, this.#ports);
    this.hostTime = this.#ports.hostTime.account(definition.limits.hostMsPerSecond);
  }

  /** Queues one turn and resolves with how it ended; like `submit`, but not while it is starting: two that call each other then would wait for ever. */
  enter(entryPoint: string, input: TurnInput, context: TurnContext): Promise<TurnOutcome> {
    if (this.#state !== "running") return Promise.resolve(failedTurn(this.#notRunning()));
    return new Promise((resolve) => this.submit(entryPoint, input, context, resolve));
  }

  /**
   * Queues one turn and calls `done` once with how it ended. Refused at once with `plugin-not-running`, `queue-full`,
   * `quota-exceeded` (input size) or `deadline-exceeded`.
   */
  submit(entryPoint: string, input: TurnInput, context: TurnContext, done: (outcome: TurnOutcome) => void): void {
    const refusal = this.hears ? this.#mailbox.refusal(input, context) : this.#notRunning();
    if (refusal === undefined) this.#mailbox.add(entryPoint, input, context, done);
    else done(failedTurn(refusal));
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }

  #become(state: PluginState): void {
    this.#state = state;
    this.#ports.onState(this);
  }

  #notRunning(): HostError {
    return new HostError("plugin-not-running", `${this.name} is ${this.#state}`);
  }

  #refuseWaiting(): void {
    this.#mailbox.refuse(this.#notRunning());
  }

  #rest(): void {
    this.#cancelSleep();
    this.#asleep?.();
    this.#asleep = undefined;
  }

  async #begin(life: number): Promise<void> {
    await this.#load(life);
    this.#isUnstarted = false;
    this.#rest();
    await this.#guest.start();
  }

  async #load(life: number): Promise<void> {
    if (life !== this.#life) throw this.#notRunning();
    const { ended } = await this.#guest.load();
    if (life !== this.#life) throw this.#notRunning();
    void ended.then((error) => (life === this.#life && this.#state === "running" ? this.fail(error) : undefined));
  }

  // A turn has come while nothing is loaded.
  #wake(): void {
    if (this.#asleep === undefined || this.#waking !== undefined) return;
    this.#waking = this.#serially(() => this.#awake()).finally(() => {
      this.#waking = undefined;
      if (this.queued > 0) this.#wake();
    });
  }

  async #awake(): Promise<void> {
    if (this.#asleep === undefined) return;
    const life = this.#life;
    try {
      await this.#load(life);
      if (this.#isUnstarted) await this.#guest.start(["on_start"]);
      if (life !== this.#life) return;
      this.#isUnstarted = false;
      this.#rest();
    } catch (thrown) {
      if (life !== this.#life) return;
      // It did not start, so nothing may run in it; the next turn tries again.
      await this.#guest.unload();
      this.#mailbox.refuse(toHostError(thrown));
    }
  }

  #planSleep(): void {
    const { idleMs } = this.definition;
    if (idleMs === undefined || this.#state !== "running" || this.#asleep !== undefined) return;
    this.#cancelSleep();
    this.#cancelSleep = this.#ports.clock.after(idleMs, () => void this.#serially(() => this.#sleep()));
  }

  async #sleep(): Promise<void> {
    if (this.#state !== "running" || this.#asleep !== undefined || this.queued > 0) return;
    this.#asleep = this.#mailbox.hold();
    if (!(await this.#guest.unload(this.definition.keepsState))) this.#rest();
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
