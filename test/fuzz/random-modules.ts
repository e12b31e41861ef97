// Random valid modules as text: functions that compute, branch, loop, call each other, trap, throw, grow and fill memory. It runs nothing.

import fc from "fast-check";

/** The same module twice. `counted` ends because every loop and call spends from the global `budget`; `endless` has no such counter. */
export interface RandomModule {
  readonly counted: string;
  readonly endless: string;
  readonly functions: number;
}

/** What the text of a piece depends on: the labels around it and how loops and calls are counted. */
interface Scope {
  readonly labels: readonly string[];
  readonly counted: boolean;
  readonly functions: number;
  /** How exceptions are encoded; no module may mix the two ways. */
  readonly tryTable: boolean;
  readonly fresh: () => string;
}

type Piece = (scope: Scope) => string;

const I32_LOCALS = ["$a", "$b", "$x", "$y", "$z"] as const;
const BINARY = "add sub mul and or xor shl shr_s shr_u rotl eq ne lt_s lt_u gt_s ge_u div_s div_u rem_s rem_u".split(" ");
const UNARY = ["i32.eqz", "i32.clz", "i32.ctz", "i32.popcnt", "i32.extend8_s"];
const LOADS = ["i32.load", "i32.load8_s", "i32.load16_u"];
const STORES = ["i32.store", "i32.store8", "i32.store16"];

const OVER = "(i32.le_s (global.get $budget) (i32.const 0))";
const SPEND = "(global.set $budget (i32.sub (global.get $budget) (i32.const 1)))";

const within = (scope: Scope, ...labels: string[]): Scope => ({ ...scope, labels: [...scope.labels, ...labels] });
const label = (scope: Scope, which: number): string | undefined => scope.labels.at(which % Math.max(1, scope.labels.length));
const all = (pieces: readonly Piece[], scope: Scope): string => pieces.map((piece) => piece(scope)).join(" ");

const piece = <T>(from: fc.Arbitrary<T>, print: (value: T, scope: Scope) => string): fc.Arbitrary<Piece> =>
  from.map((value) => (scope) => print(value, scope));

const number = fc.oneof(fc.integer({ min: -2, max: 20 }), fc.integer(), fc.constantFrom(2 ** 31 - 1, -(2 ** 31)));
const local = fc.constantFrom(...I32_LOCALS);
const constant: fc.Arbitrary<Piece> = number.map((value) => () => `(i32.const ${value})`);
const leaf: fc.Arbitrary<Piece> = fc.oneof(
  { weight: 2, arbitrary: constant },
  { weight: 3, arbitrary: local.map((name) => () => `(local.get ${name})`) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        "(global.get $g)",
        "(memory.size)",
        "(i32.wrap_i64 (local.get $l))",
        "(i32.wrap_i64 (global.get $h))",
        "(i32.trunc_sat_f64_s (local.get $d))",
      )
      .map((text) => () => text),
  },
);

/** An address that mostly exists. */
const inMemory = (piece: Piece, wild: boolean, scope: Scope): string =>
  wild ? piece(scope) : `(i32.and ${piece(scope)} (i32.const 0x7ff))`;
const rarely = fc.nat(15).map((n) => n === 0);

const { expression, statements } = fc.letrec<{ expression: Piece; statements: readonly Piece[]; statement: Piece }>((tie) => {
  const e = tie("expression");
  const body = tie("statements");
  const pick = fc.nat(7);
  return {
    statements: fc.array(tie("statement"), { maxLength: 4, depthIdentifier: "piece" }),
    expression: fc.oneof(
      { depthIdentifier: "piece", maxDepth: 6, depthSize: "small", withCrossShrink: true },
      leaf,
      piece(fc.tuple(fc.constantFrom(...BINARY), e, e), ([op, a, b], s) => `(i32.${op} ${a(s)} ${b(s)})`),
      piece(fc.tuple(fc.constantFrom(...UNARY), e), ([op, a], s) => `(${op} ${a(s)})`),
      piece(fc.tuple(fc.constantFrom(...LOADS), e, rarely), ([op, at, wild], s) => `(${op} ${inMemory(at, wild, s)})`),
      piece(fc.tuple(local, e), ([name, a], s) => `(local.tee ${name} ${a(s)})`),
      piece(fc.tuple(e, e, e), ([c, a, b], s) => `(select ${a(s)} ${b(s)} ${c(s)})`),
      piece(fc.tuple(e, e, e), ([c, a, b], s) => `(if (result i32) ${c(s)} (then ${a(s)}) (else ${b(s)}))`),
      piece(fc.tuple(e, e, body), ([a, b, more], s) => `(i32.sub (block (result i32 i32) ${a(s)} ${all(more, s)} ${b(s)}))`),
      piece(fc.tuple(body, e, e, e), ([before, a, c, b], s) => {
        const name = s.fresh();
        return `(block ${name} (result i32) ${all(before, s)} (drop (br_if ${name} ${a(s)} ${c(s)})) ${b(s)})`;
      }),
      piece(fc.tuple(e, e, fc.nat(3)), ([a, b, f], s) => `(call $f${f % s.functions} ${a(s)} ${b(s)})`),
      piece(fc.tuple(e, e, e, rarely), ([a, b, index, wild], s) => {
        const which = wild ? index(s) : `(i32.rem_u ${index(s)} (i32.const ${s.functions}))`;
        return `(call_indirect (type $t) ${a(s)} ${b(s)} ${which})`;
      }),
      piece(fc.tuple(e, e, e, body), ([first, next, again, inner], s) => {
        const [out, loop] = [s.fresh(), s.fresh()];
        const counting = s.counted ? `(drop (br_if ${out} (local.get $z) ${OVER})) ${SPEND}` : "";
        const turn = `(local.set $z) ${counting} ${all(inner, s)} (br_if ${loop} (i32.xor (local.get $z) ${next(s)}) ${again(s)})`;
        return `(block ${out} (result i32) ${first(s)} (loop ${loop} (param i32) (result i32) ${turn}))`;
      }),
      fc.nat(2).map((pages) => () => `(memory.grow (i32.const ${pages}))`),
    ),
    statement: fc.oneof(
      { depthIdentifier: "piece", maxDepth: 6, depthSize: "small", withCrossShrink: true },
      piece(fc.tuple(local, e), ([name, a], s) => `(local.set ${name} ${a(s)})`),
      piece(fc.tuple(fc.constantFrom(...STORES), e, e, rarely), ([op, at, a, wild], s) => `(${op} ${inMemory(at, wild, s)} ${a(s)})`),
      piece(e, (a, s) => `(global.set $g ${a(s)})`),
      piece(fc.tuple(fc.constantFrom("add", "mul", "rotl", "div_s"), e), ([op, a], s) => {
        return `(global.set $h (local.tee $l (i64.${op} (local.get $l) (i64.extend_i32_s ${a(s)}))))`;
      }),
      piece(e, (a, s) => `(local.set $d (f64.add (f64.sqrt (f64.abs (local.get $d))) (f64.convert_i32_s ${a(s)})))`),
      piece(fc.tuple(e, body, body), ([c, yes, no], s) => {
        const name = s.fresh();
        return `(if ${name} ${c(s)} (then ${all(yes, within(s, name))}) (else ${all(no, within(s, name))}))`;
      }),
      piece(body, (inner, s) => {
        const name = s.fresh();
        return `(block ${name} ${all(inner, within(s, name))})`;
      }),
      piece(fc.tuple(body, e, fc.boolean()), ([inner, again, always], s) => {
        const [out, loop] = [s.fresh(), s.fresh()];
        const counting = s.counted ? `(br_if ${out} ${OVER}) ${SPEND}` : "";
        const goOn = always ? `(br ${loop})` : `(br_if ${loop} ${again(within(s, out, loop))})`;
        return `(block ${out} (loop ${loop} ${counting} ${all(inner, within(s, out, loop))} ${goOn}))`;
      }),
      piece(fc.tuple(e, pick), ([c, which], s) => {
        const to = label(s, which);
        return to === undefined ? `(drop ${c(s)})` : `(br_if ${to} ${c(s)})`;
      }),
      piece(fc.tuple(e, pick, pick, pick), ([index, ...which], s) => {
        const to = which.map((each) => label(s, each) ?? "");
        return to.includes("") ? `(drop ${index(s)})` : `(br_table ${to.join(" ")} ${index(s)})`;
      }),
      piece(fc.tuple(e, e), ([c, a], s) => `(if ${c(s)} (then (return ${a(s)})))`),
      piece(fc.tuple(e, e, e, fc.nat(3)), ([c, a, b, f], s) => `(if ${c(s)} (then (return_call $f${f % s.functions} ${a(s)} ${b(s)})))`),
      piece(fc.tuple(e, rarely), ([c, really], s) => (really ? `(if ${c(s)} (then (call $quit ${c(s)}) (unreachable)))` : "(nop)")),
      piece(fc.tuple(e, e), ([c, a], s) => `(if ${c(s)} (then (throw $e ${a(s)})))`),
      piece(fc.tuple(body, local, body, e), ([inner, name, caught, c], s) => {
        if (s.tryTable) {
          const [done, any, tagged] = [s.fresh(), s.fresh(), s.fresh()];
          const attempt = `(try_table (catch $e ${tagged}) (catch_all ${any}) ${all(inner, s)})`;
          const one = `(local.set ${name} (block ${tagged} (result i32) ${attempt} (br ${done}))) ${all(caught, s)} (br ${done})`;
          return `(block ${done} (block ${any} ${one}) ${all(caught, s)})`;
        }
        const again = s.fresh();
        const rethrow = `(if ${c(s)} (then (rethrow ${again})))`;
        return `(try ${again} (do ${all(inner, s)}) (catch $e (local.set ${name}) ${all(caught, s)}) (catch_all ${all(caught, s)} ${rethrow}))`;
      }),
      piece(fc.tuple(e, e, e), ([to, value, n], s) => `(memory.fill ${inMemory(to, false, s)} ${value(s)} ${inMemory(n, false, s)})`),
      piece(
        fc.tuple(e, e, e),
        ([to, from, n], s) => `(memory.copy ${inMemory(to, false, s)} ${inMemory(from, false, s)} ${inMemory(n, false, s)})`,
      ),
    ),
  };
});

function functionText(index: number, [body, result]: readonly [readonly Piece[], Piece], scope: Scope): string {
  const code = `${all(body, scope)} ${result(scope)}`;
  // What calls nothing ends anyway; without the check the meter sees functions that it leaves alone.
  const counting = scope.counted && code.includes("call") ? `(if ${OVER} (then (return (i32.const ${index})))) ${SPEND}` : "";
  return `(func $f${index} (export "f${index}") (type $t) (param $a i32) (param $b i32) (result i32)
    (local $x i32) (local $y i32) (local $z i32) (local $l i64) (local $d f64) ${counting} ${code})`;
}

interface Form {
  readonly counted: boolean;
  readonly tryTable: boolean;
}

function moduleText(bodies: readonly (readonly [readonly Piece[], Piece])[], form: Form): string {
  let names = 0;
  const fresh = (): string => `$l${names++}`;
  const functions = bodies.length;
  const texts = bodies.map((body, index) => functionText(index, body, { ...form, labels: [], functions, fresh }));
  return `(module (type $t (func (param i32 i32) (result i32))) (tag $e (param i32))
    (memory (export "memory") 1 3) (data (i32.const 16) "some bytes to be found")
    (global $g (export "g") (mut i32) (i32.const 5)) (global $h (export "h") (mut i64) (i64.const -3))
    (global $budget (export "budget") (mut i32) (i32.const 0))
    (table ${functions + 2} funcref) (elem (i32.const 0) ${bodies.map((_, i) => `$f${i}`).join(" ")} $quit)
    (func $quit (param i32) (global.set $g (call $f0 (local.get 0) (i32.const 1))))
    ${texts.join("\n    ")})`;
}

export const randomModule: fc.Arbitrary<RandomModule> = fc
  .tuple(fc.boolean(), fc.array(fc.tuple(statements, expression), { minLength: 1, maxLength: 4, size: "max" }))
  .map(([tryTable, bodies]) => ({
    counted: moduleText(bodies, { counted: true, tryTable }),
    endless: moduleText(bodies, { counted: false, tryTable }),
    functions: bodies.length,
  }));
