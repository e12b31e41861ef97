// The default engine: instantiates an admitted module directly, enters it on a stack that JSPI can suspend and paces it
// by the fuel that admission wove in. It does not decide how much fuel a guest gets; its cell does.

import { HostError, toHostError } from "../core/errors.ts";
import type { Bytes, Limits, TurnInput } from "../core/types.ts";
import type { CompiledGuest, Engine, GuestEnvironment, GuestInstance, GuestResult } from "./engine.ts";
import { brokenResult, failureOf, MAX_SAID_BYTES, messageOf, textOf } from "./failures.ts";
import { Bindings, blocksExhausted } from "./guest/bindings.ts";
import { BlockMemory } from "./guest/block-memory.ts";
import type { GuestControl } from "./guest/control.ts";
import { type Imported, importedBy } from "./guest/imported.ts";
import { initialisersOf } from "./guest/initialisers.ts";
import { FUEL_EXPORT, MEMORY_EXPORT, REFUEL_EXPORT } from "./meter/added-exports.ts";
import { createRefuel } from "./meter/refuel-trampoline.ts";
import { captureState, type GuestState, isExposed, restoreState } from "./state/instance-state.ts";

/** More than reading or writing the globals of a module can take. */
const STATE_FUEL = 2 ** 30;
// Any negative fuel makes the next check trap.
const DOOMED = -1;

export const meteredEngine: Engine = {
  async compile(module) {
    const compiled = await compileAdmitted(module);
    const imported = importedBy(module);
    const link = (imports: WebAssembly.Imports) => new WebAssembly.Instance(compiled, imports);
    return { instantiate: (environment) => new MeteredInstance(link, environment, imported) } satisfies CompiledGuest;
  },
};

/** Throws HostError `admission-refused` when V8 does not take it. */
export async function compileAdmitted(module: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(module);
  } catch (cause) {
    throw new HostError("admission-refused", "the module does not compile", { cause });
  }
}

/**
 * Makes an instance with these imports and answers its exports, by the names that admission gave them. It runs nothing of the guest.
 * The exports are boxed: awaited themselves, they would be a promise to JavaScript if the guest exports a function named `then`.
 */
export type Link = (imports: WebAssembly.Imports, ports: DriverPorts) => Linked | Promise<Linked>;

interface Linked {
  readonly exports: WebAssembly.Exports;
  /** For a library that has no entry points of our kind. */
  readonly driver?: Driver | undefined;
}

/** What enters a library by its exports, in place of entry points, and through WebAssembly.promising only. */
export interface Driver {
  readonly entryPoints: Readonly<Record<string, () => Promise<number>>>;
  /** Fuel for a guest that the host ends, so that it can say where it was; below 0 once it has had enough. */
  lastFuel(): Promise<number>;
  /** Called instead of the failure of a guest that is broken: where it was, in the words of what it ran. */
  place(): string | undefined;
}

/** What a driver has of the host. */
export interface DriverPorts {
  readonly control: GuestControl;
  readonly limits: Limits;
  input(): Bytes;
  output(bytes: Bytes): void;
  /** Asks for a host function without waiting; counts. Resolves with the tagged block. */
  ask(name: string, args: readonly Bytes[]): Promise<Bytes>;
  /** Suspends what runs until there is an answer; undefined when it is to end. */
  wait(answer: Promise<Bytes>): Promise<Bytes | undefined>;
}

/** A guest however it was linked. What an engine decides is `link`; memory, fuel and turns are here. */
export class MeteredInstance implements GuestInstance, GuestControl {
  readonly #environment: GuestEnvironment;
  readonly #blocks: BlockMemory;
  readonly #bindings: Bindings;
  readonly #link: Link;
  readonly #usesWasi: boolean;
  #exports: WebAssembly.Exports = {};
  #driver: Driver | undefined;
  // A stand-in until the module is linked, so that a guest can be granted fuel and doomed before.
  #fuel: { value: number } = { value: 0 };
  #memory: WebAssembly.Memory | undefined;
  readonly #entryPoints = new Map<string, (...args: readonly number[]) => Promise<unknown>>();
  #fate: HostError | undefined;
  #initialised = false;
  #fuelForfeited = 0;
  /** The entry point of the turn. */
  #entered = "";
  #done: (result: GuestResult) => void = () => {};

  constructor(link: Link, environment: GuestEnvironment, { usesWasi, declared }: Imported) {
    this.#link = link;
    this.#usesWasi = usesWasi;
    this.#environment = environment;
    this.#blocks = new BlockMemory(environment.limits.blockBytes);
    this.#bindings = new Bindings(environment, this.#blocks, this, declared);
  }

  get fuelLeft(): number {
    return this.#fuel.value;
  }

  get doomed(): boolean {
    return this.#fate !== undefined;
  }

  get memoryBytes(): number {
    return this.#blocks.size + (this.#memory?.buffer.byteLength ?? 0);
  }

  get fuelForfeited(): number {
    return this.#fuelForfeited;
  }

  /** Ends the slice at the next check without charging for what is left of it. */
  forfeit(): void {
    if (this.#fuel.value <= 0) return;
    this.#fuelForfeited += this.#fuel.value;
    this.#fuel.value = 0;
  }

  get hostCalls(): number {
    return this.#bindings.hostCalls;
  }

  // Chained by hand: an async function would add two promises and a generator to every turn.
  run(entryPoint: string, input: TurnInput, fuel: number, done: (result: GuestResult) => void): void {
    this.#fuel.value = fuel;
    this.#done = done;
    this.#entered = entryPoint;
    if (this.#initialised) this.#enter(entryPoint, input);
    else this.#initialise().then(() => this.#enter(entryPoint, input), this.#onThrown);
  }

  #enter(entryPoint: string, input: TurnInput): void {
    let enter: () => Promise<unknown>;
    try {
      if (!this.#blocks.begin(input)) throw blocksExhausted(this.#environment);
      enter = this.#entryPoint(entryPoint);
    } catch (thrown) {
      // The guest has not run, so the instance is as good as before.
      const { code, message } = toHostError(thrown);
      queueMicrotask(() => this.#done({ ok: false, code, message, broken: this.doomed }));
      return;
    }
    enter().then(this.#onReturned, this.#onThrown);
  }

  async capture(): Promise<GuestState | undefined> {
    if (!this.#initialised) return undefined;
    const { plugin, scope } = this.#environment;
    if (!isExposed(this.#exports)) throw new HostError("plugin-failed", `the state of ${plugin} cannot be read`);
    const fresh = await this.#link(this.#bindings.makeImports(), this.#driverPorts());
    this.#fuel.value = STATE_FUEL;
    return { ...captureState(this.#exports, fresh.exports), ...this.#bindings.kept(), clockMs: scope.clock.monotonicMs() };
  }

  async restore(state: GuestState): Promise<void> {
    await this.#instantiate();
    if (!isExposed(this.#exports)) throw new HostError("invalid-message", `the state of ${this.#environment.plugin} cannot be written`);
    this.#fuel.value = STATE_FUEL;
    restoreState(this.#exports, state);
    this.#bindings.keep(state);
    this.#fuel.value = 0;
    this.#initialised = true;
  }

  readonly #onReturned = (returned: unknown): void => {
    this.#bindings.endTurn();
    this.#done(this.#ended(returned));
  };
  readonly #onThrown = (thrown: unknown): void => {
    this.#bindings.endTurn();
    this.#done(this.#broken(thrown));
  };

  // The former start function and what a language's runtime begins with run metered, like any turn.
  async #initialise(): Promise<void> {
    await this.#instantiate();
    this.#blocks.begin("");
    for (const { name, args } of initialisersOf(this.#exports, this.#usesWasi)) await this.#entryPoint(name)(...args);
    this.#initialised = true;
  }

  async #instantiate(): Promise<void> {
    try {
      const { exports, driver } = await this.#link(this.#bindings.makeImports(), this.#driverPorts());
      this.#exports = exports;
      this.#driver = driver;
    } catch (cause) {
      // A data segment out of bounds, for one.
      throw new HostError("plugin-failed", `${this.#environment.plugin} does not instantiate: ${messageOf(cause)}`, { cause });
    }
    const fuel = this.#exports[FUEL_EXPORT] as WebAssembly.Global<number>;
    fuel.value = this.#fuel.value;
    this.#fuel = fuel;
    (this.#exports[REFUEL_EXPORT] as WebAssembly.Global).value = createRefuel(
      () => this.#refuel(),
      () => this.#extend(),
    );
    this.#memory = this.#exports[MEMORY_EXPORT] as WebAssembly.Memory | undefined;
    this.#bindings.attach(this.#memory);
  }

  #driverPorts(): DriverPorts {
    const { pacer, limits } = this.#environment;
    return {
      control: this,
      limits,
      input: () => this.#blocks.input(),
      output: (bytes) => {
        if (!this.#blocks.give(bytes)) this.doom(blocksExhausted(this.#environment));
      },
      ask: (name, args) => this.#bindings.ask(name, args),
      wait: (answer) => pacer.wait(answer),
    };
  }

  #entryPoint(name: string): (...args: readonly number[]) => Promise<unknown> {
    const driven = this.#driver?.entryPoints;
    if (driven !== undefined && Object.hasOwn(driven, name)) return driven[name] as () => Promise<number>;
    let enter = this.#entryPoints.get(name);
    if (enter === undefined) {
      if (!Object.hasOwn(this.#exports, name)) throw new HostError("plugin-failed", `${this.#environment.plugin} exports no ${name}`);
      enter = WebAssembly.promising(this.#exports[name]);
      this.#entryPoints.set(name, enter);
    }
    return enter;
  }

  async #refuel(): Promise<void> {
    const granted = this.#fate === undefined ? await this.#environment.pacer.refuel() : DOOMED;
    this.#fuel.value = this.#fate === undefined ? granted : ((await this.#driver?.lastFuel()) ?? DOOMED);
  }

  // A piece of a slice is spent, not yet its time.
  #extend(): boolean {
    const granted = this.#fate === undefined ? this.#environment.pacer.extend() : 0;
    if (granted <= 0) return false;
    this.#fuel.value = granted;
    return true;
  }

  doom(error: HostError): void {
    this.#fate ??= error;
    this.forfeit();
    this.#fuel.value = DOOMED;
  }

  #ended(returned: unknown): GuestResult {
    if (this.#fate !== undefined) return this.#broken(this.#fate);
    const { plugin, limits } = this.#environment;
    const code = returned ?? 0;
    if (code !== 0) {
      const said = this.#blocks.error(MAX_SAID_BYTES);
      if (said !== undefined) return { ok: false, broken: false, ...failureOf(this.#environment, this.#entered, said) };
      return { ok: false, code: "plugin-failed", message: `${plugin} returned ${String(code)} without a message`, broken: false };
    }
    const length = this.#blocks.outputLength;
    if (length > limits.payloadBytes) {
      const message = `the output of ${plugin} has ${length} bytes; the limit is ${limits.payloadBytes} (limits.payloadMiB)`;
      return { ok: false, code: "quota-exceeded", message, broken: false };
    }
    return { ok: true, output: this.#blocks.output() };
  }

  #broken(thrown: unknown): GuestResult {
    const error = this.#fate ?? (this.#blocks.exhausted ? blocksExhausted(this.#environment) : thrown);
    const place = this.#driver?.place();
    const said = this.#blocks.error(MAX_SAID_BYTES);
    const memoryBytes = this.#memory?.buffer.byteLength ?? 0;
    const result = brokenResult(this.#environment, { error, thrown: place ?? thrown, said: said && textOf(said), memoryBytes });
    return place === undefined || result.ok ? result : { ...result, detail: place };
  }
}
