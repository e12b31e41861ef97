// One plugin inside a cell: its queue of turns, its instance, and the pacing of what runs. Turns run one at a time.

import { LogLimit } from "../../bounds/log-limit.ts";
import { maxStateBytes } from "../../bounds/state-bytes.ts";
import { asStorageFailure } from "../../bounds/storage-rules.ts";
import { describeCause, HostError, toHostError } from "../../core/errors.ts";
import type { ProfiledStack } from "../../core/ports/cell.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StorageDriver } from "../../core/ports/storage.ts";
import { traceIdOf } from "../../core/trace.ts";
import type { Bytes, Caller, Limits, PluginImage } from "../../core/types.ts";
import type { CompiledGuest, GuestEnvironment, GuestInstance, GuestResult, Pacer } from "../../engine/engine.ts";
import { encodeError } from "../../engine/guest/blocks.ts";
import type { CellScope } from "../../engine/guest/cell-functions.ts";
import type { Randomness } from "../../engine/guest/random.ts";
import { decodeState, encodeState } from "../../engine/state/state-codec.ts";
import type { FromCell } from "../wire/protocol.ts";
import { Account } from "./account.ts";
import type { ActiveTurn } from "./active-turn.ts";
import type { DeclaredData } from "./declared-data.ts";
import { lastFunctionOf } from "./last-function.ts";
import { PluginStorage } from "./plugin-storage.ts";
import { PIECE_FUEL, Profile } from "./profile.ts";
import { ReadCache } from "./read-cache.ts";
import { type FairScheduler, SLICE_MS } from "./scheduler.ts";
import { MAX_OVERRUN_FUEL, MAX_OVERRUN_MS, Slice } from "./slice.ts";
import { type AskForTurn, RECOVER, type TransactionalTurns, TurnsInCell, TurnsOnHost } from "./transactional-turns.ts";
import type { TurnTape } from "./turn-tape.ts";
import { TurnTransaction } from "./turn-transaction.ts";
import { Wear } from "./wear.ts";

const SECOND_MS = 1_000;

const HOST: Caller = { kind: "host", name: "host" };

type LogMessage = Omit<Extract<FromCell, { kind: "log" }>, "kind">;

export interface HostedPluginPorts extends Randomness {
  readonly data: DeclaredData;
  /** Only where turns are written down, or played back. */
  readonly tapes?: typeof TurnTape | undefined;
  readonly clock: Clock;
  readonly scheduler: FairScheduler;
  log(line: LogMessage): void;
  askHost(turn: number, functionName: string, args: readonly Bytes[]): Promise<Bytes>;
  /** Takes what a turn was told, before it is told that the turn has ended. */
  recorded(turn: number, tape: Bytes): void;
}

/** What a turn would be answered that ends before it can read it. */
const UNASKED: Promise<Bytes> = Promise.resolve(new Uint8Array(0));
const NOTHING: Bytes = new Uint8Array(0);

export class HostedPlugin implements Pacer {
  readonly #image: PluginImage;
  readonly #guest: CompiledGuest;
  readonly #storage: PluginStorage;
  readonly #ports: HostedPluginPorts;
  readonly #scope: CellScope;
  readonly #account = new Account();
  /** A window of the host's mailbox. What expires here keeps its place until the running turn ends, without its input. */
  readonly #queue: ActiveTurn[] = [];
  readonly #logLimit: LogLimit;
  #instance: GuestInstance | undefined;
  #wear = new Wear();
  #running: ActiveTurn | undefined;
  readonly #slice = new Slice();
  #profile: Profile | undefined;
  #secondStart = Number.NEGATIVE_INFINITY;
  #secondCpuMs = 0;
  /** By how much its monotonic clock is ahead of the cell's. */
  #aheadMs = 0;
  readonly #transactions: TransactionalTurns | undefined;
  readonly #cache: ReadCache | undefined;
  /** Only where turns are written down, or played back. */
  readonly #tape: TurnTape | undefined;
  /** While it is looked what its instance is. */
  #isLooked = false;
  /** Ends a turn early whose guest does not run: it has not begun, or what it did is committed. */
  #endAside: ((error: HostError) => void) | undefined;
  /** Wakes the guest that waits for a slice or an answer: with true to go on, with false to die. */
  #wake: ((alive: boolean) => void) | undefined;

  constructor(image: PluginImage, guest: CompiledGuest, storage: StorageDriver, ports: HostedPluginPorts) {
    this.#image = image;
    this.#guest = guest;
    const ask: AskForTurn = ({ message }, name, args) => ports.askHost(message.id, name, args);
    const inCell =
      image.transaction === undefined || image.storage === "host"
        ? undefined
        : new TurnsInCell(new TurnTransaction(storage, ports.clock), ask);
    this.#transactions = inCell ?? (image.transaction === undefined ? undefined : new TurnsOnHost(ask));
    this.#storage = new PluginStorage(inCell?.transaction.storage ?? storage, () => {
      const traceparent = this.#running?.message.traceparent;
      return traceparent === undefined ? undefined : traceIdOf(traceparent);
    });
    this.#ports = ports;
    const { readCacheBytes } = image;
    this.#cache =
      readCacheBytes === undefined ? undefined : new ReadCache(readCacheBytes, ports.clock, (name, args) => this.ask(name, args));
    this.#logLimit = new LogLimit(ports.clock, image.limits.logBytesPerMinute);
    this.#tape = image.tape && ports.tapes && new ports.tapes(image.tape, ports.clock, (error) => this.#instance?.doom(error));
    this.#scope = this.#makeScope();
  }

  /** What its next turn is told. Throws HostError where it is not loaded to be played back. */
  play(played: Bytes): void {
    if (this.#tape === undefined) throw new HostError("conflict", `${this.#image.name} is not loaded to be played back`);
    this.#tape.play(played);
  }

  /** Queues a turn, at this moment of the clock. */
  enqueue(turn: ActiveTurn, now: number): void {
    this.#queue.push(turn);
    if (this.#running === undefined && !this.#isLooked && this.#queue.length === 1) this.#callNext(now);
  }

  /** Ends a turn early: what waits or runs of it is stopped and answered with the error. */
  abort(turn: ActiveTurn, error: HostError): void {
    if (turn !== this.#running) {
      turn.fail(error);
      return;
    }
    if (this.#endAside !== undefined) {
      this.#endAside(error);
      return;
    }
    this.#instance?.doom(error);
    this.#wake?.(false);
  }

  /** What it has become, as bytes; undefined where no instance has run. Rejects with HostError where that cannot be told, or something runs. */
  async capture(): Promise<Bytes | undefined> {
    const { name, limits } = this.#image;
    if (this.#running !== undefined || this.#isLooked || this.#queue.length > 0) throw new HostError("conflict", `${name} has turns`);
    const state = await this.#instance?.capture?.();
    return state && encodeState(state, maxStateBytes(limits));
  }

  /** To be called before any turn. Rejects with HostError; then it is good for nothing. */
  async restore(encoded: Bytes): Promise<void> {
    const instance = this.#instantiate();
    const state = decodeState(encoded, maxStateBytes(this.#image.limits));
    if (instance.restore === undefined) throw new HostError("invalid-message", `the engine of ${this.#image.name} restores no state`);
    await instance.restore(state);
    this.#tape?.goesOnFrom(encoded);
    this.#aheadMs = Math.max(0, state.clockMs - this.#ports.clock.monotonicMs());
    this.#instance = instance;
  }

  /** Begins to look where its CPU goes, or ends it and tells. */
  profile(on: boolean): ProfiledStack[] {
    const stacks = this.#profile?.stacks() ?? [];
    this.#profile = on ? new Profile(lastFunctionOf(this.#image.module)) : undefined;
    this.#slice.maxPiece = on ? PIECE_FUEL : Number.POSITIVE_INFINITY;
    return stacks;
  }

  /** Stops what runs, answers what waits and closes the storage. */
  close(): void {
    const error = new HostError("plugin-not-running", `${this.#image.name} was unloaded`);
    for (const turn of this.#queue.splice(0)) turn.fail(error);
    if (this.#running !== undefined) this.abort(this.#running, error);
    this.#storage.close();
  }

  extend(): number {
    const turn = this.#running;
    const instance = this.#instance;
    if (turn === undefined || instance === undefined) return 0;
    const elapsedMs = this.#elapsedMs();
    if (elapsedMs >= SLICE_MS || this.#secondCpuMs + elapsedMs >= this.#image.limits.cpuMsPerSecond) return 0;
    const spent = this.#slice.endPiece(instance);
    turn.fuel += spent;
    this.#profile?.sample(spent);
    if (this.#tape?.isOver(turn, this.#slice) === true) return 0;
    return this.#slice.grantRest(elapsedMs);
  }

  overrun(): number {
    const turn = this.#running;
    const instance = this.#instance;
    if (turn === undefined || instance === undefined) return 0;
    const elapsedMs = this.#elapsedMs();
    turn.fuel += this.#slice.endOverrun(instance);
    if (this.#tape?.isOver(turn, this.#slice) === true) {
      instance.doom(this.#tape.fate);
      return 0;
    }
    if (this.#slice.isOverrun(elapsedMs) || turn.cpuMs + elapsedMs >= this.#image.limits.cpuMs) {
      const { plugin, entryPoint } = turn.message;
      const what = "where it cannot be interrupted: allocating or releasing what is passed to it";
      const limits = `the limits are ${MAX_OVERRUN_FUEL} fuel and ${MAX_OVERRUN_MS} ms`;
      instance.doom(
        new HostError(
          "cpu-exhausted",
          `${plugin} ${entryPoint} spent ${this.#slice.overrunFuel} fuel in ${elapsedMs.toFixed(0)} ms ${what}; ${limits}`,
        ),
      );
      return 0;
    }
    return this.#slice.grant();
  }

  async refuel(): Promise<number> {
    const turn = this.#running;
    const instance = this.#instance;
    if (turn === undefined || instance === undefined) return -1;
    this.#bill(turn);
    const spent = this.#slice.close(instance);
    turn.fuel += spent;
    this.#profile?.sample(spent);
    turn.slices += 1;
    if (this.#tape?.isOver(turn, this.#slice) === true) {
      instance.doom(this.#tape.fate);
      return -1;
    }
    const { cpuMs } = this.#image.limits;
    if (turn.cpuMs >= cpuMs) {
      instance.doom(this.#cpuExhausted(turn));
      return -1;
    }
    return (await this.#nextSlice()) ? this.#slice.grant() : -1;
  }

  overdue(): boolean {
    this.#checkHostCalls();
    const isOver = this.#elapsedMs() >= SLICE_MS;
    if (isOver) this.#ports.scheduler.blame();
    return isOver;
  }

  async wait(answer: Promise<Bytes>): Promise<Bytes | undefined> {
    const turn = this.#running;
    if (turn === undefined || this.#checkHostCalls()) return undefined;
    this.#bill(turn);
    const answered = new Promise<boolean>((resolve) => {
      this.#wake = resolve;
      void answer.then(() => resolve(true));
    });
    const alive = await answered;
    this.#wake = undefined;
    return alive && (await this.#nextSlice()) ? answer : undefined;
  }

  #makeScope(): CellScope {
    const { clock } = this.#ports;
    const scope = {
      storage: this.#storage,
      config: this.#image.config,
      // Of another host, perhaps, whose clock began later: for a guest it never goes back.
      clock: {
        now: () => clock.now(),
        monotonicMs: () => clock.monotonicMs() + this.#aheadMs,
        after: (delayMs, work) => clock.after(delayMs, work),
      },
      limits: this.#image.limits,
      fillRandom: this.#ports.fillRandom,
      log: (level, message) => this.#log({ level, message, cause: undefined }),
      reportFault: (fault) => this.#log({ level: "error", message: "a host function failed", cause: describeCause(fault) }),
    } satisfies Omit<CellScope, "caller">;
    return Object.defineProperty({ ...scope, caller: HOST }, "caller", { get: () => this.#running?.message.caller ?? HOST });
  }

  #log(line: Omit<LogMessage, "plugin" | "traceparent">): void {
    const from = { plugin: this.#image.name, traceparent: this.#running?.message.traceparent };
    const verdict = this.#logLimit.judge(line.message + (line.cause ?? ""));
    if (verdict === "drop-and-tell") {
      const { logBytesPerMinute } = this.#image.limits;
      const message = `log lines are dropped from here on; the limit is ${logBytesPerMinute} bytes a minute (limits.logMiBPerMinute)`;
      this.#ports.log({ ...from, level: "warning", message, cause: undefined });
    }
    if (verdict === "pass") this.#ports.log({ ...from, ...line });
  }

  #callNext(now: number): void {
    this.#account.allowance.beginTurn(now, this.#instance === undefined);
    this.#ready(now, this.#startNext);
  }

  // A plugin that has used its share of this second waits for the next one, whoever else is there.
  #ready(now: number, go: () => void): void {
    const { scheduler, clock } = this.#ports;
    if (now - this.#secondStart >= SECOND_MS) {
      this.#secondStart = now;
      this.#secondCpuMs = 0;
    }
    if (this.#secondCpuMs < this.#image.limits.cpuMsPerSecond) scheduler.ready(this.#account, now, go);
    else clock.after(this.#secondStart + SECOND_MS - now, () => scheduler.ready(this.#account, clock.monotonicMs(), go));
  }

  /** True when the turn has called the host too often and ends. */
  #checkHostCalls(): boolean {
    const turn = this.#running;
    const instance = this.#instance;
    const { hostCalls } = this.#image.limits;
    if (turn === undefined || instance === undefined || instance.hostCalls - turn.hostCallsBefore <= hostCalls) return false;
    const { plugin, entryPoint } = turn.message;
    instance.doom(
      new HostError("quota-exceeded", `${plugin} ${entryPoint} called the host more than ${hostCalls} times (limits.hostCalls)`),
    );
    return true;
  }

  readonly #startNext = (): void => {
    let turn = this.#queue.shift();
    while (turn?.ended) turn = this.#queue.shift();
    if (turn === undefined) this.#ports.scheduler.release(this.#account);
    else this.#start(turn);
  };

  #start(turn: ActiveTurn): void {
    this.#running = turn;
    turn.startedAt = this.#ports.scheduler.sliceStart;
    if (this.#transactions !== undefined && !this.#mayBegin(turn, this.#transactions)) return;
    const problem = this.#ports.data.inputProblem(turn.message.entryPoint, turn.message.input);
    if (problem !== undefined) {
      this.#onEnded(failure(problem));
      return;
    }
    this.#tape?.begin(turn, this.#instance === undefined, this.#slice);
    this.#slice.begin();
    // The turn pays for the check; what a slice is worth in fuel does not hang on it.
    if (this.#ports.data.takes(turn.message.entryPoint)) this.#slice.ms = -this.#elapsedMs();
    turn.hostCallsBefore = this.#instance?.hostCalls ?? 0;
    if (this.#instance === undefined) this.#enterNew(turn);
    else this.#enter(turn, this.#instance);
  }

  #enter(turn: ActiveTurn, instance: GuestInstance): void {
    const { entryPoint, input } = turn.message;
    instance.run(entryPoint, input, this.#slice.fuel, this.#onEnded);
  }

  // A new instance is told so before anything else runs in it; the host itself does so for the first one.
  #enterNew(turn: ActiveTurn): void {
    let instance: GuestInstance;
    try {
      instance = this.#instantiate();
    } catch (thrown) {
      const { code, message } = toHostError(thrown);
      this.#onEnded({ ok: false, code, message, broken: true });
      return;
    }
    this.#instance = instance;
    this.#wear = new Wear();
    this.#slice.renewInstance();
    if (turn.message.entryPoint === "on_load" || !this.#image.entryPoints.includes("on_load")) {
      this.#enter(turn, instance);
      return;
    }
    instance.run("on_load", "", this.#slice.fuel, (loaded) => {
      if (!loaded.ok) {
        this.#onEnded({ ...loaded, broken: true });
        return;
      }
      turn.fuel += this.#slice.take(instance);
      this.#enter(turn, instance);
    });
  }

  readonly #onEnded = (result: GuestResult): void => {
    const turn = this.#running;
    if (turn === undefined) return;
    const problem = result.ok ? this.#ports.data.outputProblem(turn.message.entryPoint, result.output) : undefined;
    const checked = problem === undefined ? result : failure(problem);
    const transactions = this.#transactions;
    const played = this.#tape?.guestEnded(checked) ?? checked;
    const ended = transactions?.end(turn, played) ?? { result: played, isToHandOut: false };
    this.#bill(turn);
    if (transactions !== undefined && ended.isToHandOut) void this.#handOut(turn, ended.result, transactions);
    else {
      this.#finish(turn, ended.result);
      this.#next();
    }
  };

  #next(): void {
    this.#running = undefined;
    if (this.#tape !== undefined && this.#instance !== undefined && this.#tape.wantsState(this.#instance))
      void this.#keepState(this.#tape, this.#instance);
    else if (this.#queue.length > 0) this.#callNext(this.#ports.clock.monotonicMs());
  }

  // The next turn waits: it may be the one whose record begins here.
  async #keepState(tape: TurnTape, instance: GuestInstance): Promise<void> {
    this.#isLooked = true;
    await tape.keepState(instance);
    this.#isLooked = false;
    if (this.#queue.length > 0) this.#callNext(this.#ports.clock.monotonicMs());
  }

  /** Whether a turn may run: what is left of earlier ones comes first, and what was handled is not handled again. */
  #mayBegin(turn: ActiveTurn, transactions: TransactionalTurns): boolean {
    try {
      if (transactions.isBehind(turn)) {
        void this.#recover(turn, transactions);
        return false;
      }
      if (turn.message.entryPoint === RECOVER) {
        this.#onEnded({ ok: true, output: NOTHING });
        return false;
      }
      const handledBefore = transactions.handledBefore(turn);
      if (handledBefore.length === 0) return true;
      this.#bill(turn);
      turn.settle({ ok: true, output: NOTHING, usage: turn.usage(0, 0), handledBefore });
      this.#next();
    } catch (thrown) {
      this.#onEnded(failure(asStorageFailure(thrown)));
    }
    return false;
  }

  async #recover(turn: ActiveTurn, transactions: TransactionalTurns): Promise<void> {
    this.#bill(turn);
    this.#endAside = (error) => turn.fail(error);
    const problem = await transactions.recover(turn);
    this.#endAside = undefined;
    if (problem !== undefined) turn.fail(problem);
    else if (!turn.ended) this.#queue.unshift(turn);
    this.#next();
  }

  async #handOut(turn: ActiveTurn, result: GuestResult, transactions: TransactionalTurns): Promise<void> {
    const finish = (ended: GuestResult): void => {
      if (!turn.ended) this.#finish(turn, ended);
    };
    this.#endAside = (error) => finish(transactions.endedEarly(result, error));
    const ended = await transactions.handOut(turn, result);
    this.#endAside = undefined;
    finish(ended);
    this.#next();
  }

  #instantiate(): GuestInstance {
    const environment: GuestEnvironment = {
      plugin: this.#image.name,
      limits: this.#image.limits,
      api: this.#image.api,
      reasons: this.#image.reasons,
      scope: this.#scope,
      pacer: this,
      storage: this.#image.storage,
      currentTurn: () =>
        this.#running && {
          traceparent: this.#running.message.traceparent,
          remainingMs: Math.max(0, this.#running.expiresAt - this.#ports.clock.monotonicMs()),
        },
      // One more than the limit would look to the host like a cell that is not ours any more, and end it with all that run in it.
      askHost: (functionName, args) => (this.#checkHostCalls() ? UNASKED : this.#askHost(functionName, args)),
    };
    return this.#guest.instantiate(this.#tape?.around(environment) ?? environment);
  }

  /** Asks the host on behalf of what runs. */
  ask(functionName: string, args: readonly Bytes[]): Promise<Bytes> {
    return this.#ports.askHost(this.#running?.message.id ?? -1, functionName, args);
  }

  #askHost(functionName: string, args: readonly Bytes[]): Promise<Bytes> {
    const problem = this.#ports.data.callProblem(functionName, args);
    if (problem !== undefined) return Promise.resolve(encodeError(problem));
    const turn = this.#running;
    const asked = (this.#cache ?? this).ask(functionName, args);
    const point = this.#ports.data.pointAsked(functionName, args);
    if (point !== undefined) return asked.then((answer) => this.#fitting(turn, point, answer));
    if (this.#transactions === undefined || functionName !== "events.publish") return asked;
    return asked.then((answer) => {
      // What ended meanwhile publishes nothing.
      if (turn?.ended === false) this.#transactions?.published(args, answer);
      return answer;
    });
  }

  // The guest waits, and has no slice to bill this to.
  #fitting(turn: ActiveTurn | undefined, point: string, answer: Bytes): Bytes {
    if (turn === undefined || turn.ended) return answer;
    const began = this.#ports.clock.monotonicMs();
    const fitting = this.#ports.data.fittingAnswers(point, answer);
    const elapsed = this.#ports.clock.monotonicMs() - began;
    turn.cpuMs += elapsed;
    this.#secondCpuMs += elapsed;
    return fitting;
  }

  #finish(turn: ActiveTurn, result: GuestResult): void {
    const instance = this.#instance;
    const rest = instance === undefined ? 0 : this.#slice.take(instance);
    turn.fuel += rest;
    this.#profile?.rest(turn.message.entryPoint, rest);
    const calls = (instance?.hostCalls ?? 0) - turn.hostCallsBefore;
    const usage = turn.usage(instance?.memoryBytes ?? 0, calls, this.#ports.clock.monotonicMs());
    const isWorn = !this.#guest.isStateful && this.#wear.isWorn(usage.peakMemoryBytes, this.#image.limits.memoryBytes);
    if (isWorn || (!result.ok && result.broken)) this.#instance = undefined;
    const tape = this.#tape?.end(turn, result);
    if (tape !== undefined) this.#ports.recorded(turn.message.id, tape);
    if (result.ok) turn.settle({ ok: true, output: result.output, usage });
    else {
      const { ok, broken, ...error } = result;
      turn.settle({ ok, error, usage, broken: broken && !isByOrder(turn, result, this.#image.limits) });
    }
  }

  // Resolves with false when the turn was aborted meanwhile; then the guest resumes only to die.
  async #nextSlice(): Promise<boolean> {
    const alive = await new Promise<boolean>((resolve) => {
      this.#wake = resolve;
      this.#ready(this.#ports.clock.monotonicMs(), () => {
        if (this.#wake === resolve) resolve(true);
        else this.#ports.scheduler.release(this.#account);
      });
    });
    this.#wake = undefined;
    return alive;
  }

  // A slice may be cut into pieces by host calls that wait; what it took is their sum.
  #bill(turn: ActiveTurn): void {
    const elapsed = this.#ports.scheduler.release(this.#account);
    turn.cpuMs += elapsed;
    this.#slice.ms += elapsed;
    this.#secondCpuMs += elapsed;
  }

  #elapsedMs(): number {
    return this.#slice.ms + this.#ports.scheduler.elapsed(this.#account);
  }

  #cpuExhausted(turn: ActiveTurn): HostError {
    const { plugin, entryPoint } = turn.message;
    const used = `${turn.cpuMs.toFixed(1)} ms in ${turn.slices} slices (${turn.fuel} fuel)`;
    return new HostError(
      "cpu-exhausted",
      `${plugin} ${entryPoint} used ${used}; the limit is ${this.#image.limits.cpuMs} ms of CPU a turn (limits.cpuMs)`,
    );
  }
}

/** How a turn ends whose data are not what was declared; the instance is as good as before. */
const failure = ({ code, message, reason }: HostError): GuestResult => ({ ok: false, code, message, reason, broken: false });

// The instance is lost, and the plugin is not to blame for it: who asked has gone, or gave it less than half of its own time. Else whoever can call a plugin
// could have it quarantined.
function isByOrder({ isCancelled, message }: ActiveTurn, { code }: Extract<GuestResult, { ok: false }>, { deadlineMs }: Limits): boolean {
  return code === "deadline-exceeded" && (isCancelled || message.remainingMs < deadlineMs / 2);
}
