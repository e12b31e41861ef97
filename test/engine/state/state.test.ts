// What a guest has become goes on in another instance, each kind of state by itself; the official test suite does the same with all of them (wasm-testsuite.test.ts).

import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { DEFAULT_ADMISSION_LIMITS } from "../../../host/engine/admission.ts";
import { STATE_PREFIX } from "../../../host/engine/meter/added-exports.ts";
import { verify } from "../../../host/engine/meter/verify.ts";
import { decodeState } from "../../../host/engine/state/state-codec.ts";
import type { WasmModule } from "../../../host/engine/wasm/module.ts";
import { parseModule } from "../../../host/engine/wasm/parse-module.ts";
import { wat } from "../../support/wat.ts";
import { admitAll, Metered } from "../meter/metered.ts";

const MIB = 1024 * 1024;
const UNITS = 1_000_000;
const imports = { env: { seven: () => 7 } };

const made = (bytes: Uint8Array<ArrayBuffer>): Metered => new Metered(bytes, { units: UNITS }, imports);

/** The instance that goes on where another one stopped. */
function asleepAndAwake(bytes: Uint8Array<ArrayBuffer>, guest: Metered): Metered {
  const state = guest.captured();
  if (state === undefined) throw new Error("its state cannot be told");
  const next = made(bytes);
  next.become(state);
  return next;
}

/** Calls `change` in one instance and `look` in the next. */
async function seenAfter(text: string, change = "change", look = "look"): Promise<unknown> {
  const { bytes } = admitAll(await wat(`(module ${text})`), {}, true);
  const guest = made(bytes);
  await guest.call(change);
  return asleepAndAwake(bytes, guest).call(look);
}

describe("a guest that goes on in another instance", () => {
  it.each([
    ["i32", "(i32.const -5)", -5],
    ["i64", "(i64.const -5)", -5n],
    ["f32", "(f32.const 1.5)", 1.5],
    ["f64", "(f64.const -0)", -0],
  ])("has its globals of %s", async (type, value, expected) => {
    const global = `(global $g (mut ${type}) (${type}.const 0))`;
    const text = `${global} (func (export "change") (global.set $g ${value})) (func (export "look") (result ${type}) (global.get $g))`;
    expect(await seenAfter(text)).toBe(expected);
  });

  it("has the bits of numbers that are none", async () => {
    const text = `(global $f (mut f32) (f32.const 0)) (global $d (mut f64) (f64.const 0))
      (func (export "change") (global.set $f (f32.const nan:0x200001)) (global.set $d (f64.const -nan:0x4000000000001)))
      (func (export "look") (result i64) (i64.add (i64.extend_i32_u (i32.reinterpret_f32 (global.get $f))) (i64.reinterpret_f64 (global.get $d))))`;
    expect(await seenAfter(text)).toBe(BigInt.asIntN(64, 0x7fa00001n + 0xfff4000000000001n));
  });

  it("has its vectors", async () => {
    const text = `(global $v (mut v128) (v128.const i64x2 0 0))
      (func (export "change") (global.set $v (v128.const i64x2 3 40)))
      (func (export "look") (result i64) (i64.add (i64x2.extract_lane 0 (global.get $v)) (i64x2.extract_lane 1 (global.get $v))))`;
    expect(await seenAfter(text)).toBe(43n);
  });

  it("has more globals than are read at once", async () => {
    const globals = Array.from({ length: 150 }, (_, i) => `(global $g${i} (mut i32) (i32.const 0))`).join(" ");
    const sets = Array.from({ length: 150 }, (_, i) => `(global.set $g${i} (i32.const ${i}))`).join(" ");
    const sum = Array.from({ length: 150 }, (_, i) => `(i32.add (i32.mul (global.get $g${i}) (i32.const ${i})))`).join(" ");
    const text = `${globals} (func (export "change") ${sets}) (func (export "look") (result i32) (i32.const 0) ${sum})`;
    expect(await seenAfter(text)).toBe(Array.from({ length: 150 }, (_, i) => i * i).reduce((all, one) => all + one, 0));
  });

  it("has its memory: what was written, what was cleared of its data, and how far it has grown", async () => {
    const text = `(memory 1 4) (data (i32.const 5000) "\\2a")
      (func (export "change") (drop (memory.grow (i32.const 2))) (i32.store8 (i32.const 5000) (i32.const 0)) (i32.store (i32.const 140000) (i32.const 9)))
      (func (export "look") (result i32)
        (i32.add (i32.mul (memory.size) (i32.const 1000)) (i32.add (i32.load8_u (i32.const 5000)) (i32.load (i32.const 140000)))))`;
    expect(await seenAfter(text)).toBe(3_009);
  });

  const functions = `(type $t (func (result i32))) (import "env" "seven" (func $seven (type $t)))
    (func $one (type $t) (i32.const 1)) (func $two (type $t) (i32.const 2))`;

  it("has what its tables hold, functions of the host too, and their length", async () => {
    const text = `${functions} (table $a 2 10 funcref) (table $b 1 funcref) (elem (table $a) (i32.const 0) func $one $two) (elem declare func $seven)
      (func (export "change") (drop (table.grow $a (ref.func $seven) (i32.const 3))) (table.set $a (i32.const 0) (ref.func $two)) (table.set $a (i32.const 1) (ref.null func)))
      (func (export "look") (result i32)
        (i32.add (i32.mul (table.size $a) (i32.const 100))
          (i32.add (i32.add (call_indirect $a (type $t) (i32.const 4)) (call_indirect $a (type $t) (i32.const 0)))
            (i32.mul (ref.is_null (table.get $a (i32.const 1))) (i32.const 50)))))`;
    expect(await seenAfter(text)).toBe(559);
  });

  it("has the functions that its globals hold", async () => {
    const text = `${functions} (table 1 funcref) (global $g (mut funcref) (ref.null func)) (elem declare func $two)
      (func (export "change") (global.set $g (ref.func $two)))
      (func (export "look") (result i32) (table.set (i32.const 0) (global.get $g)) (call_indirect (type $t) (i32.const 0)))`;
    expect(await seenAfter(text)).toBe(2);
  });

  it.each([
    ["data", '(memory 1) (data $s "abc")', "(data.drop $s)", "(memory.init $s (i32.const 0) (i32.const 0) (i32.const 3))"],
    [
      "elements",
      "(func $f) (table 3 funcref) (elem $s func $f $f)",
      "(elem.drop $s)",
      "(table.init $s (i32.const 0) (i32.const 0) (i32.const 2))",
    ],
  ])("has lost the %s that it dropped, and only these", async (_, segment, drop, init) => {
    const text = `${segment} (func (export "change") ${drop}) (func (export "nothing")) (func (export "look") ${init})`;
    await expect(seenAfter(text)).rejects.toThrow(WebAssembly.RuntimeError);
    await expect(seenAfter(text, "nothing")).resolves.toBeUndefined();
  });

  it("keeps no block of its memory that is as it began", async () => {
    const { bytes } = admitAll(
      await wat(
        `(module (memory 300) (data (i32.const 0) "${"a".repeat(40_000)}") (func (export "touch") (i32.store (i32.const 9000000) (i32.const 1))))`,
      ),
      {},
      true,
    );
    const guest = made(bytes);
    expect(decodeState(guest.captured() ?? new Uint8Array(), MIB).memory).toMatchObject({ pages: 300, blocks: [] });
    await guest.call("touch");
    expect(decodeState(guest.captured() ?? new Uint8Array(), MIB).memory?.blocks).toEqual([2_197]);
  });

  it("is not told where it holds a reference of the host", async () => {
    const { bytes } = admitAll(
      await wat(
        '(module (global $g (mut externref) (ref.null extern)) (func (export "take") (param externref) (global.set $g (local.get 0))))',
      ),
      {},
      true,
    );
    const guest = made(bytes);
    expect(guest.captured()).toBeDefined();
    await guest.call("take", {});
    expect(guest.captured()).toBeUndefined();
  });
});

describe("what is exported for it", () => {
  const text = '(module (memory 1) (global (mut i32) (i32.const 0)) (func (export "f")))';

  it("is there only where it was asked for, and never in what is told of the module", async () => {
    const source = await wat(text);
    const exported = (bytes: Uint8Array<ArrayBuffer>): string[] =>
      WebAssembly.Module.exports(new WebAssembly.Module(bytes))
        .map(({ name }) => name)
        .filter((name) => name.startsWith(STATE_PREFIX));
    expect(exported(admitAll(source).bytes)).toEqual([]);
    const { bytes, report } = admitAll(source, {}, true);
    expect(exported(bytes)).toEqual(["__bulkhead_state_get_0", "__bulkhead_state_set_0"]);
    expect(report.exports.map(({ name }) => name)).toEqual(["f"]);
  });

  it.each(["__bulkhead_state_get_0", "__bulkhead_state_table_0", "__bulkhead_state_function_0"])(
    "cannot be exported by a guest: %s",
    async (name) => {
      const source = await wat(`(module (func (export "${name}")))`);
      for (const keepsState of [true, false])
        expect(() => admitAll(source, {}, keepsState)).toThrow(
          expect.objectContaining({ code: "admission-refused", detail: `export ${name} uses the reserved prefix __bulkhead_` }),
        );
    },
  );

  it.each<readonly [string, string, (module: WasmModule) => number]>([
    ["the helper", "get_0", ({ functionTypes }) => functionTypes.length - 1],
    ["the fuel", "global_0", ({ globals }) => globals - 2],
    ["the refuel function", "global_0", ({ globals }) => globals - 1],
  ])("is never what the meter added: %s", async (what, name, indexOf) => {
    const { bytes } = admitAll(await wat("(module (global (mut funcref) (ref.null func)) (func))"), {}, true);
    const settings = { ...DEFAULT_ADMISSION_LIMITS, hasGuestCallers: false };
    verify(bytes, settings);
    const at = Buffer.from(bytes).indexOf(STATE_PREFIX + name) + STATE_PREFIX.length + name.length + 1;
    bytes[at] = indexOf(parseModule(bytes, { maxModuleBytes: MIB, maxNameBytes: 100 }));
    expect(() => verify(bytes, settings), what).toThrow(`it exports what was added as ${STATE_PREFIX}${name}`);
  });

  it.each([["makes garbage-collected objects", "(module (type $a (array (mut i32))) (func (drop (array.new_default $a (i32.const 1)))))"]])(
    "is not there where a guest %s",
    async (reason, source) => {
      const { assembleWithGc } = await import("../corpus/text.ts");
      expect(admitAll(assembleWithGc(source), {}, true).report.cannotKeep).toBe(reason);
    },
  );

  it("is not there where a guest has more of it than can be read", async () => {
    const many = Array.from({ length: 4_097 }, () => "(global (mut i32) (i32.const 0))").join("");
    expect(admitAll(await wat(`(module ${many})`), {}, true).report.cannotKeep).toBe("has 4097 globals that change, and 4096 can be kept");
    const segments = Array.from({ length: 300 }, () => '(data "a")').join("");
    const uses = Array.from(
      { length: 300 },
      (_, i) => `(data.drop ${i}) (memory.init ${i} (i32.const 0) (i32.const 0) (i32.const 0))`,
    ).join("");
    expect(admitAll(await wat(`(module (memory 1) ${segments} (func ${uses}))`), {}, true).report.cannotKeep).toBe(
      "drops 300 segments that it reads, and 256 can be watched",
    );
  });
});

describe("a state that comes back", () => {
  const states = async (): Promise<{ bytes: Uint8Array<ArrayBuffer>; state: Uint8Array }> => {
    const text = `(module (memory 1 2) (table 1 2 funcref) (global $g (mut i32) (i32.const 0)) (func $f) (elem declare func $f)
      (func (export "change") (table.set (i32.const 0) (ref.func $f)) (i32.store (i32.const 0) (i32.const -1)) (global.set $g (i32.const 1))))`;
    const { bytes } = admitAll(await wat(text), {}, true);
    const guest = made(bytes);
    await guest.call("change");
    return { bytes, state: guest.captured() ?? new Uint8Array() };
  };
  const refusal = expect.objectContaining({ code: "invalid-message" });

  it("is refused, or decoded, whichever bit of it is wrong", async () => {
    const { bytes, state } = await states();
    let refused = 0;
    for (let bit = 0; bit < state.length * 8; bit++) {
      const wrong = state.slice();
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        made(bytes).become(wrong);
      } catch (thrown) {
        expect(thrown).toEqual(refusal);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(state.length);
  });

  it("is refused cut off, wherever", async () => {
    const { bytes, state } = await states();
    for (let length = 0; length < state.length; length++) expect(() => made(bytes).become(state.slice(0, length))).toThrow(refusal);
  });

  it("is refused before it is unpacked when it says that it is too large, and when it is larger than it says", () => {
    const bomb = zstdCompressSync(new Uint8Array(64 * MIB));
    const says = (length: number): Uint8Array => {
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, length, true);
      return Buffer.concat([head, bomb]);
    };
    expect(bomb.length).toBeLessThan(MIB / 64);
    expect(() => decodeState(says(64 * MIB), MIB)).toThrow(
      "the state is damaged: it says that it has 67108864 bytes; the limit is 1048576",
    );
    expect(() => decodeState(says(MIB), MIB)).toThrow(refusal);
  });

  it("is refused by another module", async () => {
    const { state } = await states();
    for (const other of [
      "(module)",
      "(module (memory 1 2))",
      "(module (memory 1 1) (table 1 2 funcref) (global (mut i32) (i32.const 0)))",
      "(module (memory 1 2) (table 1 2 funcref) (global (mut i32) (i32.const 0)) (global (mut i32) (i32.const 0)) (func (table.set (i32.const 0) (ref.null func))))",
      "(module (memory 2 2) (table 1 2 funcref) (global (mut i32) (i32.const 0)) (func (table.set (i32.const 0) (ref.null func))))",
    ]) {
      const { bytes } = admitAll(await wat(other), {}, true);
      expect(() => made(bytes).become(state)).toThrow(refusal);
    }
  });
});
