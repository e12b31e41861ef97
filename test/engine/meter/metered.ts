// Admits modules and runs them with slices of fuel, really suspending, for the tests of the meter. It asserts nothing.

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

export type Exported = (...values: unknown[]) => unknown;

export function admitAll(source: Uint8Array, limits: Partial<AdmissionLimits> = {}): Admitted {
  return admit(source, { limits: { ...DEFAULT_ADMISSION_LIMITS, ...limits }, isAllowedImport: () => true });
}

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

  constructor(bytes: Uint8Array<ArrayBuffer>, slices: Slices, imports: WebAssembly.Imports = {}) {
    this.exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports;
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
