// Builds the code section: every body copied or metered, the helper function last, and the branch hints that keep V8 from
// laying out the refuelling as if it were likely. It knows no other section.

import type { WasmModule } from "../wasm/module.ts";
import { Writer } from "../wasm/writer.ts";
import { copyBounded } from "./cold-calls.ts";
import { helperBody } from "./helper-function.ts";
import { type InjectionContext, injectFuel } from "./injection.ts";

const HINTS_SECTION = "metadata.code.branch_hint";
const HINT_BYTES = 1;
const UNLIKELY = 0;

export interface CodeSections {
  readonly code: Uint8Array;
  /** The content of the custom section that goes before the code, if there is anything to hint. */
  readonly hints: Uint8Array | undefined;
}

export function buildCode(context: InjectionContext, exceptions: "legacy" | "try-table"): CodeSections {
  const { module, facts } = context;
  const code = new Writer(bytesOf(module) * 1.25);
  const hints = new Writer();
  const body = new Writer();
  let hinted = 0;
  code.u32(facts.functions.length + 1);
  facts.functions.forEach((each, position) => {
    body.clear();
    if (each.reach !== "unbounded") {
      copyBounded(module, each, context.added, body);
      code.sized(body.view());
      return;
    }
    const unlikely = injectFuel(context, each, body);
    code.sized(body.view());
    if (unlikely.length === 0) return;
    hinted++;
    writeHints(hints, module.importedFunctions + position, unlikely);
  });
  code.sized(helperBody(context.added, exceptions));
  return { code: code.view(), hints: hinted === 0 ? undefined : hintContent(hinted, hints) };
}

function bytesOf(module: WasmModule): number {
  return module.bodies.reduce((sum, body) => sum + body.end - body.start, 64);
}

function writeHints(out: Writer, functionIndex: number, unlikely: readonly number[]): void {
  out.u32(functionIndex);
  out.u32(unlikely.length);
  for (const offset of unlikely) {
    out.u32(offset);
    out.byte(HINT_BYTES);
    out.byte(UNLIKELY);
  }
}

function hintContent(functions: number, hints: Writer): Uint8Array {
  const out = new Writer(hints.length + 64);
  out.name(HINTS_SECTION);
  out.u32(functions);
  out.bytes(hints.view());
  return out.view();
}
