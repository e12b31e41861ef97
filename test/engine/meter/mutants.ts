// Ways in which the meter could be wrong: each takes a module of the meter's and answers what it exports instead. It asserts nothing.

import type * as ChargesModule from "../../../host/engine/meter/charges.ts";
import type * as ColdCalls from "../../../host/engine/meter/cold-calls.ts";
import type * as Facts from "../../../host/engine/meter/facts.ts";
import type * as FlowModule from "../../../host/engine/meter/flow.ts";
import type * as FuelCodeModule from "../../../host/engine/meter/fuel-code.ts";
import type * as Helper from "../../../host/engine/meter/helper-function.ts";
import type * as Cost from "../../../host/engine/meter/instruction-cost.ts";
import type * as Reach from "../../../host/engine/meter/reach.ts";
import type * as Tuning from "../../../host/engine/meter/tuning.ts";
import { OP } from "../../../host/engine/wasm/instructions.ts";

import { fuelMutants, type Mutant, mutantsOf } from "./fuel-mutants.ts";

const NOP = 0x01;

/** The helper with `from` replaced; what stands in for a call takes the place of its index too. */
function helper(original: typeof Helper, from: readonly number[], to: readonly number[]): object {
  return {
    helperBody(added: FuelCodeModule.AddedIndices, exceptions: "legacy" | "try-table"): Uint8Array {
      const body = Uint8Array.from(original.helperBody(added, exceptions));
      const at = Buffer.from(body).indexOf(Buffer.from(from));
      if (at < 0) return body;
      body.set(to, at);
      if (from[0] === OP.callRef) body[at + 1] = NOP;
      return body;
    },
  };
}

const CHARGES = mutantsOf<typeof ChargesModule>("charges.ts")({
  "what leaves a function is not settled": (m) => ({
    Charges: class extends m.Charges {
      override settle(): void {}
    },
  }),
  "the fuel is not written back before calls": (m) => ({
    Charges: class extends m.Charges {
      override store(): void {}
    },
  }),
  "straight code is not paid": (m) => ({
    Charges: class extends m.Charges {
      override payIfLarge(): void {}
    },
  }),
  "what is owed before calls is not paid": (m) => ({
    Charges: class extends m.Charges {
      override payBeforeIfLarge(): void {}
    },
  }),
  "nothing is paid in advance": (m) => ({
    Charges: class extends m.Charges {
      override payInAdvance(): void {}
    },
  }),
  "instructions cost nothing": (m) => ({
    Charges: class extends m.Charges {
      override owe(): void {}
    },
  }),
  "operations on many bytes have no check": (m) => ({
    Charges: class extends m.Charges {
      override bulk(): void {}
    },
  }),
  "split loops end with other units than they began": (m) => ({
    Charges: class extends m.Charges {
      override closeSplit(units: number): void {
        super.closeSplit(units + 1);
      }
    },
  }),
});

const tuning = mutantsOf<typeof Tuning>("tuning.ts")({
  "dear functions go without checks": (m) => ({ ...m, BOUNDED_COST_MAX: 100_000 }),
  "straight code may owe a hundred times as much": (m) => ({ ...m, DEBT_MAX: 25_600 }),
  "functions may leave owing much": (m) => ({ ...m, EXIT_DEBT_MAX: 1_000 }),
  "calls of the host cost nothing": (m) => ({ ...m, HOST_CALL_COST: 0 }),
  "memory.grow costs one unit": (m) => ({ ...m, MEMORY_GROW_COST: 1 }),
  "elements of tables cost as bytes do": (m) => ({ ...m, TABLE_ELEMENTS_COST: m.BYTES_COST }),
  "operations of any constant length are short": (m) => ({ ...m, SHORT_BYTES_MAX: 1 << 20 }),
});

const FUNCTIONS = mutantsOf<typeof Reach>("reach.ts")({
  "calls cost nothing": (m) => ({ ...m, costOfCall: () => 0 }),
  "nothing runs long": (m) => ({ ...m, runsLong: () => false }),
  "what has no loop goes unchecked": (m) => ({
    ...m,
    classify(functions: readonly Facts.FunctionFacts[], imported: number, hasHandlers: boolean): void {
      m.classify(functions, imported, hasHandlers);
      for (const facts of functions) if (facts.loops.length === 0 && !facts.hasBulk) Object.assign(facts, { reach: "returns", total: 0 });
    },
  }),
  "everything goes unchecked": (m) => ({
    ...m,
    classify: (functions: readonly Facts.FunctionFacts[]) => {
      for (const facts of functions) Object.assign(facts, { reach: "returns", total: 0 });
    },
  }),
  "what a table holds costs what it likes": (m) => ({
    ...m,
    classify(functions: readonly Facts.FunctionFacts[], imported: number, hasHandlers: boolean): void {
      for (const facts of functions) facts.isReferenced = false;
      m.classify(functions, imported, hasHandlers);
    },
  }),
  "nothing throws": (m) => ({
    ...m,
    classify(functions: readonly Facts.FunctionFacts[], imported: number, hasHandlers: boolean): void {
      m.classify(functions, imported, hasHandlers);
      for (const facts of functions) if (facts.reach === "throws") facts.reach = "returns";
    },
  }),
});

const REST: Mutant[] = [
  ...mutantsOf<typeof ColdCalls>("cold-calls.ts")({
    "every call is taken for a cold one": (m) => ({ ...m, trapFollows: () => true }),
    "calls are cold although exceptions are caught": (m) => ({ ...m, warmColdCalls: () => {} }),
  }),
  ...mutantsOf<typeof Cost>("instruction-cost.ts")({
    "every instruction costs a quarter of a unit": (m) => ({ ...m, instructionCost: () => 2 }),
    "no operation is on many bytes": (m) => ({ ...m, isBulk: () => false }),
  }),
  ...mutantsOf<typeof FlowModule>("flow.ts")({
    "labels do not shift": (m) => ({
      Flow: class extends m.Flow {
        override shifted(label: number): number {
          return label;
        }
      },
    }),
    "branches bring no debt": (m) => ({
      Flow: class extends m.Flow {
        override branch(): void {}
      },
    }),
    "all that was owed is forgotten where a block ends": (m) => ({
      Flow: class extends m.Flow {
        override close(): FlowModule.Frame {
          const frame = super.close();
          this.state.debt = Math.min(0, this.state.debt);
          return frame;
        }
      },
    }),
    "returns never leave the function": (m) => ({
      Flow: class extends m.Flow {
        override leavesFunction(): boolean {
          return false;
        }
      },
    }),
  }),
  ...mutantsOf<typeof Helper>("helper-function.ts")({
    "the helper lets a guest without fuel go on": (m) => helper(m, [OP.if, 0x40, OP.unreachable], [OP.if, 0x40, NOP]),
    "the helper does not say how much is left": (m) => helper(m, [OP.localGet, 0, OP.globalSet], [NOP, NOP, NOP, NOP]),
    "the helper does not call the host": (m) => helper(m, [OP.callRef], [OP.drop]),
    "the helper lets exceptions of the host pass": (m) => helper(m, [OP.catchAll, OP.unreachable], [OP.catchAll, NOP]),
  }),
];

export const mutants: readonly Mutant[] = [...fuelMutants, ...CHARGES, ...tuning, ...FUNCTIONS, ...REST];
