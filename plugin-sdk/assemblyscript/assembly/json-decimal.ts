// The double nearest to a decimal number, exactly: for what numberOf in json-number.ts cannot do in 64 bits. A guess is compared with the middle between it and its
// neighbours, in whole numbers of any size, until the number lies between them (after Clinger's AlgorithmR).

/** More digits than that decide nothing but whether there is something behind them. */
const MOST_DIGITS = 800;
const FRACTION_BITS = 52;
const FRACTION: u64 = ((<u64>1) << FRACTION_BITS) - 1;
const LEAST_EXPONENT = -1074;
const NEAR: u64 = 4;
const INFINITE: u64 = (<u64>0x7ff) << FRACTION_BITS;

/** A natural number in 32-bit digits, the least first. */
class Natural {
  digits: u32[] = [];

  timesPlus(factor: u32, summand: u32): void {
    let carry: u64 = summand;
    for (let i = 0; i < this.digits.length; i++) {
      carry += <u64>this.digits[i] * factor;
      this.digits[i] = <u32>carry;
      carry >>= 32;
    }
    if (carry) this.digits.push(<u32>carry);
  }

  timesPowerOf5(power: i32): void {
    for (; power >= 13; power -= 13) this.timesPlus(1_220_703_125, 0);
    for (; power > 0; power--) this.timesPlus(5, 0);
  }

  shift(bits: i32): void {
    for (; bits >= 31; bits -= 31) this.timesPlus((<u32>1) << 31, 0);
    this.timesPlus((<u32>1) << bits, 0);
  }

  compare(other: Natural): i32 {
    if (this.digits.length != other.digits.length) return this.digits.length < other.digits.length ? -1 : 1;
    for (let i = this.digits.length - 1; i >= 0; i--) {
      if (this.digits[i] != other.digits[i]) return this.digits[i] < other.digits[i] ? -1 : 1;
    }
    return 0;
  }
}

function naturalOf(value: u64): Natural {
  const natural = new Natural();
  if (value) natural.digits.push(<u32>value);
  if (value >> 32) natural.digits.push(<u32>(value >> 32));
  return natural;
}

/** Compares digits × 10^power with the middle between the doubles of these bits and of the next ones. */
function compareWithMiddle(digits: Natural, power: i32, bits: u64): i32 {
  const exponent = <i32>(bits >> FRACTION_BITS);
  const mantissa = exponent ? (bits & FRACTION) | ((<u64>1) << FRACTION_BITS) : bits;
  // A mantissa and a half is one more binary digit.
  const middle = naturalOf(2 * mantissa + 1);
  const number = new Natural();
  for (let i = 0; i < digits.digits.length; i++) number.digits.push(digits.digits[i]);
  if (power > 0) number.timesPowerOf5(power);
  else middle.timesPowerOf5(-power);
  const shift = power - (max(exponent, 1) - 1 + LEAST_EXPONENT - 1);
  if (shift > 0) number.shift(shift);
  else middle.shift(-shift);
  return number.compare(middle);
}

/** Of the digits between `start` and `end`, with a point or not, times ten to the `exponent`; `guess` is near to it and positive. */
export function nearest(bytes: StaticArray<u8>, start: i32, end: i32, exponent: i32, guess: f64): f64 {
  const digits = new Natural();
  let power = exponent;
  let count = 0;
  let isFraction = false;
  let more = false;
  for (let i = start; i < end; i++) {
    const byte = unchecked(bytes[i]);
    if (byte == 0x2e) {
      isFraction = true;
      continue;
    }
    const digit = <u32>(byte - 0x30);
    if (count == MOST_DIGITS) {
      if (digit) more = true;
      if (!isFraction) power++;
      continue;
    }
    digits.timesPlus(10, digit);
    if (digits.digits.length) count++;
    if (isFraction) power--;
  }
  if (!digits.digits.length || power + count < LEAST_EXPONENT) return 0;
  if (power + count > 310) return Infinity;
  if (more) {
    digits.timesPlus(10, 1);
    power--;
  }
  const bits = reinterpret<u64>(guess);
  // Between the two lies what is sought: at first near to the guess, then anywhere, since f64.parse is far off for some very large and very small numbers.
  let low: u64 = bits > NEAR && bits < INFINITE ? bits - NEAR : 0;
  let high: u64 = bits < INFINITE - NEAR ? bits + NEAR : INFINITE;
  if (low && !isAbove(digits, power, low - 1)) low = 0;
  if (high < INFINITE && isAbove(digits, power, high)) high = INFINITE;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    if (isAbove(digits, power, middle)) low = middle + 1;
    else high = middle;
  }
  return reinterpret<f64>(low);
}

/** Whether the number is nearer to the next double than to this one; from the middle it goes to the even one. */
function isAbove(digits: Natural, power: i32, bits: u64): bool {
  const compared = compareWithMiddle(digits, power, bits);
  return compared > 0 || (compared == 0 && (bits & 1) == 1);
}
