// The value of a number that json-reader.ts has checked.

import { nearest } from "./json-decimal";
import { decodeUtf8 } from "./memory";

const MOST_EXACT: u64 = 1 << 53;
const EXACT_POWER = 22;

const POWERS: StaticArray<f64> = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/**
 * The double nearest to the number. Digits and power of ten that both fit a double (up to 15 digits, between 1e-22 and 1e22: Clinger's fast path) need one
 * operation; the rest takes f64.parse for a guess, which in AssemblyScript 0.28.20 is one unit in the last place off for a few numbers.
 */
export function numberOf(bytes: StaticArray<u8>, start: i32, end: i32): f64 {
  const negative = unchecked(bytes[start]) == 0x2d;
  const first = start + <i32>negative;
  let digits: u64 = 0;
  let power = 0;
  let fraction = false;
  let fits = true;
  let i = first;
  for (; i < end; i++) {
    const byte = unchecked(bytes[i]);
    if (byte == 0x2e) {
      fraction = true;
      continue;
    }
    if (byte < 0x30 || byte > 0x39) break;
    if (digits >= MOST_EXACT) fits = false;
    else {
      digits = digits * 10 + (byte - 0x30);
      if (fraction) power--;
    }
  }
  const exponent = i < end ? exponentOf(bytes, i + 1, end) : 0;
  power += exponent;
  if (!fits || digits > MOST_EXACT || power < -EXACT_POWER || power > EXACT_POWER) {
    const value = nearest(bytes, first, i, exponent, f64.parse(decodeUtf8(bytes, first, end)));
    return negative ? -value : value;
  }
  const value = power < 0 ? <f64>digits / unchecked(POWERS[-power]) : <f64>digits * unchecked(POWERS[power]);
  return negative ? -value : value;
}

/** Far beyond what matters it no longer grows, so that no number of digits overflows. */
function exponentOf(bytes: StaticArray<u8>, start: i32, end: i32): i32 {
  let exponent = 0;
  for (let i = start; i < end; i++) {
    const digit = <i32>unchecked(bytes[i]) - 0x30;
    if (digit >= 0 && exponent < 10_000) exponent = exponent * 10 + digit;
  }
  return unchecked(bytes[start]) == 0x2d ? -exponent : exponent;
}

/** The digits of a whole number without its sign; `fits` says whether they fit in 64 bits. */
export class Digits {
  value: u64 = 0;
  fits: bool = true;

  constructor(bytes: StaticArray<u8>, start: i32, end: i32) {
    for (let i = start; i < end; i++) {
      const digit = <u64>(unchecked(bytes[i]) - 0x30);
      if (this.value > (u64.MAX_VALUE - digit) / 10) this.fits = false;
      this.value = this.value * 10 + digit;
    }
  }
}
