// The imports that the host's program answers (docs/from-extism.md): asked of the host like every function that reaches others, with the bytes of the blocks
// that are handed over. Extism has no errors for them, so a failure ends the turn with its code.

import { type CallAnswer, declaredName, decodeAnswer, encodeCall } from "../../bounds/declared-call.ts";
import type { Bytes } from "../../core/types.ts";
import { decodeError } from "./blocks.ts";
import type { GuestControl } from "./control.ts";
import type { DeclaredImport } from "./imported.ts";

const NO_BLOCK = 0n;

export interface DeclaredPorts {
  readonly control: GuestControl;
  /** Undefined for what is not the handle of a block. */
  view(handle: bigint): Bytes | undefined;
  give(bytes: Bytes): bigint;
  /** The tagged answer, or undefined when the guest is to end. Counts a host call. */
  ask(name: string, args: readonly Bytes[]): Promise<Bytes | undefined>;
  yieldWhenOverdue(): void;
}

/** The import object of these, by module. */
export function declaredFunctions(imports: readonly DeclaredImport[], ports: DeclaredPorts): WebAssembly.Imports {
  const modules: Record<string, Record<string, unknown>> = {};
  for (const one of imports) {
    const call = (...values: (number | bigint)[]): Promise<number | bigint | undefined> => answered(one, values, ports);
    modules[one.module] = { ...modules[one.module], [one.name]: new WebAssembly.Suspending(call) };
  }
  return modules;
}

// What it resolves with is of the result's type in any case: anything else would be an exception that the guest can catch.
async function answered(
  { module, name, results }: DeclaredImport,
  values: readonly (number | bigint)[],
  ports: DeclaredPorts,
): Promise<number | bigint | undefined> {
  const nothing = results[0] === "i64" ? NO_BLOCK : 0;
  if (ports.control.doomed) return nothing;
  const passed = values.map((value) => ({ value, block: typeof value === "bigint" && value !== NO_BLOCK ? ports.view(value) : undefined }));
  const block = await ports.ask(declaredName(module, name), encodeCall(passed));
  if (block === undefined) return nothing;
  if (block[0] !== 0) {
    ports.control.doom(decodeError(block));
    return nothing;
  }
  const answer = given(decodeAnswer(block.subarray(1)), ports);
  ports.yieldWhenOverdue();
  return answer ?? nothing;
}

const given = (answer: CallAnswer, ports: DeclaredPorts): number | bigint | undefined =>
  answer instanceof Uint8Array ? ports.give(answer) : answer;
