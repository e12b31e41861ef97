// Where the glue of a component runs: in a JavaScript realm of its own that has the language and nothing of Node, with the few globals it needs made
// here. Node does not call such a realm a security boundary, and neither do we: the wall is the cell's process. This keeps what a mistake in
// generated code could reach small, and lets us bound what it copies out of the guest.

import { constants, createContext, Script } from "node:vm";
import { HostError } from "../../core/errors.ts";

/** Bounds what one host call may copy out of a guest's memory. What is over it ends the guest. */
export interface LiftBudget {
  /** Throws when this would be too much. */
  charge(bytes: number): void;
  /** The glue gives the guest one handle more, or one less. Throws when it has too many. */
  handle(more: number): void;
}

/** What the glue makes of a component; see jco's `instantiate`. */
export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  instantiateCore: (
    module: WebAssembly.Module,
    imports?: WebAssembly.Imports,
  ) => Promise<{ readonly exports: Readonly<Record<string, unknown>> }>,
) => Promise<Readonly<Record<string, unknown>>>;

/** The parts of WebAssembly that the glue gets, with what its engine puts before them. */
export interface GlueWasm {
  /** Like WebAssembly.promising, of what the engine gave out as an export. */
  promising(exported: unknown): () => Promise<unknown>;
  /** Wraps a function of the glue's that guests call. */
  guarded(run: (...args: never[]) => unknown): unknown;
}

/** What an element of a list costs beside the texts and lists in it: an object of V8's, with a place or another object for each number of it. */
const ELEMENT_BYTES = 64;
const BYTES_PER_BYTE = 8;

// The names under which the glue's globals stand in its function; what is not among them is the realm's own or missing.
export const GLUE_GLOBALS: readonly string[] = [
  "WebAssembly",
  "globalThis",
  "TextDecoder",
  "TextEncoder",
  "Promise",
  "Error",
  "TypeError",
  "queueMicrotask",
  "setTimeout",
  "$listOf",
  "$copyOf",
  "$handle",
  // Undefined: what they call, they call when nobody runs the guest.
  "FinalizationRegistry",
  "WeakRef",
];
const WITHOUT_FINALIZERS = new Script("delete globalThis.FinalizationRegistry; delete globalThis.WeakRef;");
const realms = new WeakSet<object>();
let guarding = false;

/** Compiles the glue, which admission has looked through. Throws HostError `internal` when it is no JavaScript. */
export function compileGlue(glue: string): Script {
  try {
    return new Script(`(function (${GLUE_GLOBALS.join(",")}) {"use strict";\n${glue}\nreturn instantiate; })`, {
      filename: "component-glue.js",
    });
  } catch (cause) {
    throw new HostError("internal", "jco made glue that is no JavaScript", { cause });
  }
}

/** Runs the glue in a realm of its own. */
export function runGlue(script: Script, wasm: GlueWasm, budget: LiftBudget): Instantiate {
  guardRejections();
  const realm = createContext(constants.DONT_CONTEXTIFY, { codeGeneration: { strings: false, wasm: true } });
  WITHOUT_FINALIZERS.runInContext(realm);
  const make = script.runInContext(realm) as (...globals: unknown[]) => Instantiate;
  realms.add(new Script("Promise.prototype").runInContext(realm) as object);
  const webAssembly = glueWebAssembly(wasm);
  // The glue's timers look after tasks of the component model's async ABI, which admission refuses.
  const noTimer = (): number => 0;
  const microtask = (run: () => void): void =>
    void Promise.resolve()
      .then(run)
      .catch(() => {});
  const listOf = (length: number, bytesOfOne: number): number => {
    budget.charge(length * (ELEMENT_BYTES + BYTES_PER_BYTE * bytesOfOne));
    return length;
  };
  const handle = (more: number): void => budget.handle(more);
  const counted = [countedDecoder(budget), TextEncoder, Promise, Error, TypeError, microtask, noTimer, listOf, countedCopy(budget), handle];
  return make(webAssembly, { WebAssembly: webAssembly }, ...counted);
}

function glueWebAssembly({ promising, guarded }: GlueWasm): unknown {
  const { Module, Instance, Global, Memory, Table, Suspending, RuntimeError } = WebAssembly;
  const watched = (value: unknown): unknown => (typeof value === "function" ? guarded(value as () => unknown) : value);
  // The glue's own little module has a function that guests call without suspending.
  const GuardedInstance = new Proxy(Instance, {
    construct(target, [module, imports = {}]: [WebAssembly.Module, WebAssembly.Imports?]) {
      const all = Object.entries(imports).map(([from, functions]) => [
        from,
        Object.fromEntries(Object.entries(functions).map(([name, value]) => [name, watched(value)])),
      ]);
      return new target(module, Object.fromEntries(all) as WebAssembly.Imports);
    },
  });
  return { Module, Instance: GuardedInstance, Global, Memory, Table, Suspending, RuntimeError, promising };
}

function countedDecoder(budget: LiftBudget): unknown {
  return class {
    readonly #decoder: TextDecoder;

    constructor(encoding?: string) {
      this.#decoder = new TextDecoder(encoding, { ignoreBOM: true });
    }

    decode(bytes: Uint8Array): string {
      budget.charge(bytes.byteLength + ELEMENT_BYTES);
      return this.#decoder.decode(bytes);
    }
  };
}

type NumberArray = new (buffer: ArrayBuffer) => ArrayBufferView;

/** What the glue names is its realm's; the host wants its own. */
const ARRAYS: ReadonlyMap<string, NumberArray> = new Map(
  [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, BigUint64Array, BigInt64Array, Float32Array, Float64Array].map(
    (type) => [type.name, type],
  ),
);

// A pointer is an unsigned number, which jco has as a signed one here and there.
const countedCopy =
  (budget: LiftBudget) =>
  ({ name }: NumberArray, memory: WebAssembly.Memory, address: number, bytes: number): ArrayBufferView => {
    const from = address >>> 0;
    if (from + bytes > memory.buffer.byteLength) throw new WebAssembly.RuntimeError("a list ends beyond the memory");
    budget.charge(bytes + ELEMENT_BYTES);
    return new (ARRAYS.get(name) ?? Uint8Array)(memory.buffer.slice(from, from + bytes));
  };

// A promise that the glue forgot would end the whole cell when it rejects. What went wrong is told to the turn on another way, or its deadline
// ends it.
function guardRejections(): void {
  if (guarding) return;
  guarding = true;
  process.on("unhandledRejection", (reason, promise) => {
    if (realms.has(Object.getPrototypeOf(promise) as object) || process.listenerCount("unhandledRejection") > 1) return;
    throw reason;
  });
}
