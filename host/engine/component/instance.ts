// One instance of a component: jco's glue over metered core modules that share one account of fuel. The glue's JavaScript stands between two frames
// of the guest now and then (it calls the guest's allocator); there the guest cannot be suspended, so it is given a little more instead.

import { HostError, toHostError } from "../../core/errors.ts";
import type { TurnInput } from "../../core/types.ts";
import type { GuestEnvironment, GuestInstance, GuestResult } from "../engine.ts";
import { asMessage, brokenResult, failureOf, MAX_SAID_BYTES, messageOf } from "../failures.ts";
import type { GuestControl } from "../guest/control.ts";
import type { ComponentEntry } from "./bundle.ts";
import { CoreLinker, type Exported } from "./core-linker.ts";
import { FuelAccount } from "./fuel-account.ts";
import { ComponentImports } from "./imports.ts";
import type { GlueWasm, Instantiate, LiftBudget } from "./realm.ts";
import { ENTRY_POINTS } from "./standard/own.ts";

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
  glue(wasm: GlueWasm, budget: LiftBudget): Instantiate;
}

export class ComponentInstance implements GuestInstance, GuestControl {
  readonly #parts: ComponentParts;
  readonly #environment: GuestEnvironment;
  readonly #account = new FuelAccount();
  readonly #linker: CoreLinker;
  readonly #imports: ComponentImports;
  #exports: Readonly<Record<string, unknown>> | undefined;
  #fate: HostError | undefined;
  #isRunning = false;
  #liftLeft = 0;

  constructor(parts: ComponentParts, environment: GuestEnvironment) {
    this.#parts = parts;
    this.#environment = environment;
    this.#linker = new CoreLinker({ environment, account: this.#account, control: this, isRunning: () => this.#isRunning });
    this.#imports = new ComponentImports({ environment, control: this, imports: parts.imports, called: () => this.#called() });
  }

  get fuelLeft(): number {
    return this.#account.left;
  }

  get fuelForfeited(): number {
    return this.#account.forfeited;
  }

  get memoryBytes(): number {
    return this.#linker.memoryBytes;
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
      const message = `the output of ${plugin} has ${output.length} bytes; the limit is ${limits.payloadBytes} (limits.payloadMiB)`;
      return { ok: false, code: "quota-exceeded", message, broken: false };
    } catch (thrown) {
      if (this.#fate === undefined && isFailure(thrown)) {
        const { payload } = thrown;
        const said = encoder.encode(typeof payload === "string" && payload !== "" ? payload.slice(0, MAX_SAID_BYTES) : "");
        if (said.length > 0) return { ok: false, broken: false, ...failureOf(this.#environment, entryPoint, said) };
        return { ok: false, code: "plugin-failed", message: `${this.#environment.plugin} failed without a message`, broken: false };
      }
      return this.#broken(this.#fate ?? thrown, thrown);
    }
  }

  #broken(error: unknown, thrown = error): GuestResult {
    this.#imports.endTurn();
    const words = this.#imports.lastWords.join(" | ");
    const trap =
      error instanceof HostError || words === ""
        ? undefined
        : `${this.#environment.plugin} trapped: ${messageOf(error)}; it wrote: ${asMessage(words)}`;
    return brokenResult(this.#environment, { error, thrown, said: trap, memoryBytes: this.memoryBytes });
  }

  async #enter(exports: Readonly<Record<string, unknown>>, entryPoint: string, input: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const own = ENTRY_POINTS.map((name) => exports[name]).find((one) => one !== undefined) as
      | { readonly handle: (entryPoint: string, input: Uint8Array) => Promise<unknown> }
      | undefined;
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
      { promising: (exported) => this.#linker.promising(exported), guarded: (run) => this.#linker.guarded(run) },
      { charge: (bytes) => this.#charge(bytes), handle: (more) => this.#imports.countHandle(more) },
    );
    const moduleOf = (name: string): WebAssembly.Module => {
      const module = this.#parts.modules.get(name);
      if (module === undefined) throw new HostError("internal", `the bundle of ${plugin} has no ${name}`);
      return module;
    };
    try {
      return await instantiate(moduleOf, this.#imports.interfaces, (module, imports) => this.#linker.link(module, imports ?? {}));
    } catch (cause) {
      if (this.#fate !== undefined || cause instanceof HostError) throw this.#fate ?? toHostError(cause);
      throw new HostError("plugin-failed", `${plugin} does not instantiate: ${messageOf(cause)}`, { cause });
    }
  }

  /** A host call has taken what it was given; the next may copy as much again. */
  #called(): void {
    this.#liftLeft = this.#environment.limits.payloadBytes + MAX_NAMES_BYTES;
  }

  #charge(bytes: number): void {
    this.#liftLeft -= bytes;
    if (this.#liftLeft >= 0) return;
    const { plugin, limits } = this.#environment;
    const message = `${plugin} passes more than ${limits.payloadBytes} bytes at once, which is the limit (limits.payloadMiB)`;
    this.doom(new HostError("quota-exceeded", message));
    throw new WebAssembly.RuntimeError("ended by the host");
  }
}

/** jco throws the error of a `result`, with the value itself as its payload. */
const isFailure = (thrown: unknown): thrown is { readonly payload: unknown } =>
  typeof thrown === "object" && thrown !== null && Object.hasOwn(thrown, "payload");

function asBytes(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return value.slice();
  return encoder.encode(typeof value === "string" ? value : "");
}
