// One contender for one name: takes it when it is free, renews it four times in its time, and stops by itself before another can have it.

import { toHostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { MaybePromise } from "../../core/types.ts";
import type { Held } from "../../seams.ts";

/** Who holds which name until when. Throws or rejects with HostError `storage-failed`. */
export interface LeaseTable {
  /** The epoch in which `holder` holds the name from now on, for `ttlMs`: `epoch` if it still does in that one, else a greater one than ever; undefined while another does. */
  take(name: string, holder: string, epoch: number | undefined, ttlMs: number): MaybePromise<number | undefined>;
  /** Frees the name if it is the holder's. */
  release(name: string, holder: string): MaybePromise<void>;
  /** Tells when somebody has given the name up, so that nobody has to wait for his next question; returns its undo. */
  onReleased?(name: string, listener: () => void): () => void;
}

export interface ContentionPorts {
  readonly clock: Clock;
  readonly table: LeaseTable;
  readonly name: string;
  /** Of this contender alone. */
  readonly holder: string;
  readonly ttlMs: number;
  readonly work: (held: Held) => Promise<void>;
  tell(message: string, cause?: unknown): void;
}

/** Of the time that a lease lasts, how much of its end is nobody's: the holder has stopped, and no other has begun. */
const NOBODYS = 0.1;
const RENEWALS = 4;

interface Holding {
  readonly epoch: number;
  readonly lost: AbortController;
  /** On the monotonic clock: counted from before it was asked for. */
  endsAt: number;
  cancelEnd: () => void;
  /** When the work has settled. */
  readonly done: Promise<void>;
}

export class Contention implements AsyncDisposable {
  readonly #ports: ContentionPorts;
  #holding: Holding | undefined;
  #cancelRound: () => void = () => {};
  readonly #unfollow: () => void;
  /** The question that is under way. */
  #asking: Promise<void> | undefined;
  #isOver = false;
  #isAway = false;

  constructor(ports: ContentionPorts) {
    this.#ports = ports;
    this.#unfollow = ports.table.onReleased?.(ports.name, () => this.#askNow()) ?? (() => {});
    this.#round();
  }

  /** Ends the work, waits until it has settled, and frees the name at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#cancelRound();
    this.#unfollow();
    this.#lose();
    await this.#asking;
    this.#lose();
    await this.#holding?.done;
  }

  #round(): void {
    const { clock, ttlMs } = this.#ports;
    this.#askNow();
    this.#cancelRound = clock.after(ttlMs / RENEWALS, () => this.#round());
  }

  #askNow(): void {
    const { clock, ttlMs } = this.#ports;
    // Work that goes on after its time keeps this contender out, not the others.
    if (this.#isOver || this.#asking !== undefined || this.#holding?.lost.signal.aborted === true) return;
    const asked = this.#ask(clock.monotonicMs() + ttlMs * (1 - NOBODYS));
    this.#asking = asked.finally(() => {
      this.#asking = undefined;
    });
  }

  /** Never rejects. */
  async #ask(endsAt: number): Promise<void> {
    const { table, name, holder, ttlMs, tell } = this.#ports;
    const holding = this.#holding;
    let epoch: number | undefined;
    try {
      const taken = table.take(name, holder, holding?.epoch, ttlMs);
      epoch = taken instanceof Promise ? await taken : taken;
      this.#isAway = false;
    } catch (thrown) {
      // What is held goes on until its time is over.
      if (!this.#isAway) tell(`the lease ${name} can be neither taken nor renewed: ${toHostError(thrown).message}`, thrown);
      this.#isAway = true;
      return;
    }
    if (holding === undefined) {
      if (epoch !== undefined) this.#begin(epoch, endsAt);
    } else if (holding.epoch === epoch && !holding.lost.signal.aborted) {
      holding.endsAt = endsAt;
      this.#endInTime(holding);
    } else {
      this.#lose();
    }
  }

  #begin(epoch: number, endsAt: number): void {
    const { clock, name, work, tell } = this.#ports;
    const lost = new AbortController();
    const settled = Promise.withResolvers<void>();
    const holding: Holding = { epoch, lost, endsAt, cancelEnd: () => {}, done: settled.promise.then(() => this.#settled(holding)) };
    this.#holding = holding;
    this.#endInTime(holding);
    const holds = (): boolean => !lost.signal.aborted && clock.monotonicMs() < holding.endsAt;
    const failed = (thrown: unknown): void => tell(`what holds the lease ${name} failed: ${toHostError(thrown).message}`, thrown);
    const worked = new Promise<void>((resolve) => resolve(work({ epoch, lost: lost.signal, holds })));
    void worked.catch(failed).then(settled.resolve);
  }

  #endInTime(holding: Holding): void {
    const { clock } = this.#ports;
    holding.cancelEnd();
    holding.cancelEnd = clock.after(Math.max(0, holding.endsAt - clock.monotonicMs()), () => this.#lose());
  }

  #lose(): void {
    this.#holding?.cancelEnd();
    this.#holding?.lost.abort();
  }

  async #settled(holding: Holding): Promise<void> {
    holding.cancelEnd();
    holding.lost.abort();
    const { table, name, holder, tell } = this.#ports;
    try {
      // Whoever asks meanwhile must not find that it is his still.
      await this.#asking;
      await table.release(name, holder);
    } catch (thrown) {
      tell(`the lease ${name} is given up and frees itself only in time: ${toHostError(thrown).message}`, thrown);
    } finally {
      this.#holding = undefined;
    }
  }
}
