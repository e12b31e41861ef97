// Links the core modules of a component for its glue: one after the other, yielding to the cell's loop between them, with one account of fuel. Calls from one
// module into another stay within Wasm, where they can be suspended; JavaScript of the glue is watched, and enters the guest within a turn only.

import { HostError } from "../../core/errors.ts";
import type { GuestEnvironment } from "../engine.ts";
import type { GuestControl } from "../guest/control.ts";
import { FUEL_EXPORT, MEMORY_EXPORT, REFUEL_EXPORT, RESERVED_PREFIX, START_EXPORT } from "../meter/added-exports.ts";
import { createRefuel } from "../meter/refuel-trampoline.ts";
import { MAX_CORE_INSTANCES } from "./binary/instance-count.ts";
import type { FuelAccount } from "./fuel-account.ts";

export type Exported = (...args: unknown[]) => unknown;

export interface Linked {
  readonly exports: Readonly<Record<string, unknown>>;
}

export interface CoreLinkerPorts {
  readonly environment: GuestEnvironment;
  readonly account: FuelAccount;
  readonly control: GuestControl;
  /** Whether a turn runs. */
  isRunning(): boolean;
}

export class CoreLinker {
  readonly #ports: CoreLinkerPorts;
  readonly #memories: WebAssembly.Memory[] = [];
  /** What the glue got in place of an export, to what it stands for. */
  readonly #originals = new WeakMap<object, Exported>();
  #instances = 0;
  /** Frames of JavaScript that called the guest and wait for it to return. */
  #nested = 0;

  constructor(ports: CoreLinkerPorts) {
    this.#ports = ports;
  }

  get memoryBytes(): number {
    return this.#memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  }

  /** Instantiates one core module and runs its start function, metered. */
  async link(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<Linked> {
    await this.#yield();
    const { account } = this.#ports;
    const { exports } = new WebAssembly.Instance(module, this.#linked(imports));
    const fuel = exports[FUEL_EXPORT] as WebAssembly.Global<number>;
    account.add(fuel);
    (exports[REFUEL_EXPORT] as WebAssembly.Global).value = createRefuel(
      () => this.#refuel(fuel),
      () => this.#extend(fuel),
    );
    const memory = exports[MEMORY_EXPORT];
    if (memory !== undefined) this.#memories.push(memory as WebAssembly.Memory);
    this.#checkMemory();
    if (exports[START_EXPORT] !== undefined) await WebAssembly.promising(exports[START_EXPORT])();
    const given: Record<string, unknown> = Object.create(null);
    for (const [name, value] of Object.entries(exports)) {
      if (!name.startsWith(RESERVED_PREFIX)) given[name] = typeof value === "function" ? this.#callable(value) : value;
    }
    return { exports: given };
  }

  /** What the glue calls to enter the guest so that it can be suspended. */
  promising(exported: unknown): (...args: unknown[]) => Promise<unknown> {
    const original = typeof exported === "function" ? (this.#originals.get(exported) ?? exported) : exported;
    const run: (...args: unknown[]) => Promise<unknown> = WebAssembly.promising(original as WebAssembly.ExportValue);
    return (...args) => {
      this.#enterGuest();
      return run(...args);
    };
  }

  // What the glue does costs the guest no fuel, so the clock decides whether the slice is over.
  guarded(run: (...args: never[]) => unknown): Exported {
    const { control, environment } = this.#ports;
    return (...args) => {
      if (control.doomed) throw new WebAssembly.RuntimeError("ended by the host");
      const result = run(...(args as never[]));
      if (environment.pacer.overdue()) control.forfeit();
      return result;
    };
  }

  async #yield(): Promise<void> {
    const { account, control, environment } = this.#ports;
    const { plugin, pacer } = environment;
    this.#instances += 1;
    if (this.#instances > MAX_CORE_INSTANCES) {
      const message = `${plugin} instantiates more than ${MAX_CORE_INSTANCES} core modules; link them into fewer`;
      control.doom(new HostError("memory-exhausted", message));
    } else if (pacer.overdue()) {
      control.forfeit();
      const granted = await pacer.refuel();
      if (!control.doomed) account.grant(granted);
    }
    if (control.doomed) throw new WebAssembly.RuntimeError("ended by the host");
  }

  #linked(imports: WebAssembly.Imports): WebAssembly.Imports {
    const linked: Record<string, Record<string, unknown>> = Object.create(null);
    for (const [from, values] of Object.entries(imports)) {
      const own: Record<string, unknown> = Object.create(null);
      for (const [name, value] of Object.entries(values)) {
        const original = typeof value === "function" ? this.#originals.get(value) : undefined;
        own[name] = original ?? (typeof value === "function" && !isExported(value) ? this.guarded(value as Exported) : value);
      }
      linked[from] = own;
    }
    return linked;
  }

  #callable(exported: Exported): Exported {
    const callable: Exported = (...args) => {
      this.#enterGuest();
      this.#nested += 1;
      try {
        return exported(...args);
      } finally {
        this.#nested -= 1;
      }
    };
    this.#originals.set(callable, exported);
    return callable;
  }

  // Between turns nobody pays for the guest, and nobody would take what it throws.
  #enterGuest(): void {
    if (!this.#ports.isRunning()) throw new WebAssembly.RuntimeError("the guest is called outside of a turn");
  }

  async #refuel(fuel: { value: number }): Promise<void> {
    const { account, control, environment } = this.#ports;
    this.#checkMemory();
    const granted = control.doomed ? 0 : await environment.pacer.refuel();
    if (!control.doomed) account.grant(granted, fuel);
  }

  #extend(fuel: { value: number }): boolean {
    const { account, control, environment } = this.#ports;
    if (account.share(fuel)) return true;
    if (control.doomed) return false;
    this.#checkMemory();
    const granted = environment.pacer.extend() || (this.#nested > 0 ? environment.pacer.overrun() : 0);
    if (granted <= 0 || control.doomed) return false;
    account.grant(granted, fuel);
    return true;
  }

  // One memory cannot outgrow the limit by itself; several can only together.
  #checkMemory(): void {
    const { plugin, limits } = this.#ports.environment;
    if (this.#memories.length < 2 || this.memoryBytes <= limits.memoryBytes) return;
    const message = `the memories of ${plugin} have ${this.memoryBytes} bytes in all; the limit is ${limits.memoryBytes} (limits.memoryMiB)`;
    this.#ports.control.doom(new HostError("memory-exhausted", message));
  }
}

/** A function that a Wasm instance exports needs no watch: what it calls has one. */
const isExported = (value: object): boolean => {
  try {
    WebAssembly.promising(value as WebAssembly.ExportValue);
    return true;
  } catch {
    return false;
  }
};
