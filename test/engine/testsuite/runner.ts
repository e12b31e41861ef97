// Runs a file of the test suite with every module admitted and metered, and counts how each command ended. It knows no expectation but the suite's.

import { HostError } from "../../../host/core/errors.ts";
import { type AdmissionReport, type Admitted, START_EXPORT } from "../../../host/engine/admission.ts";
import { admitAll, Metered } from "../meter/metered.ts";
import type { Action, Command, Value } from "./commands.ts";
import { call, isExpected, throughMemory, toJs } from "./values.ts";

/** How commands ended, by "passed" or why they were not run. */
export type Outcomes = Map<string, number>;

interface Instance {
  guest: Metered;
  readonly report: AdmissionReport;
  readonly callers: Map<string, (() => unknown) | undefined>;
  /** Makes another one of its module with what it imports. */
  readonly make: () => Metered;
  /** Others import from it, and hold what is its own. */
  isShared: boolean;
}

export interface RunOptions {
  readonly units: number;
  /** Whether each command runs in an instance of its own, which goes on from the state of the one before. */
  readonly sleeps?: boolean;
}

/** A module that cannot be had, and why. */
export type Refused = { readonly refused: string };

export interface SuiteFile {
  readonly name: string;
  readonly commands: readonly Command[];
  readonly read: (file: string) => Uint8Array<ArrayBuffer>;
}

export class SuiteRun {
  readonly outcomes: Outcomes = new Map();
  readonly failures: string[] = [];
  /** How often a guest was suspended. */
  yields = 0;
  /** How often an instance went on in another one, or could not, and why not. */
  readonly sleeps: Map<string, number> = new Map();
  readonly #file: SuiteFile;
  readonly #options: RunOptions;
  readonly #admitted: Map<string, Admitted | Refused>;
  readonly #named = new Map<string, Instance | Refused>();
  readonly #definitions = new Map<string, Admitted | Refused>();
  readonly #registered = new Map<string, Instance | Refused>();
  #current: Instance | Refused = { refused: "there is no module" };

  /** `admitted` is shared by the runs of a file, so that each module is admitted once. */
  constructor(file: SuiteFile, options: RunOptions, admitted: Map<string, Admitted | Refused>) {
    this.#file = file;
    this.#options = options;
    this.#admitted = admitted;
  }

  async run(): Promise<void> {
    for (const command of this.#file.commands) {
      try {
        this.#count(await this.#command(command));
      } catch (thrown) {
        this.#count("failed");
        this.failures.push(`${this.#file.name}:${command.line} ${command.type}: ${String(thrown)}`);
      }
    }
  }

  #count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  async #command(command: Command): Promise<string> {
    switch (command.type) {
      case "module":
        this.#current = await this.#instantiate(this.#admit(command));
        if (command.name !== undefined) this.#named.set(command.name, this.#current);
        return ending(this.#current);
      case "module_definition": {
        const admitted = this.#admit(command);
        if (command.name !== undefined) this.#definitions.set(command.name, admitted);
        return ending(admitted);
      }
      case "module_instance":
        this.#current = await this.#instantiate(this.#definitions.get(command.module) ?? { refused: "there is no module" });
        this.#named.set(command.instance, this.#current);
        return ending(this.#current);
      case "register":
        this.#registered.set(command.as, this.#instance(command.name));
        share(this.#instance(command.name));
        return ending(this.#instance(command.name));
      case "assert_invalid":
      case "assert_malformed": {
        if (command.module_type === "text") return "not run: it is text";
        const admitted = this.#admit(command);
        if (!("refused" in admitted)) throw new Error("it is admitted");
        return "passed";
      }
      case "assert_unlinkable":
      case "assert_uninstantiable":
        return this.#cannotRun(command.type, this.#admit(command));
      default:
        return this.#act(command);
    }
  }

  #admit({ filename, binary_filename }: { readonly filename: string; readonly binary_filename?: string }): Admitted | Refused {
    const name = binary_filename ?? filename;
    let admitted = this.#admitted.get(name);
    if (admitted === undefined) {
      admitted = admit(this.#file.read(name), this.#options.sleeps === true);
      this.#admitted.set(name, admitted);
    }
    return admitted;
  }

  async #instantiate(module: Admitted | Refused): Promise<Instance | Refused> {
    if ("refused" in module) return module;
    const imports: Record<string, Record<string, unknown>> = { spectest: spectest() };
    for (const [name, instance] of this.#registered) {
      if (!("refused" in instance)) imports[name] = { ...instance.guest.exports };
      else if (module.report.imports.some((entry) => entry.module === name))
        return { refused: `it imports from what is ${instance.refused}` };
    }
    const make = (): Metered => this.#make(module.bytes, imports);
    const guest = make();
    await guest.start();
    return { guest, report: module.report, callers: new Map(), make, isShared: false };
  }

  #make(bytes: Uint8Array<ArrayBuffer>, imports: WebAssembly.Imports): Metered {
    const { units } = this.#options;
    const guest = new Metered(bytes, { units }, imports);
    guest.refuelWith(async () => {
      this.yields += 1;
      guest.fuel = units;
    });
    return guest;
  }

  /** What it was is dropped, and another one goes on. */
  #sleep(instance: Instance): void {
    const outcome = instance.report.cannotKeep ?? (instance.isShared ? "others import from it" : revive(instance));
    this.sleeps.set(outcome, (this.sleeps.get(outcome) ?? 0) + 1);
  }

  async #cannotRun(type: "assert_unlinkable" | "assert_uninstantiable", module: Admitted | Refused): Promise<string> {
    if ("refused" in module) return ending(module);
    const kinds = type === "assert_unlinkable" ? ["LinkError", "TypeError"] : ["RuntimeError"];
    const instance = await this.#instantiate(module).catch((thrown: unknown) => {
      if (thrown instanceof Error && kinds.includes(thrown.name)) return undefined;
      throw thrown;
    });
    if (instance === undefined) return "passed";
    if ("refused" in instance) return ending(instance);
    throw new Error(`it is instantiated${START_EXPORT in instance.guest.exports ? ", and its start function returns" : ""}`);
  }

  async #act(command: Extract<Command, { readonly action: Action }>): Promise<string> {
    const instance = this.#instance(command.action.module);
    if ("refused" in instance) return ending(instance);
    if (this.#options.sleeps === true) this.#sleep(instance);
    if (command.type === "action") return this.#expect(instance, command.action, undefined);
    if (command.type === "assert_return") return this.#expect(instance, command.action, command.expected);
    const thrown: unknown = await this.#expect(instance, command.action, undefined).then(
      () => undefined,
      (error: unknown) => error,
    );
    const kind = { assert_trap: WebAssembly.RuntimeError, assert_exhaustion: RangeError, assert_exception: WebAssembly.Exception }[
      command.type
    ];
    if (!(thrown instanceof kind)) throw new Error(`it ends with ${String(thrown)}`);
    return "passed";
  }

  async #expect(instance: Instance, { type, field, args = [] }: Action, expected: readonly Value[] | undefined): Promise<string> {
    const exported = instance.guest.exports[field];
    if (type === "get") {
      const [value = { type: "i32" }] = expected ?? [];
      if (value.type === "v128") return "not run: JavaScript reads no vector";
      if (!(exported instanceof WebAssembly.Global) || !isExpected(exported.value, value))
        throw new Error(`it is not ${JSON.stringify(value)}`);
      return "passed";
    }
    if (!instance.callers.has(field)) {
      const { params = [], results = [] } = instance.report.exports.find(({ name }) => name === field) ?? {};
      instance.callers.set(field, throughMemory(exported, params, results));
    }
    const caller = instance.callers.get(field);
    const wrong = caller === undefined ? await direct(exported, args, expected) : await call(caller, args, expected);
    if (wrong !== undefined) throw new Error(wrong);
    return "passed";
  }

  #instance(name: string | undefined): Instance | Refused {
    return name === undefined ? this.#current : (this.#named.get(name) ?? { refused: "there is no module" });
  }
}

async function direct(exported: unknown, args: readonly Value[], expected: readonly Value[] | undefined): Promise<string | undefined> {
  const result = await WebAssembly.promising(exported as WebAssembly.ExportValue)(...args.map(toJs));
  const results: unknown[] = Array.isArray(result) ? result : [result];
  const wrong = (expected ?? []).findIndex((value, i) => !isExpected(results[i], value));
  return wrong < 0 ? undefined : `result ${wrong} is not ${JSON.stringify(expected?.[wrong])} but ${String(results[wrong])}`;
}

const ending = (of: object): string => ("refused" in of ? `not run: ${String(of.refused)}` : "passed");

function share(instance: Instance | Refused): void {
  if (!("refused" in instance)) instance.isShared = true;
}

function revive(instance: Instance): string {
  const state = instance.guest.captured();
  if (state === undefined) return "holds what is not its own";
  const next = instance.make();
  next.become(state);
  instance.guest = next;
  instance.callers.clear();
  return "slept";
}

function admit(source: Uint8Array, keepsState: boolean): Admitted | Refused {
  try {
    return admitAll(source, {}, keepsState);
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== "admission-refused") throw thrown;
    // Names and numbers differ from module to module.
    const [reason = ""] = (thrown.detail ?? thrown.message).split("\n");
    return {
      refused: reason
        .replace(/ at byte \d+$/, "")
        .replaceAll(/(?<!\w)\d+(?![\w-])/g, "N")
        .replace(/(instruction) .*/, "$1"),
    };
  }
}

function spectest(): Record<string, unknown> {
  const nothing = (): void => {};
  const global = (value: "i32" | "i64" | "f32" | "f64", number: number | bigint) => new WebAssembly.Global({ value }, number as never);
  return {
    ...Object.fromEntries(["", "_i32", "_i64", "_f32", "_f64", "_i32_f32", "_f64_f64"].map((types) => [`print${types}`, nothing])),
    global_i32: global("i32", 666),
    global_i64: global("i64", 666n),
    global_f32: global("f32", 666.6),
    global_f64: global("f64", 666.6),
    table: new WebAssembly.Table({ initial: 10, maximum: 20, element: "anyfunc" }),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
  };
}
