// Checks of an admitted module all that is not a body of the guest's: what was added, what is exported, how far memory and tables can
// grow. The bodies are walked in verify-body.ts.

import { readGlobalType } from "../wasm/external-type.ts";
import { readConstantExpression } from "../wasm/instruction-reader.ts";
import { OP } from "../wasm/instructions.ts";
import { functionTypeAt, SECTION, signatureOf, type WasmModule } from "../wasm/module.ts";
import { Reader } from "../wasm/reader.ts";
import { Writer } from "../wasm/writer.ts";
import { FUEL_EXPORT, MEMORY_EXPORT, REFUEL_EXPORT, RESERVED_PREFIX, START_EXPORT, STATE_PREFIX } from "./added-exports.ts";
import type { Added } from "./verify-emission.ts";
import { TABLE_ELEMENTS_MAX } from "./verify-policy.ts";

export interface SizeMaxima {
  readonly maxMemoryPages: number;
  readonly maxTableElements: number;
}

type Refuse = (why: string) => never;

const EMPTY_BLOCK = 0x40;
const CATCH_ALL_CLAUSE = 2;

/** Where what was added stands: at the ends, which makes all the rest the guest's. */
export function findAdded(module: WasmModule, refuse: Refuse): Added {
  if (module.start !== undefined) refuse("it has a start section");
  const fuelGlobal = module.globals - 2;
  const helper = module.functionTypes.length - 1;
  const reader = new Reader(module.sections.get(SECTION.global) ?? Uint8Array.of(0));
  const count = reader.u32();
  if (count < 2 || helper < module.importedFunctions) refuse("nothing was added to it");
  for (let left = count - 2; left > 0; left--) {
    readGlobalType(reader);
    readConstantExpression(reader, () => {});
  }
  const expectByte = (byte: number): void => {
    if (reader.byte() !== byte) refuse("the globals that were added are not what they should be");
  };
  // (global (mut i32) (i32.const 0)) (global (mut (ref null $plain)) (ref.null $plain))
  for (const byte of [0x7f, 1, OP.i32Const, 0, OP.end, 0x63]) expectByte(byte);
  const plainType = reader.s33();
  for (const byte of [1, OP.refNull]) expectByte(byte);
  if (reader.s33() !== plainType) refuse("the globals that were added are not what they should be");
  expectByte(OP.end);
  const plain = functionTypeAt(module, plainType);
  if (plain?.params.length !== 0 || plain.results.length !== 0) refuse("the type that was added is not what it should be");
  return { fuelGlobal, helper, plainType };
}

export function verifySizes(module: WasmModule, { maxMemoryPages, maxTableElements }: SizeMaxima, refuse: Refuse): void {
  for (const { maximum } of module.memories)
    if (maximum === undefined || maximum > maxMemoryPages) refuse("a memory can grow beyond its limit");
  const maxElements = Math.min(maxTableElements, TABLE_ELEMENTS_MAX);
  for (const { limits } of module.tables)
    if (limits.maximum === undefined || limits.maximum > maxElements) refuse("a table can grow beyond its limit");
}

export function verifyExports(module: WasmModule, { fuelGlobal, helper }: Added, refuse: Refuse): void {
  const found = new Set<string>();
  for (const { name, kind, index } of module.exports) {
    const isOurs =
      (name === FUEL_EXPORT && kind === "global" && index === fuelGlobal) ||
      (name === REFUEL_EXPORT && kind === "global" && index === fuelGlobal + 1) ||
      (name === MEMORY_EXPORT && kind === "memory" && index === 0) ||
      (name === START_EXPORT && kind === "function" && index !== helper);
    if (isOurs) found.add(name);
    else if (name.startsWith(RESERVED_PREFIX) && !name.startsWith(STATE_PREFIX)) refuse(`it exports something else as ${name}`);
    else if ((kind === "global" && index >= fuelGlobal) || (kind === "function" && index === helper))
      refuse(`it exports what was added as ${name}`);
  }
  if (!found.has(FUEL_EXPORT) || !found.has(REFUEL_EXPORT)) refuse("it does not export its fuel");
  if (module.memories.length > 0 && !found.has(MEMORY_EXPORT)) refuse("it does not export its memory");
}

/**
 * The helper stores its parameter, calls what the second global holds, makes a trap of whatever that throws and of fuel that is still
 * negative, and answers the fuel.
 */
export function verifyHelper(module: WasmModule, { fuelGlobal, helper, plainType }: Added, refuse: Refuse): void {
  const type = signatureOf(module, helper);
  const isTyped = type?.params.join() === "i32" && type.results.join() === "i32";
  const { start = 0, end = 0 } = module.bodies.at(-1) ?? {};
  const found = module.bytes.subarray(start, end).join();
  const call = [OP.globalGet, ...leb(fuelGlobal + 1), OP.callRef, ...leb(plainType)];
  const handlers = [
    [OP.try, EMPTY_BLOCK, ...call, OP.catchAll, OP.unreachable, OP.end],
    [
      ...[OP.block, EMPTY_BLOCK, OP.block, EMPTY_BLOCK, OP.tryTable, EMPTY_BLOCK, 1, CATCH_ALL_CLAUSE, 0],
      ...[...call, OP.br, 2, OP.end, OP.end, OP.unreachable, OP.end],
    ],
  ];
  const isKnown = handlers.some((handler) => {
    const store = [OP.localGet, 0, OP.globalSet, ...leb(fuelGlobal)];
    const test = [OP.globalGet, ...leb(fuelGlobal), OP.localTee, 0, OP.i32Const, 0, OP.i32LtS];
    const answer = [OP.if, EMPTY_BLOCK, OP.unreachable, OP.end, OP.localGet, 0, OP.end];
    return found === [0, ...store, ...handler, ...test, ...answer].join();
  });
  if (!isTyped || !isKnown) refuse("the helper is not what it should be");
}

function leb(value: number): Uint8Array {
  const out = new Writer(16);
  out.u32(value);
  return out.view();
}
