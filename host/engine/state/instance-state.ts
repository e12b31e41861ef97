// Reads what an instance has become between two turns, when it has no stack, and makes another instance of the same module become that. It knows nothing of files
// and of bytes that come from elsewhere (state-codec.ts), and writes nothing that it has not compared with what is there.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import { MEMORY_EXPORT, STATE_PREFIX } from "../meter/added-exports.ts";
import { EXPOSED } from "./expose.ts";

/** What the memory is compared and kept by. */
export const BLOCK_BYTES = 4_096;
const PAGE_BYTES = 65_536;

export interface MemoryState {
  readonly pages: number;
  /** Which blocks differ from those of an instance that has just been made, ascending, and their bytes one behind the other. */
  readonly blocks: readonly number[];
  readonly bytes: Uint8Array;
}

/** The state of an instance of one admitted module; it means nothing for another. */
export interface InstanceState {
  readonly memory: MemoryState | undefined;
  /** The bits of its globals that hold numbers; two for a vector. */
  readonly numbers: readonly bigint[];
  /** What its globals of references hold: 0 for null, else the function's index and 1. */
  readonly references: readonly number[];
  /** The same, of each table that can change. */
  readonly tables: readonly (readonly number[])[];
  /** The names of the functions that drop what was dropped. */
  readonly dropped: readonly string[];
}

/** What of a guest the host keeps for it beside its instance, too. */
export interface GuestState extends InstanceState {
  /** Of Extism, by key. */
  readonly vars: readonly (readonly [key: string, value: Bytes])[];
  /** What is asked after an HTTP request of Extism's: JSON of its status and headers. */
  readonly http: string | undefined;
  /** What its monotonic clock said. */
  readonly clockMs: number;
}

/** Whether the module was admitted so that its state can be read. */
export const isExposed = (exports: WebAssembly.Exports): boolean => Object.hasOwn(exports, `${STATE_PREFIX}${EXPOSED.get}_0`);

/**
 * `fresh` is an instance of the same module in which nothing has run. The guest must be between two turns, and have fuel for a few hundred units. Throws
 * HostError `plugin-failed` if it holds what cannot be told apart from outside: a reference of the host or a function of another module.
 */
export function captureState(exports: WebAssembly.Exports, fresh: WebAssembly.Exports): InstanceState {
  const exposed = new Exposed(exports);
  const numbers = exposed.all(EXPOSED.get).flatMap((get) => values(callable(get)()));
  const references = exposed.all(EXPOSED.global).map((global) => exposed.numberOf((global as WebAssembly.Global).value));
  const tables = exposed.all(EXPOSED.table).map((table) => entriesOf(table as WebAssembly.Table, exposed));
  const dropped = [...exposed.droppedBy(EXPOSED.data, EXPOSED.dropData), ...exposed.droppedBy(EXPOSED.elements, EXPOSED.dropElements)];
  return { memory: memoryState(memoryOf(exports), memoryOf(fresh)), numbers, references, tables, dropped };
}

/**
 * `exports` are those of an instance of the same module in which nothing has run, nor will but what follows. Throws HostError `invalid-message` if the state
 * is not one of this module; the instance is good for nothing then.
 */
export function restoreState(exports: WebAssembly.Exports, state: InstanceState): void {
  const exposed = new Exposed(exports);
  restoreMemory(memoryOf(exports), state.memory);
  restoreNumbers(exposed, state.numbers);
  const globals = exposed.all(EXPOSED.global) as WebAssembly.Global[];
  const tables = exposed.all(EXPOSED.table) as WebAssembly.Table[];
  if (globals.length !== state.references.length || tables.length !== state.tables.length) throw foreign();
  asForeign(() => {
    globals.forEach((global, i) => {
      global.value = exposed.functionOf(state.references[i] ?? 0);
    });
    tables.forEach((table, i) => {
      restoreTable(table, state.tables[i] ?? [], exposed);
    });
  });
  for (const name of state.dropped) exposed.drop(name);
}

/** What a module exports for this, by name. */
class Exposed {
  readonly #exports: WebAssembly.Exports;
  readonly #names: readonly string[];
  #numbers: Map<unknown, number> | undefined;

  constructor(exports: WebAssembly.Exports) {
    this.#exports = exports;
    this.#names = Object.keys(exports).filter((name) => name.startsWith(STATE_PREFIX));
  }

  /** In the order in which they were added, which is that of their numbers. */
  all(kind: string): WebAssembly.ExportValue[] {
    return this.#names.filter((name) => name.startsWith(`${STATE_PREFIX}${kind}_`)).map((name) => this.#named(name));
  }

  numberOf(reference: unknown): number {
    if (reference === null) return 0;
    this.#numbers ??= new Map(this.#functionNames().map((name) => [this.#exports[name], numberIn(name) + 1]));
    const number = this.#numbers.get(reference);
    if (number !== undefined) return number;
    throw new HostError("plugin-failed", "it holds a reference that is no function of its own");
  }

  functionOf(number: number): unknown {
    if (number === 0) return null;
    const name = `${STATE_PREFIX}${EXPOSED.function}_${number - 1}`;
    if (!Object.hasOwn(this.#exports, name)) throw foreign();
    return this.#exports[name];
  }

  droppedBy(probe: string, drop: string): string[] {
    const prefix = `${STATE_PREFIX}${probe}_`;
    return this.#names
      .filter((name) => name.startsWith(prefix) && traps(callable(this.#named(name))))
      .map((name) => `${drop}_${name.slice(prefix.length)}`);
  }

  drop(name: string): void {
    const isDrop = name.startsWith(`${EXPOSED.dropData}_`) || name.startsWith(`${EXPOSED.dropElements}_`);
    if (!isDrop || !Object.hasOwn(this.#exports, STATE_PREFIX + name)) throw foreign();
    callable(this.#named(STATE_PREFIX + name))();
  }

  #functionNames(): string[] {
    return this.#names.filter((name) => name.startsWith(`${STATE_PREFIX}${EXPOSED.function}_`));
  }

  #named(name: string): WebAssembly.ExportValue {
    const found = this.#exports[name];
    if (found === undefined) throw foreign();
    return found;
  }
}

const numberIn = (name: string): number => Number(name.slice(name.lastIndexOf("_") + 1));
const callable = (value: WebAssembly.ExportValue): ((...args: unknown[]) => unknown) => value as (...args: unknown[]) => unknown;
const memoryOf = (exports: WebAssembly.Exports): WebAssembly.Memory | undefined => exports[MEMORY_EXPORT] as WebAssembly.Memory | undefined;

const foreign = (): HostError => new HostError("invalid-message", "the state is of another module");

/** What a function answers: nothing, one number or many. */
function values(answered: unknown): bigint[] {
  if (answered === undefined) return [];
  return Array.isArray(answered) ? (answered as bigint[]) : [answered as bigint];
}

function traps(probe: () => unknown): boolean {
  try {
    probe();
    return false;
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError) return true;
    throw thrown;
  }
}

/** A function of the wrong type, or a table that cannot grow so far. */
function asForeign(work: () => void): void {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof TypeError || thrown instanceof RangeError) throw foreign();
    throw thrown;
  }
}

function entriesOf(table: WebAssembly.Table, exposed: Exposed): number[] {
  const { length } = table;
  return Array.from({ length }, (_, i) => exposed.numberOf(table.get(i)));
}

function restoreTable(table: WebAssembly.Table, entries: readonly number[], exposed: Exposed): void {
  if (entries.length < table.length) throw foreign();
  if (entries.length > table.length) table.grow(entries.length - table.length);
  entries.forEach((number, i) => {
    table.set(i, exposed.functionOf(number));
  });
}

function restoreNumbers(exposed: Exposed, numbers: readonly bigint[]): void {
  let at = 0;
  for (const set of exposed.all(EXPOSED.set)) {
    const { length } = callable(set);
    if (at + length > numbers.length) throw foreign();
    callable(set)(...numbers.slice(at, at + length));
    at += length;
  }
  if (at !== numbers.length) throw foreign();
}

function memoryState(memory: WebAssembly.Memory | undefined, fresh: WebAssembly.Memory | undefined): MemoryState | undefined {
  if (memory === undefined) return undefined;
  const bytes = Buffer.from(memory.buffer);
  const blocks = differing(bytes, Buffer.from(fresh?.buffer ?? new ArrayBuffer(0)));
  const kept = Buffer.allocUnsafe(blocks.length * BLOCK_BYTES);
  blocks.forEach((block, i) => {
    bytes.copy(kept, i * BLOCK_BYTES, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
  });
  return { pages: bytes.length / PAGE_BYTES, blocks, bytes: kept };
}

/** Blocks that are not as in `fresh`, beyond whose end all is zero. */
function differing(bytes: Buffer, fresh: Buffer): number[] {
  const zeros = Buffer.alloc(BLOCK_BYTES);
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const isSame =
      at < fresh.length
        ? bytes.compare(fresh, at, at + BLOCK_BYTES, at, at + BLOCK_BYTES) === 0
        : bytes.compare(zeros, 0, BLOCK_BYTES, at, at + BLOCK_BYTES) === 0;
    if (!isSame) found.push(at / BLOCK_BYTES);
  }
  return found;
}

function restoreMemory(memory: WebAssembly.Memory | undefined, state: MemoryState | undefined): void {
  if ((memory === undefined) !== (state === undefined)) throw foreign();
  if (memory === undefined || state === undefined) return;
  const pages = memory.buffer.byteLength / PAGE_BYTES;
  if (state.pages < pages || state.bytes.length !== state.blocks.length * BLOCK_BYTES) throw foreign();
  asForeign(() => memory.grow(state.pages - pages));
  const bytes = new Uint8Array(memory.buffer);
  state.blocks.forEach((block, i) => {
    const at = block * BLOCK_BYTES;
    if (at + BLOCK_BYTES > bytes.length) throw foreign();
    bytes.set(state.bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES), at);
  });
}
