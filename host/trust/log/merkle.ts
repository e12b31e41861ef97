// The hash tree of RFC 6962: hashes of leaves and nodes, proofs that a leaf is in a tree and that one tree begins with another, and what checks them. Where
// hashes come from is for whoever asks: a proof is believed when it leads to a root that is.

import { createHash } from "node:crypto";

/** Of the complete subtree over leaves [index · 2^level, (index + 1) · 2^level). */
export type HashAt = (level: number, index: number) => Promise<Uint8Array>;

/** Of leaves; what is counted stays exact. */
export const MAX_TREE: number = 2 ** 48;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (entry: Uint8Array): Buffer => createHash("sha256").update(LEAF).update(entry).digest();
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash("sha256").update(NODE).update(left).update(right).digest();

/** Of a tree without leaves. */
export const EMPTY_ROOT: Buffer = createHash("sha256").digest();

export const sameHash = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

export const rootHash = (size: number, hashAt: HashAt): Promise<Uint8Array> =>
  size === 0 ? Promise.resolve(EMPTY_ROOT) : rangeHash(0, size, hashAt);

/** Beside a leaf on its way to the root, from below. */
export async function inclusionProof(index: number, size: number, hashAt: HashAt): Promise<Uint8Array[]> {
  const proof: Uint8Array[] = [];
  for (let [low, high] = [0, size]; high - low > 1; ) {
    const middle = low + largestPowerBelow(high - low);
    if (index < middle) {
      proof.unshift(await rangeHash(middle, high, hashAt));
      high = middle;
    } else {
      proof.unshift(await rangeHash(low, middle, hashAt));
      low = middle;
    }
  }
  return proof;
}

/** That the tree of `size` leaves begins with that of `older`, of which there is one at least. */
export async function consistencyProof(older: number, size: number, hashAt: HashAt): Promise<Uint8Array[]> {
  const proof: Uint8Array[] = [];
  let [low, high] = [0, size];
  while (high !== older) {
    const middle = low + largestPowerBelow(high - low);
    if (older <= middle) {
      proof.unshift(await rangeHash(middle, high, hashAt));
      high = middle;
    } else {
      proof.unshift(await rangeHash(low, middle, hashAt));
      low = middle;
    }
  }
  // The root of the older one is known to whoever checks.
  if (low !== 0) proof.unshift(await rangeHash(low, high, hashAt));
  return proof;
}

/** By RFC 9162, section 2.1.3.2. */
export function isIncluded(
  { index, size, leaf, root }: { readonly index: number; readonly size: number; readonly leaf: Uint8Array; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (index < 0 || index >= size) return false;
  let way: Way = { at: index, last: size - 1 };
  let hash = leaf;
  for (const beside of proof) {
    if (way.last === 0) return false;
    if (isRight(way)) {
      hash = nodeHash(beside, hash);
      way = pastLeftEdge(way);
    } else hash = nodeHash(hash, beside);
    way = up(way);
  }
  return way.last === 0 && sameHash(hash, root);
}

/** By RFC 9162, section 2.1.4.2. */
export function isConsistent(
  older: { readonly size: number; readonly root: Uint8Array },
  newer: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (older.size === 0) return sameHash(older.root, EMPTY_ROOT) && proof.length === 0;
  if (older.size === newer.size) return proof.length === 0 && sameHash(older.root, newer.root);
  if (older.size > newer.size || (proof.length === 0 && newer.size !== older.size)) return false;
  const [first, ...rest] = isPower(older.size) ? [older.root, ...proof] : proof;
  if (first === undefined) return false;
  let way: Way = { at: older.size - 1, last: newer.size - 1 };
  while (isOdd(way.at)) way = up(way);
  let [before, after] = [first, first];
  for (const beside of rest) {
    if (way.last === 0) return false;
    if (isRight(way)) {
      before = nodeHash(beside, before);
      after = nodeHash(beside, after);
      way = pastLeftEdge(way);
    } else after = nodeHash(after, beside);
    way = up(way);
  }
  return way.last === 0 && sameHash(before, older.root) && sameHash(after, newer.root);
}

/** A place in one level of the tree, and the last one there. */
interface Way {
  readonly at: number;
  readonly last: number;
}

const isOdd = (number: number): boolean => number % 2 === 1;
const half = (number: number): number => Math.floor(number / 2);
const isRight = ({ at, last }: Way): boolean => isOdd(at) || at === last;
const up = ({ at, last }: Way): Way => ({ at: half(at), last: half(last) });

/** To where a node has one beside it on its left. */
function pastLeftEdge(from: Way): Way {
  let way = from;
  while (!isOdd(way.at) && way.at !== 0) way = up(way);
  return way;
}

const isPower = (size: number): boolean => 2 ** Math.round(Math.log2(size)) === size;

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

async function rangeHash(low: number, high: number, hashAt: HashAt): Promise<Uint8Array> {
  const size = high - low;
  if (isPower(size)) return hashAt(Math.round(Math.log2(size)), low / size);
  const middle = low + largestPowerBelow(size);
  return nodeHash(await rangeHash(low, middle, hashAt), await rangeHash(middle, high, hashAt));
}
