// What is charged is at least a fixed share of what is done, so that a slice of fuel is a bounded time; and the amounts
// cannot wrap around.

import { describe, expect, it } from "vitest";
import { admit, DEFAULT_ADMISSION_LIMITS } from "../../../host/engine/admission.ts";
import { assemble, assembleWithGc } from "../corpus/text.ts";
import { admitAll, Metered } from "./metered.ts";

const PLENTY = 2 ** 31 - 1;

/** Units that a call of `run` is charged. */
async function charged(text: string, build: (text: string) => Uint8Array<ArrayBuffer> = assemble): Promise<number> {
  const guest = new Metered(admitAll(build(`(module ${text})`)).bytes, { units: PLENTY, max: 1 });
  await guest.call("run", 1);
  return PLENTY - guest.fuel;
}

const adds = (count: number): string => "(local.set 0 (i32.add (local.get 0) (i32.const 3)))".repeat(count);

describe("straight-line code", () => {
  it("is free when it is short and calls nothing that may be long", async () => {
    expect(await charged(`(func (export "run") (param i32) ${adds(100)})`)).toBe(0);
  });

  it("is charged when it is long", async () => {
    expect(await charged(`(func (export "run") (param i32) ${adds(10_000)})`)).toBeGreaterThan(10_000);
  });

  it("is charged on the side that is taken only", async () => {
    const text = `(func (export "run") (param i32) (if (i32.eqz (local.get 0)) (then ${adds(5_000)}) (else ${adds(1_000)})))`;
    const units = await charged(text);
    expect(units).toBeGreaterThan(1_000);
    expect(units).toBeLessThan(4_000);
  });
});

describe("calls", () => {
  // A function that is unbounded for the analysis, yet returns at once on a path without a check.
  const early = `(func $early (param i32) (if (local.get 0) (then ${adds(40)} (return))) (loop))`;

  it("of what returns before its first check are still charged what it did", async () => {
    const calls = "(call $early (i32.const 1))".repeat(500);
    expect(await charged(`${early} (func (export "run") (param i32) ${calls})`)).toBeGreaterThan(500 * 40);
  });

  it("in a loop are charged each time", async () => {
    const text = `${early} (func (export "run") (param i32) (local i32) (loop (call $early (i32.const 1))
      (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000)))))`;
    expect(await charged(text)).toBeGreaterThan(1_000 * 40);
  });

  it("of bounded functions are charged by their caller", async () => {
    const text = `(func $bounded (param i32) ${adds(100)}) (func (export "run") (param i32) (local i32)
      (loop (call $bounded (i32.const 1))
        (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000)))))`;
    expect(await charged(text)).toBeGreaterThan(1_000 * 100);
  });

  it("of bounded functions through a table are charged", async () => {
    const text = `(table funcref (elem $bounded)) (type $t (func (param i32))) (func $bounded (param i32) ${adds(100)})
      (func (export "run") (param i32) (local i32) (loop (call_indirect (type $t) (i32.const 1) (i32.const 0))
        (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000)))))`;
    expect(await charged(text)).toBeGreaterThan(1_000 * 100);
  });

  it("of functions that only lead to others that are checked are charged by their caller", async () => {
    const text = `${early} (func $passes (param i32) ${adds(100)} (call $early (local.get 0)))
      (func (export "run") (param i32) (local i32) (loop (call $passes (i32.const 1))
        (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000)))))`;
    expect(await charged(text)).toBeGreaterThan(1_000 * 140);
  });

  it("of bounded functions in place of a return are charged", async () => {
    const text = `(func $bounded (param i32) ${adds(100)}) (func $tail (param i32) (loop) (return_call $bounded (local.get 0)))
      (func (export "run") (param i32) (local i32) (loop (call $tail (i32.const 1))
        (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000)))))`;
    expect(await charged(text)).toBeGreaterThan(1_000 * 100);
  });

  it("that a trap follows leave it to the host whether the guest goes on", async () => {
    // All that each level does stays in the local of its loop.
    const text = `(func $check (param i32) (if (local.get 0) (then (call $run) (unreachable))))
      (func $run (export "run") (local i32) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 500))))
        (call $check (i32.const 1)))`;
    const guest = new Metered(admitAll(assemble(`(module ${text})`)).bytes, { units: 100_000, max: 10 });
    await expect(guest.call("run")).rejects.toThrow("unreachable");
    expect(guest.slices).toBe(11);
  });

  it("that a trap follows have nothing between them and the trap, whatever is owed there", () => {
    for (let work = 0; work < 600; work += 1) {
      const text = `(import "h" "f" (func $host)) (func $abort (call $host)) (func (export "run") (param i32)
        (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 500))))
        (if (local.get 0) (then ${adds(work)} (call $abort) (unreachable))))`;
      expect(() => admitAll(assemble(`(module ${text})`)), `${work} additions`).not.toThrow();
    }
  });

  it("that come late in a function cost nothing on a path that returns before, however many they are", async () => {
    const late = (
      condition: number,
    ): string => `(func $late (param i32) (if (local.get 0) (then (return))) ${"(call $late (i32.const 1))".repeat(20)})
      (func (export "run") (param i32) (call $late (i32.const ${condition})))`;
    const [short, long] = [await charged(late(1)), await charged(late(0))];
    // Each call is charged 16 units by its caller.
    expect(short).toBeLessThanOrEqual(2 * 16);
    expect(long).toBeGreaterThan(20 * 16);
  });

  it("of host functions are charged", async () => {
    const { bytes } = admitAll(assemble(`(module (import "h" "f" (func $f)) (func (export "run") ${"(call $f)".repeat(100)}))`));
    const guest = new Metered(bytes, { units: PLENTY }, { h: { f: () => undefined } });
    await guest.call("run");
    expect(PLENTY - guest.fuel).toBeGreaterThan(1_000);
  });

  it("that throw through functions are charged for each of these", async () => {
    const text = `(tag $e) (func $thrower (param i32) (throw $e))
      (func $middle (param i32) (loop) ${adds(200)} (call $thrower (local.get 0)))
      (func (export "run") (param i32) (local i32)
        (loop (try (do (call $middle (i32.const 1))) (catch_all))
          (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 100)))))`;
    expect(await charged(text)).toBeGreaterThan(100 * 200);
  });

  it("of bounded functions that throw are charged for what these did, though it is caught each time", async () => {
    const text = `(tag $e) (func $thrower (param i32) ${adds(200)} (throw $e))
      (func (export "run") (param i32) ${"(try (do (call $thrower (i32.const 1))) (catch_all))".repeat(100)})`;
    expect(await charged(text)).toBeGreaterThan(100 * 700);
  });

  it("of bounded functions that throw on through others are charged for what these did", async () => {
    const text = `(tag $e) (func $thrower (param i32) ${adds(200)} (throw $e)) (func $middle (param i32) (loop) (call $thrower (local.get 0)))
      (func (export "run") (param i32) ${"(try (do (call $middle (i32.const 1))) (catch_all))".repeat(100)})`;
    expect(await charged(text)).toBeGreaterThan(100 * 700);
  });

  it("that throw into another guest, which may catch it, are charged for what these did", async () => {
    const source = assemble(`(module (tag $e) (func $thrower (param i32) ${adds(200)} (throw $e))
      (func (export "run") (param i32) (loop) (call $thrower (local.get 0))))`);
    const options = { limits: DEFAULT_ADMISSION_LIMITS, isAllowedImport: () => true as const, hasGuestCallers: true };
    const guest = new Metered(admit(source, options).bytes, { units: PLENTY, max: 1 });
    await expect(guest.call("run", 1)).rejects.toThrow(WebAssembly.Exception);
    expect(PLENTY - guest.fuel).toBeGreaterThan(700);
  });
});

describe("loops", () => {
  const rounds = (body: string): string => `(func (export "run") (param i32) (local i32) (loop ${body}
    (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000)))))`;

  it("are charged about their body an iteration", async () => {
    const units = await charged(rounds(adds(50)));
    expect(units).toBeGreaterThan(1_000 * 50);
    expect(units).toBeLessThan(1_000 * 150);
  });

  it.each([300, 600, 2_000])("with a body of %i instructions are charged at least half of it", async (count) => {
    expect(await charged(rounds(adds(count)))).toBeGreaterThan((1_000 * count) / 2);
  });

  it("do not live on what the loops around them paid in advance", async () => {
    const inner = `(loop ${adds(700)}
      (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000))))`;
    const nested = `(loop ${adds(300)} `.repeat(8) + inner + ")".repeat(8);
    expect(await charged(`(func (export "run") (param i32) (local i32) ${nested})`)).toBeGreaterThan(350_000);
  });

  it("of instructions that compile to nothing are not free", async () => {
    expect(await charged(rounds("(drop (i32.const 1))".repeat(1_000)))).toBeGreaterThan(100_000);
  });
});

describe("bulk operations", () => {
  it("of a short length that is known are charged like instructions", async () => {
    const text = `(memory 1) (func $clear (memory.fill (i32.const 0) (i32.const 0) (i32.const 200)))
      (func (export "run") (param i32) ${"(call $clear)".repeat(1_000)})`;
    expect(await charged(text)).toBeGreaterThan(1_000 * 50);
  });

  it("are charged by their length", async () => {
    const text = `(memory 16) (func (export "run") (param i32) (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000000)))`;
    expect(await charged(text)).toBeGreaterThan(1_000_000 / 16);
  });

  it("on arrays are charged by their length", async () => {
    const text = `(type $a (array i32)) (func (export "run") (param i32)
      (drop (array.new_default $a (i32.const 100000))))`;
    expect(await charged(text, assembleWithGc)).toBeGreaterThan(100_000 / 4);
  });

  it.each([
    ["memory.fill", `(memory 1) (func (export "run") (memory.fill (i32.const 0) (i32.const 0) (i32.const -1)))`],
    [
      "table.fill",
      `(table $t 1 funcref) (func (export "run")
      (table.fill $t (i32.const 0) (ref.null func) (i32.const -1)))`,
    ],
  ])("of the greatest length (%s) leave the fuel negative, not wrapped around", async (_, text) => {
    const guest = new Metered(admitAll(assemble(`(module ${text})`)).bytes, { units: 1 });
    let seen = 0;
    guest.refuelWith(() => {
      seen = guest.fuel;
    });
    await expect(guest.call("run")).rejects.toThrow("unreachable");
    expect(seen).toBeLessThan(-(2 ** 27));
    expect(seen).toBeGreaterThan(-(2 ** 31));
  });

  it("that make large structures are charged by their fields", async () => {
    const fields = "(field i32)".repeat(500);
    const text = `(type $s (struct ${fields})) (func (export "run") (param i32) (local i32)
      (loop $l (drop (struct.new_default $s))
        (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 100)))))`;
    expect(await charged(text, assembleWithGc)).toBeGreaterThan(100 * 100);
  });
});

describe("a host that wants a guest to die", () => {
  it("sets the fuel negative in a host function, and the guest traps at its next check", async () => {
    const text = `(module (import "h" "kill" (func $kill)) (global $after (export "after") (mut i32) (i32.const 0))
      (func (export "run") (local i32)
        (loop (call $kill) (loop (global.set $after (i32.add (global.get $after) (i32.const 1))) (br 0)))))`;
    const guest = new Metered(
      admitAll(assemble(text)).bytes,
      { units: PLENTY, max: 1 },
      {
        h: {
          kill: () => {
            guest.fuel = -1;
          },
        },
      },
    );
    await expect(guest.call("run")).rejects.toThrow("unreachable");
    expect(guest.exports).toHaveProperty("after.value", 0);
  });
});

describe("a stack overflow", () => {
  it("cannot be caught, or a guest could run for ever on fuel that was never written back", async () => {
    const text = `(module (tag $e) (func $deep (call $deep) (throw $e)) (func (export "run") (result i32)
      (try (result i32) (do (call $deep) (i32.const 0)) (catch_all (i32.const 1)))))`;
    const guest = new Metered(admitAll(assemble(text)).bytes, { units: PLENTY });
    await expect(guest.call("run")).rejects.toThrow(RangeError);
  });
});

describe("a slice that is spent before its time", () => {
  const LOOP = `(func (export "run") (param i32) (result i32) (loop $again
    (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $again (local.get 0))) (i32.const 7))`;

  it("is made longer without suspending the guest, as often as that is allowed", async () => {
    const guest = new Metered(admitAll(assemble(`(module ${LOOP})`)).bytes, { units: 100, max: 1 });
    let extended = 0;
    let refuels = 0;
    guest.refuelWith(
      async () => {
        refuels += 1;
        guest.fuel = PLENTY;
      },
      () => {
        if (extended === 3) return false;
        extended += 1;
        guest.fuel = 1_000;
        return true;
      },
    );
    expect(await guest.call("run", 100_000)).toBe(7);
    expect([extended, refuels]).toEqual([3, 1]);
  });

  it("ends the guest, uncatchably, when asking for more throws", async () => {
    const guest = new Metered(admitAll(assemble(`(module ${LOOP})`)).bytes, { units: 100, max: 1 });
    guest.refuelWith(
      () => {},
      () => {
        throw new Error("no");
      },
    );
    await expect(guest.call("run", 100_000)).rejects.toThrow(WebAssembly.RuntimeError);
  });
});
