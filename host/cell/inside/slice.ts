// The running slice of one plugin in fuel: what the guest was given, what it has spent, and what a slice's time is worth at the guest's own speed.
// Whose slice it is and when it ends is the scheduler's and HostedPlugin's business.

import type { GuestInstance } from "../../engine/engine.ts";
import { SLICE_MS } from "./scheduler.ts";

// The first guess of what a slice is worth; each full one corrects it.
const FIRST_FUEL = 300_000;
const MIN_FUEL = 5_000;
// A million units of arithmetic take 0.16 ms, of loads that miss every cache 10 ms, in cold code 30 ms: that is what a guest
// can take from its neighbours, once, by changing from the one to the other. Larger slices gain nothing measurable.
const MAX_FUEL = 1_000_000;
// Upwards slowly, downwards at once: a guest that was cheap for a while must not earn one very long slice.
const GROWTH = 1.25;
// Less is not measured: a rate over a few microseconds says nothing.
const MIN_MEASURED_MS = SLICE_MS / 1_000;
// What a component may take beyond its slice where it cannot be suspended: in its allocator, called from between two of its frames. In fuel, since the clock
// runs on while the machine does something else; by the clock for what is slow by intent.
export const MAX_OVERRUN_FUEL: number = 5 * FIRST_FUEL;
export const MAX_OVERRUN_MS = 250;

const clamped = (fuel: number): number => Math.round(Math.min(Math.max(fuel, MIN_FUEL), MAX_FUEL));

/** Every method that takes the instance answers the fuel that it has spent since the last of them. */
export class Slice {
  /** Of the slice's pieces that have ended. */
  ms = 0;
  /** What a whole slice is worth. */
  #worth = FIRST_FUEL;
  #granted = 0;
  #spent = 0;
  #overrun = 0;
  #forfeited = 0;
  /** No piece is larger than this; infinite but where somebody wants to look between them. */
  maxPiece: number = Number.POSITIVE_INFINITY;

  /** Of the fuel, what was spent where the slice could not end. */
  get overrunFuel(): number {
    return this.#overrun;
  }

  /** What was given and not yet seen to be spent. */
  get fuel(): number {
    return this.#granted;
  }

  /** Gives the fuel of a whole slice. */
  grant(): number {
    this.#granted = Math.min(this.#worth, this.maxPiece);
    return this.#granted;
  }

  /** Gives the fuel of what is left of the slice at the rate so far; no piece is larger than a whole slice may be. */
  grantRest(elapsedMs: number): number {
    const rest = clamped((this.#spent * (SLICE_MS - elapsedMs)) / Math.max(elapsedMs, MIN_MEASURED_MS));
    this.#granted = Math.min(rest, this.maxPiece);
    return this.#granted;
  }

  /** The first slice of a turn, whatever the last one left. */
  begin(): void {
    this.#reset();
    this.grant();
  }

  /** A new instance has forfeited nothing yet. */
  renewInstance(): void {
    this.#forfeited = 0;
  }

  take({ fuelLeft, fuelForfeited }: GuestInstance): number {
    const spent = this.#granted - fuelLeft - (fuelForfeited - this.#forfeited);
    this.#granted = fuelLeft;
    this.#forfeited = fuelForfeited;
    return Math.max(0, spent);
  }

  /** At the end of a piece of the slice. */
  endPiece(instance: GuestInstance): number {
    const spent = this.take(instance);
    this.#spent += spent;
    return spent;
  }

  /** At the end of a piece that went on beyond the slice, since the guest could not be suspended. */
  endOverrun(instance: GuestInstance): number {
    const spent = this.endPiece(instance);
    this.#overrun += spent;
    return spent;
  }

  isOverrun(elapsedMs: number): boolean {
    return this.#overrun > MAX_OVERRUN_FUEL || elapsedMs >= SLICE_MS + MAX_OVERRUN_MS;
  }

  /** At the end of the slice; what it took says what the next one is worth. */
  close(instance: GuestInstance): number {
    const spent = this.take(instance);
    // Debt does not count: the price of a failed table.grow says nothing about the guest's speed.
    const measured = ((this.#spent + Math.min(spent, this.#worth)) * SLICE_MS) / Math.max(this.ms, MIN_MEASURED_MS);
    this.#worth = clamped(Math.min(measured, this.#worth * GROWTH));
    this.#reset();
    return spent;
  }

  #reset(): void {
    this.ms = 0;
    this.#spent = 0;
    this.#overrun = 0;
  }
}
