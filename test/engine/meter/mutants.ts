// Ways in which the meter could be wrong: each takes a module of the meter's and answers what it exports instead. It asserts nothing.

import type * as Analysis from "../../../host/engine/meter/analysis.ts";
import type * as ChargesModule from "../../../host/engine/meter/charges.ts";
import type * as ColdCalls from "../../../host/engine/meter/cold-calls.ts";
import type * as FlowModule from "../../../host/engine/meter/flow.ts";
import type * as FuelCodeModule from "../../../host/engine/meter/fuel-code.ts";
import type * as Helper from "../../../host/engine/meter/helper-function.ts";
import type * as Cost from "../../../host/engine/meter/instruction-cost.ts";
import type * as Reach from "../../../host/engine/meter/reach.ts";
import type * as Tuning from "../../../host/engine/meter/tuning.ts";
import { OP } from "../../../host/engine/wasm/instructions.ts";
import type { Writer } from "../../../host/engine/wasm/writer.ts";

const NOP = 0x01;

type FuelCode = FuelCodeModule.FuelCode;
type FuelCodeParts = ConstructorParameters<typeof FuelCodeModule.FuelCode>;

export interface Mutant {
  readonly name: string;
  readonly file: string;
  // The module's own type is known where each mutant is written.
  readonly change: (original: never) => object;
}

const mutantsOf =
  <M>(file: string) =>
  (mutants: Readonly<Record<string, (original: M) => object>>): Mutant[] =>
    Object.entries(mutants).map(([name, change]) => ({ name, file, change }));

/** FuelCode with some methods replaced; each gets the original object and where it writes. */
function fuelCode(
  original: typeof FuelCodeModule,
  methods: (fuel: FuelCode, out: Writer, parts: FuelCodeParts) => Partial<Record<keyof FuelCode, (...values: never[]) => void>>,
): object {
  class Broken extends original.FuelCode {
    constructor(...parts: FuelCodeParts) {
      super(...parts);
      const whole = new original.FuelCode(...parts);
      for (const [name, method] of Object.entries(methods(whole, parts[0], parts))) Object.defineProperty(this, name, { value: method });
    }
  }
  return { FuelCode: Broken };
}

const bytes = (out: Writer, from: number): Uint8Array => out.view().slice(from);

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

/** Writes what `write` does, with the last run of `from` in it replaced. */
function edited(out: Writer, write: () => void, from: readonly number[], to: readonly number[]): void {
  const at = out.length;
  write();
  const before = out.view().slice(0, at);
  const written = [...bytes(out, at)];
  for (let i = written.length - from.length; i >= 0; i -= 1) {
    if (!from.every((byte, j) => written[i + j] === byte)) continue;
    written.splice(i, from.length, ...to);
    break;
  }
  out.clear();
  out.bytes(before);
  out.bytes(written);
}

const FUEL = mutantsOf<typeof FuelCodeModule>("fuel-code.ts")({
  "checks are left out": (m) => fuelCode(m, () => ({ check: () => {} })),
  "checks spend one unit": (m) => fuelCode(m, (fuel) => ({ check: () => fuel.check(1) })),
  "checks spend nothing": (m) => fuelCode(m, (fuel) => ({ check: () => fuel.check(0) })),
  "checks spend a third": (m) => fuelCode(m, (fuel) => ({ check: (units: number) => fuel.check(Math.ceil(units / 3)) })),
  "checks give fuel": (m) => fuelCode(m, (fuel) => ({ check: (units: number) => fuel.check(-units) })),
  "checks spend so much that fuel wraps around": (m) => fuelCode(m, (fuel) => ({ check: () => fuel.check(2 ** 31 - 1) })),
  "checks refuel while there is fuel": (m) =>
    fuelCode(m, (fuel, out) => ({ check: (units: number) => edited(out, () => fuel.check(units), [OP.i32LtS], [0x4a]) })),
  "checks compare with something else than zero": (m) =>
    fuelCode(m, (fuel, out) => ({
      check: (units: number) => edited(out, () => fuel.check(units), [OP.i32Const, 0, OP.i32LtS], [OP.i32Const, 0x7f, OP.i32LtS]),
    })),
  "checks lose what the helper answers": (m) =>
    fuelCode(m, (fuel, out, [, , { fuelLocal }]) => ({
      check: (units: number) => edited(out, () => fuel.check(units), [OP.localSet, fuelLocal], [OP.drop]),
    })),
  "checks do not call the helper": (m) =>
    fuelCode(m, (fuel, out, [, added]) => ({
      check: (units: number) => edited(out, () => fuel.check(units), [OP.call, added.helper], [OP.i32Const, 0, 0x71]),
    })),
  "checks do not write the global": (m) =>
    fuelCode(m, (fuel, out, [, added]) => ({
      check: (units: number) => edited(out, () => fuel.check(units), [OP.globalSet, added.fuelGlobal], [OP.drop]),
    })),
  "the fuel lives in a local of the guest's": (m) => ({
    FuelCode: class extends m.FuelCode {
      constructor(out: Writer, added: FuelCodeModule.AddedIndices, locals: FuelCodeParts[2]) {
        super(out, added, { ...locals, fuelLocal: Math.max(0, locals.fuelLocal - 1) });
      }
    },
  }),
  "the length lives in the local of the fuel": (m) => ({
    FuelCode: class extends m.FuelCode {
      constructor(out: Writer, added: FuelCodeModule.AddedIndices, locals: FuelCodeParts[2]) {
        super(out, added, { ...locals, lengthLocal: locals.fuelLocal });
      }
    },
  }),
  "the fuel is never written back": (m) => fuelCode(m, () => ({ store: () => {} })),
  "the fuel is never loaded": (m) => fuelCode(m, () => ({ load: () => {} })),
  "the fuel is loaded at the begin only": (m) => {
    return fuelCode(m, (fuel, out) => ({ load: () => out.length < 20 && fuel.load() }));
  },
  "a split loop leaves to itself": (m) => fuelCode(m, (fuel) => ({ checkOrBranch: (units: number) => fuel.checkOrBranch(units, 0) })),
  "a split loop leaves to its outer block": (m) =>
    fuelCode(m, (fuel) => ({ checkOrBranch: (units: number) => fuel.checkOrBranch(units, 3) })),
  "a split loop spends one unit": (m) =>
    fuelCode(m, (fuel) => ({ checkOrBranch: (_: number, label: number) => fuel.checkOrBranch(1, label) })),
  "a split loop has no check": (m) => fuelCode(m, () => ({ checkOrBranch: () => {} })),
  "a split loop gets back more than it spent": (m) =>
    fuelCode(m, (fuel) => ({ refuelAndReturn: (units: number) => fuel.refuelAndReturn(units + 100) })),
  "a split loop is not refuelled": (m) =>
    fuelCode(m, (fuel, out, [, added]) => ({
      refuelAndReturn: (units: number) => edited(out, () => fuel.refuelAndReturn(units), [OP.call, added.helper], []),
    })),
  "lengths are not charged": (m) => fuelCode(m, (fuel) => ({ checkBulk: (units: number) => fuel.check(units) })),
  "lengths are charged a sixteenth": (m) =>
    fuelCode(m, (fuel) => ({
      checkBulk: (units: number, cost: Tuning.LengthCost) => fuel.checkBulk(units, { ...cost, shift: cost.shift - 4 }),
    })),
  "lengths are not held below their maximum": (m) =>
    fuelCode(m, (fuel) => ({ checkBulk: (units: number, cost: Tuning.LengthCost) => fuel.checkBulk(units, { ...cost, max: undefined }) })),
  "lengths are charged up to ten": (m) =>
    fuelCode(m, (fuel) => ({ checkBulk: (units: number, cost: Tuning.LengthCost) => fuel.checkBulk(units, { ...cost, max: 10 }) })),
  "lengths are all that operations are charged": (m) =>
    fuelCode(m, (fuel) => ({ checkBulk: (_: number, cost: Tuning.LengthCost) => fuel.checkBulk(0, cost) })),
  "the host is not asked before cold calls": (m) => ({ ...fuelCode(m, () => ({ askHost: () => {} })), askHost: () => {} }),
});

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
    classify(functions: readonly Analysis.FunctionFacts[], imported: number, hasHandlers: boolean): void {
      m.classify(functions, imported, hasHandlers);
      for (const facts of functions) if (facts.loops.length === 0 && !facts.hasBulk) Object.assign(facts, { reach: "returns", total: 0 });
    },
  }),
  "everything goes unchecked": (m) => ({
    ...m,
    classify: (functions: readonly Analysis.FunctionFacts[]) => {
      for (const facts of functions) Object.assign(facts, { reach: "returns", total: 0 });
    },
  }),
  "what a table holds costs what it likes": (m) => ({
    ...m,
    classify(functions: readonly Analysis.FunctionFacts[], imported: number, hasHandlers: boolean): void {
      for (const facts of functions) facts.isReferenced = false;
      m.classify(functions, imported, hasHandlers);
    },
  }),
  "nothing throws": (m) => ({
    ...m,
    classify(functions: readonly Analysis.FunctionFacts[], imported: number, hasHandlers: boolean): void {
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

export const mutants: readonly Mutant[] = [...FUEL, ...CHARGES, ...tuning, ...FUNCTIONS, ...REST];
