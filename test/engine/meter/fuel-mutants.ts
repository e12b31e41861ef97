// Ways in which the code that spends fuel could be wrong, and what a mutant is. It asserts nothing.

import type * as FuelCodeModule from "../../../host/engine/meter/fuel-code.ts";
import type * as Tuning from "../../../host/engine/meter/tuning.ts";
import { OP } from "../../../host/engine/wasm/instructions.ts";
import type { Writer } from "../../../host/engine/wasm/writer.ts";

type FuelCode = FuelCodeModule.FuelCode;
type FuelCodeParts = ConstructorParameters<typeof FuelCodeModule.FuelCode>;

export interface Mutant {
  readonly name: string;
  readonly file: string;
  // The module's own type is known where each mutant is written.
  readonly change: (original: never) => object;
}

export const mutantsOf =
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

export const fuelMutants: readonly Mutant[] = mutantsOf<typeof FuelCodeModule>("fuel-code.ts")({
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
