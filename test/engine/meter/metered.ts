// Admits modules and runs them with slices of fuel, really suspending, for the tests of the meter. It asserts nothing.

import { HostError } from "../../../host/core/errors.ts";
import {
  type AdmissionLimits,
  type Admitted,
  admit,
  DEFAULT_ADMISSION_LIMITS,
  FUEL_EXPORT,
  REFUEL_EXPORT,
  START_EXPORT,
} from "../../../host/engine/admission.ts";
import { createRefuel } from "../../../host/engine/meter/refuel-trampoline.ts";
import { captureState, restoreState } from "../../../host/engine/state/instance-state.ts";
import { decodeState, encodeState } from "../../../host/engine/state/state-codec.ts";

export type Exported = (...values: unknown[]) => unknown;

export function admitAll(source: Uint8Array, limits: Partial<AdmissionLimits> = {}, keepsState = false): Admitted {
  return admit(source, { limits: { ...DEFAULT_ADMISSION_LIMITS, ...limits }, isAllowedImport: () => true, keepsState });
}

const PLENTY = 2 ** 30;
const MAX_STATE_BYTES = 128 * 1024 * 1024;

export interface Slices {
  /** Fuel of each slice. */
  readonly units: number;
  /** After so many slices the fuel is left negative. */
  readonly max?: number;
}

/** A metered instance that gets a new slice whenever it runs dry, until it has had the most it may have. */
export class Metered {
  readonly exports: WebAssembly.Exports;
  readonly #fuel: WebAssembly.Global<number>;
  readonly #slices: Slices;
  /** Slices begun since the last call. */
  slices = 0;

  readonly #make: () => WebAssembly.Exports;

  constructor(bytes: Uint8Array<ArrayBuffer>, slices: Slices, imports: WebAssembly.Imports = {}) {
    const module = new WebAssembly.Module(bytes);
    this.#make = () => new WebAssembly.Instance(module, imports).exports;
    this.exports = this.#make();
    this.#fuel = globalOf<number>(this.exports, FUEL_EXPORT);
    this.#slices = slices;
    this.refuelWith(async () => this.#next());
  }

  get fuel(): number {
    return this.#fuel.value;
  }

  set fuel(units: number) {
    this.#fuel.value = units;
  }

  /** What it has become, as bytes; undefined if that cannot be told from outside. */
  captured(): Uint8Array | undefined {
    this.fuel = PLENTY;
    try {
      return encodeState({ ...captureState(this.exports, this.#make()), vars: [], http: undefined, clockMs: 0 }, MAX_STATE_BYTES);
    } catch (thrown) {
      if (thrown instanceof HostError && thrown.code === "plugin-failed") return undefined;
      throw thrown;
    }
  }

  /** To be called before anything else has run. */
  become(state: Uint8Array): void {
    this.fuel = PLENTY;
    restoreState(this.exports, decodeState(state, MAX_STATE_BYTES));
  }

  refuelWith(refuel: () => Promise<void> | void, extend?: () => boolean): void {
    globalOf<unknown>(this.exports, REFUEL_EXPORT).value = createRefuel(refuel, extend);
  }

  async call(name: string, ...values: unknown[]): Promise<unknown> {
    this.slices = 1;
    this.fuel = this.#slices.units;
    return WebAssembly.promising(this.exports[name])(...values);
  }

  /** Calls the former start function if there was one. */
  async start(): Promise<void> {
    if (START_EXPORT in this.exports) await this.call(START_EXPORT);
  }

  #next(): void {
    this.slices++;
    this.fuel = this.slices > (this.#slices.max ?? Number.POSITIVE_INFINITY) ? -1 : this.#slices.units;
  }
}

export function exportedFunction(exports: WebAssembly.Exports, name: string): Exported {
  const value = exports[name];
  if (typeof value !== "function") throw new Error(`no exported function ${name}`);
  return value;
}

function globalOf<T>(exports: WebAssembly.Exports, name: string): WebAssembly.Global<T> {
  const value = exports[name];
  if (!(value instanceof WebAssembly.Global)) throw new Error(`no exported global ${name}`);
  return value as WebAssembly.Global<T>;
}
