// One instance of a component: jco's glue over metered core modules that share one account of fuel. The glue's JavaScript stands between two frames
// of the guest now and then (it calls the guest's allocator); there the guest cannot be suspended, so it is given a little more instead.

import { HostError, toHostError } from "../../core/errors.ts";
import type { TurnInput } from "../../core/types.ts";
import { FUEL_EXPORT, MEMORY_EXPORT, REFUEL_EXPORT, START_EXPORT } from "../admission.ts";
import type { GuestEnvironment, GuestInstance, GuestResult } from "../engine.ts";
import { asMessage, brokenResult, messageOf } from "../failures.ts";
import type { GuestControl } from "../guest/bindings.ts";
import { RESERVED_PREFIX } from "../meter/added-exports.ts";
import { createRefuel } from "../meter/refuel-trampoline.ts";
import type { ComponentEntry } from "./bundle.ts";
import { FuelAccount } from "./fuel-account.ts";
import { ComponentImports } from "./imports.ts";
import type { GlueWasm, Instantiate } from "./realm.ts";

const ENTRY_POINTS = "bulkhead:plugin/entry-points@0.1.0";

/** What one host call may copy out of the guest beside a payload. */
const MAX_NAMES_BYTES = 4_096;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface ComponentParts {
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  /** What it imports, with versions. */
  readonly imports: readonly string[];
  readonly entries: Readonly<Record<string, ComponentEntry>>;
  /** Runs the glue in a realm of its own. */
  glue(wasm: GlueWasm, budget: { charge(bytes: number): void }): Instantiate;
}

type Exported = (...args: unknown[]) => unknown;

export class ComponentInstance implements GuestInstance, GuestControl {
  readonly #parts: ComponentParts;
  readonly #environment: GuestEnvironment;
  readonly #account = new FuelAccount();
  readonly #memories: WebAssembly.Memory[] = [];
  readonly #imports: ComponentImports;
  /** What the glue got in place of an export, to what it stands for. */
  readonly #originals = new WeakMap<object, Exported>();
  #exports: Readonly<Record<string, unknown>> | undefined;
  #fate: HostError | undefined;
  #isRunning = false;
  /** Frames of JavaScript that called the guest and wait for it to return. */
  #nested = 0;
  #liftLeft = 0;

  constructor(parts: ComponentParts, environment: GuestEnvironment) {
    this.#parts = parts;
    this.#environment = environment;
    this.#imports = new ComponentImports({ environment, control: this, imports: parts.imports, called: () => this.#called() });
  }

  get fuelLeft(): number {
    return this.#account.left;
  }

  get fuelForfeited(): number {
    return this.#account.forfeited;
  }

  get memoryBytes(): number {
    return this.#memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  }

  get hostCalls(): number {
    return this.#imports.hostCalls;
  }

  get doomed(): boolean {
    return this.#fate !== undefined;
  }

  doom(error: HostError): void {
    this.#fate ??= error;
    this.#account.doom();
  }

  forfeit(): void {
    this.#account.forfeit();
  }

  run(entryPoint: string, input: TurnInput, fuel: number, done: (result: GuestResult) => void): void {
    this.#account.grant(fuel);
    this.#called();
    this.#imports.beginTurn();
    this.#isRunning = true;
    void this.#turn(entryPoint, typeof input === "string" ? encoder.encode(input) : input).then((result) => {
      this.#isRunning = false;
      this.#imports.endTurn();
      done(result);
    });
  }

  // Never rejects.
  async #turn(entryPoint: string, input: Uint8Array): Promise<GuestResult> {
    try {
      this.#exports ??= await this.#instantiate();
      const output = await this.#enter(this.#exports, entryPoint, input);
      if (this.#fate !== undefined) return this.#broken(this.#fate);
      const { plugin, limits } = this.#environment;
      if (output.length <= limits.payloadBytes) return { ok: true, output };
      const message = `the output of ${plugin} has ${output.length} bytes; the limit is ${limits.payloadBytes} (limits.payloadBytes)`;
      return { ok: false, code: "quota-exceeded", message, broken: false };
    } catch (thrown) {
      if (this.#fate === undefined && isFailure(thrown)) {
        const { payload } = thrown;
        const said =
          typeof payload === "string" && payload !== "" ? asMessage(payload) : `${this.#environment.plugin} failed without a message`;
        return { ok: false, code: "plugin-failed", message: said, broken: false };
      }
      return this.#broken(this.#fate ?? thrown);
    }
  }

  #broken(error: unknown): GuestResult {
    this.#imports.endTurn();
    const words = this.#imports.lastWords.join(" | ");
    const trap =
      error instanceof HostError || words === ""
        ? undefined
        : `${this.#environment.plugin} trapped: ${messageOf(error)}; it wrote: ${asMessage(words)}`;
    return brokenResult(this.#environment, { error, said: trap, memoryBytes: this.memoryBytes });
  }

  async #enter(exports: Readonly<Record<string, unknown>>, entryPoint: string, input: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const own = exports[ENTRY_POINTS] as { readonly handle: (entryPoint: string, input: Uint8Array) => Promise<unknown> } | undefined;
    if (own !== undefined) return asBytes(await own.handle(entryPoint, input));
    const entry = Object.hasOwn(this.#parts.entries, entryPoint) ? this.#parts.entries[entryPoint] : undefined;
    const home = (entry?.face === undefined ? exports : exports[entry.face]) as Readonly<Record<string, Exported>>;
    const run = home[entryPoint];
    if (entry === undefined || run === undefined) {
      throw new HostError("plugin-failed", `${this.#environment.plugin} exports no ${entryPoint}`);
    }
    if (entry.takes === "nothing") return asBytes(await run());
    return asBytes(await run(entry.takes === "text" ? decoder.decode(input) : input));
  }

  async #instantiate(): Promise<Readonly<Record<string, unknown>>> {
    const { plugin } = this.#environment;
    const instantiate = this.#parts.glue(
      {
        promising: (exported) => this.#promising(exported),
        guarded: (run) => this.#guarded(run),
      },
      { charge: (bytes) => this.#charge(bytes) },
    );
    const moduleOf = (name: string): WebAssembly.Module => {
      const module = this.#parts.modules.get(name);
      if (module === undefined) throw new HostError("internal", `the bundle of ${plugin} has no ${name}`);
      return module;
    };
    try {
      return await instantiate(moduleOf, this.#imports.interfaces, (module, imports) => this.#link(module, imports ?? {}));
    } catch (cause) {
      if (this.#fate !== undefined || cause instanceof HostError) throw this.#fate ?? toHostError(cause);
      throw new HostError("plugin-failed", `${plugin} does not instantiate: ${messageOf(cause)}`, { cause });
    }
  }

  /** Instantiates one core module and runs its start function, metered. */
  async #link(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<{ readonly exports: Readonly<Record<string, unknown>> }> {
    const { exports } = new WebAssembly.Instance(module, this.#linked(imports));
    const fuel = exports[FUEL_EXPORT] as WebAssembly.Global<number>;
    this.#account.add(fuel);
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

  // Calls from one module into another stay within Wasm, where they can be suspended; JavaScript of the glue is watched.
  #linked(imports: WebAssembly.Imports): WebAssembly.Imports {
    const linked: Record<string, Record<string, unknown>> = Object.create(null);
    for (const [from, values] of Object.entries(imports)) {
      const own: Record<string, unknown> = Object.create(null);
      for (const [name, value] of Object.entries(values)) {
        const original = typeof value === "function" ? this.#originals.get(value) : undefined;
        own[name] = original ?? (typeof value === "function" && !isExported(value) ? this.#guarded(value as Exported) : value);
      }
      linked[from] = own;
    }
    return linked;
  }

  #callable(exported: (...args: unknown[]) => unknown): Exported {
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

  #promising(exported: unknown): (...args: unknown[]) => Promise<unknown> {
    const original = typeof exported === "function" ? (this.#originals.get(exported) ?? exported) : exported;
    const run: (...args: unknown[]) => Promise<unknown> = WebAssembly.promising(original as WebAssembly.ExportValue);
    return (...args) => {
      this.#enterGuest();
      return run(...args);
    };
  }

  // Between turns nobody pays for the guest, and nobody would take what it throws.
  #enterGuest(): void {
    if (!this.#isRunning) throw new WebAssembly.RuntimeError("the guest is called outside of a turn");
  }

  // What the glue does costs the guest no fuel, so the clock decides whether the slice is over.
  #guarded(run: (...args: never[]) => unknown): Exported {
    return (...args) => {
      if (this.doomed) throw new WebAssembly.RuntimeError("ended by the host");
      const result = run(...(args as never[]));
      if (this.#environment.pacer.overdue()) this.forfeit();
      return result;
    };
  }

  async #refuel(fuel: { value: number }): Promise<void> {
    this.#checkMemory();
    const granted = this.doomed ? 0 : await this.#environment.pacer.refuel();
    if (!this.doomed) this.#account.grant(granted, fuel as WebAssembly.Global<number>);
  }

  #extend(fuel: { value: number }): boolean {
    if (this.#account.share(fuel)) return true;
    if (this.doomed) return false;
    this.#checkMemory();
    const { pacer } = this.#environment;
    const granted = pacer.extend() || (this.#nested > 0 ? pacer.overrun() : 0);
    if (granted <= 0 || this.doomed) return false;
    this.#account.grant(granted, fuel);
    return true;
  }

  // One memory cannot outgrow the limit by itself; several can only together.
  #checkMemory(): void {
    const { plugin, limits } = this.#environment;
    if (this.#memories.length < 2 || this.memoryBytes <= limits.memoryBytes) return;
    const message = `the memories of ${plugin} have ${this.memoryBytes} bytes in all; the limit is ${limits.memoryBytes} (limits.memoryBytes)`;
    this.doom(new HostError("memory-exhausted", message));
  }

  /** A host call has taken what it was given; the next may copy as much again. */
  #called(): void {
    this.#liftLeft = this.#environment.limits.payloadBytes + MAX_NAMES_BYTES;
  }

  #charge(bytes: number): void {
    this.#liftLeft -= bytes;
    if (this.#liftLeft >= 0) return;
    const { plugin, limits } = this.#environment;
    const message = `${plugin} passes more than ${limits.payloadBytes} bytes at once; the limit is limits.payloadBytes`;
    this.doom(new HostError("quota-exceeded", message));
    throw new WebAssembly.RuntimeError("ended by the host");
  }
}

/** jco throws the error of a `result`, with the value itself as its payload. */
const isFailure = (thrown: unknown): thrown is { readonly payload: unknown } =>
  typeof thrown === "object" && thrown !== null && Object.hasOwn(thrown, "payload");

/** A function that a Wasm instance exports needs no watch: what it calls has one. */
const isExported = (value: object): boolean => {
  try {
    WebAssembly.promising(value as WebAssembly.ExportValue);
    return true;
  } catch {
    return false;
  }
};

function asBytes(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return value.slice();
  return encoder.encode(typeof value === "string" ? value : "");
}
