// CPU-bound work of many shapes, in AssemblyScript, to measure what metering costs. Each kernel takes a size and answers
// a number that depends on all of its work.

/** Byte stores in a tight inner loop. */
export function sieve(limit: i32): i32 {
  const composite = new StaticArray<bool>(limit + 1);
  let primes = 0;
  for (let candidate = 2; candidate <= limit; candidate++) {
    if (unchecked(composite[candidate])) continue;
    primes++;
    for (let multiple = candidate + candidate; multiple <= limit; multiple += candidate) {
      unchecked((composite[multiple] = true));
    }
  }
  return primes;
}

/** A loop whose body is a handful of instructions. */
export function hash(rounds: i32): i32 {
  let state: u32 = 0x811c9dc5;
  for (let i = 0; i < rounds; i++) {
    state = (state ^ (i & 0xff)) * 0x01000193;
    state ^= state >> 13;
  }
  return state;
}

/** Calls and nothing else. */
export function fib(n: i32): i32 {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/** Three nested loops over floats. */
export function matmul(size: i32): i32 {
  const left = new StaticArray<f64>(size * size);
  const right = new StaticArray<f64>(size * size);
  for (let i = 0; i < size * size; i++) {
    unchecked((left[i] = <f64>(i % 13)));
    unchecked((right[i] = <f64>(i % 5)));
  }
  let checksum: f64 = 0;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let sum: f64 = 0;
      for (let k = 0; k < size; k++) sum += unchecked(left[row * size + k]) * unchecked(right[k * size + column]);
      checksum += sum * <f64>((row ^ column) & 3);
    }
  }
  return <i32>(<i64>checksum & 0x7fffffff);
}

function quicksort(values: StaticArray<i32>, from: i32, to: i32): void {
  while (from < to) {
    const pivot = unchecked(values[(from + to) >>> 1]);
    let low = from;
    let high = to;
    while (low <= high) {
      while (unchecked(values[low]) < pivot) low++;
      while (unchecked(values[high]) > pivot) high--;
      if (low > high) break;
      const swapped = unchecked(values[low]);
      unchecked((values[low++] = unchecked(values[high])));
      unchecked((values[high--] = swapped));
    }
    if (high - from < to - low) {
      quicksort(values, from, high);
      from = low;
    } else {
      quicksort(values, low, to);
      to = high;
    }
  }
}

/** Tiny loops that end unpredictably. */
export function sort(count: i32): i32 {
  const values = new StaticArray<i32>(count);
  let seed: u32 = 2463534242;
  for (let i = 0; i < count; i++) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    unchecked((values[i] = seed >>> 1));
  }
  quicksort(values, 0, count - 1);
  let checksum = 0;
  for (let i = 0; i < count; i++) checksum = checksum * 31 + unchecked(values[i]);
  return checksum;
}

class Account {
  constructor(
    public id: i32,
    public owner: string,
    public balance: f64,
  ) {}

  describe(): string {
    return "#" + this.id.toString() + " " + this.owner + ": " + this.balance.toString();
  }
}

/** Strings, a map, allocation and the garbage collector of the language's runtime. */
export function stringMap(count: i32): i32 {
  const accounts = new Map<string, Account>();
  for (let i = 0; i < count; i++) {
    const key = "account-" + ((i * 7907) % (count / 2 + 1)).toString();
    if (accounts.has(key)) {
      const account = accounts.get(key);
      account.balance += 0.25;
      account.owner = account.owner.toUpperCase().replaceAll("O", "o");
    } else {
      accounts.set(key, new Account(i, "owner of " + key, <f64>i / 7));
    }
  }
  const keys = accounts.keys();
  keys.sort();
  let checksum = 0;
  for (let i = 0; i < keys.length; i++) {
    const text = accounts.get(keys[i]).describe();
    for (let at = 0; at < text.length; at++) checksum = checksum * 33 + text.charCodeAt(at);
  }
  return checksum;
}

/** A byte-wise scanner with a switch, as parsers of JSON have. */
export function scanJson(rounds: i32): i32 {
  const piece = String.UTF8.encode('{"list":[12,7,-3.5e2],"text":"a \\"quoted\\" word","flags":{"on":true,"off":null}} , ');
  const text = new Uint8Array(piece.byteLength * 64);
  for (let i = 0; i < text.length; i++) text[i] = load<u8>(changetype<usize>(piece) + (i % piece.byteLength));
  let checksum = 0;
  for (let round = 0; round < rounds; round++) {
    let depth = 0;
    let at = 0;
    while (at < text.length) {
      const char = text[at++];
      switch (char) {
        case 0x7b:
        case 0x5b:
          depth++;
          break;
        case 0x7d:
        case 0x5d:
          depth--;
          break;
        case 0x22:
          while (text[at] != 0x22) {
            if (text[at] == 0x5c) at++;
            checksum = checksum * 31 + text[at++];
          }
          at++;
          break;
        case 0x20:
        case 0x2c:
        case 0x3a:
          break;
        default: {
          let number = 0;
          while (at < text.length && text[at] >= 0x2b && text[at] <= 0x39 && text[at] != 0x2c) {
            number = number * 10 + text[at++] - 0x30;
          }
          checksum += number + depth;
        }
      }
    }
  }
  return checksum;
}

type Operation = (left: i32, right: i32) => i32;
const operations: Operation[] = [
  (left, right) => left + right,
  (left, right) => left ^ (right << 1),
  (left, right) => left * 3 - right,
  (left, right) => rotl(left, 5) + right,
];

/** A call through a table in every iteration. */
export function dispatch(rounds: i32): i32 {
  let state = 1;
  for (let i = 0; i < rounds; i++) state = unchecked(operations[state & 3])(state, i);
  return state;
}

function takeuchi(x: i32, y: i32, z: i32): i32 {
  if (y >= x) return z;
  return takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

/** Recursion of four calls each. */
export function tak(n: i32): i32 {
  return takeuchi(n, (n * 2) / 3, n / 3);
}

function place(row: i32, left: i32, right: i32, all: i32): i32 {
  if (row == all) return 1;
  let free = all & ~(row | left | right);
  let solutions = 0;
  while (free != 0) {
    const bit = free & -free;
    free ^= bit;
    solutions += place(row | bit, (left | bit) << 1, (right | bit) >>> 1, all);
  }
  return solutions;
}

/** Recursion out of a loop. */
export function queens(size: i32): i32 {
  return place(0, 0, 0, (1 << size) - 1);
}

class Tree {
  left: Tree | null = null;
  right: Tree | null = null;
  constructor(public value: i32) {}
}

function grow(depth: i32): Tree {
  const tree = new Tree(depth);
  if (depth > 0) {
    tree.left = grow(depth - 1);
    tree.right = grow(depth - 1);
  }
  return tree;
}

function weigh(tree: Tree): i32 {
  let weight = tree.value;
  const left = tree.left;
  const right = tree.right;
  if (left != null) weight += weigh(left);
  if (right != null) weight += weigh(right);
  return weight;
}

/** Allocation and pointers. */
export function tree(depth: i32): i32 {
  let weight = 0;
  for (let i = 0; i < 4; i++) weight += weigh(grow(depth));
  return weight;
}

/** Floats in a loop that ends unpredictably. */
export function mandelbrot(size: i32): i32 {
  let total = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const cx = (<f64>x / size) * 3 - 2;
      const cy = (<f64>y / size) * 2 - 1;
      let a: f64 = 0;
      let b: f64 = 0;
      let steps = 0;
      while (steps < 100 && a * a + b * b < 4) {
        const next = a * a - b * b + cx;
        b = 2 * a * b + cy;
        a = next;
        steps++;
      }
      total += steps;
    }
  }
  return total;
}

/** A table look-up in every iteration. */
export function crc(rounds: i32): i32 {
  const table = new StaticArray<u32>(256);
  for (let i = 0; i < 256; i++) {
    let entry: u32 = i;
    for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? 0xedb88320 ^ (entry >> 1) : entry >> 1;
    unchecked((table[i] = entry));
  }
  let sum: u32 = ~0;
  for (let i = 0; i < rounds; i++) sum = unchecked(table[(sum ^ i) & 0xff]) ^ (sum >> 8);
  return ~sum;
}
