// When two JSON values are the same, as JSON Schema has it: objects whatever the order of their names.

import type { Walk } from "./walk.ts";
import { isRecord } from "./words.ts";

const CHARACTERS_PER_STEP = 32;

export function isSame(walk: Walk, one: unknown, other: unknown): boolean {
  walk.spend(typeof one === "string" ? 1 + Math.ceil(one.length / CHARACTERS_PER_STEP) : 1);
  if (one === other) return true;
  if (Array.isArray(one))
    return Array.isArray(other) && one.length === other.length && one.every((item, i) => isSame(walk, item, other[i]));
  if (!isRecord(one) || !isRecord(other)) return false;
  const names = Object.keys(one);
  walk.spend(names.length);
  return (
    names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && isSame(walk, one[name], other[name]))
  );
}

/** Each item is written in one way only, and looked up among those before it. */
export function isWithoutRepetition(walk: Walk, items: readonly unknown[]): boolean {
  const seen = new Set<string>();
  return items.every((item) => {
    const text = canonical(walk, item);
    return !seen.has(text) && seen.add(text);
  });
}

function canonical(walk: Walk, value: unknown): string {
  walk.spend(typeof value === "string" ? 1 + Math.ceil(value.length / CHARACTERS_PER_STEP) : 4);
  if (Array.isArray(value)) return `[${value.map((item) => canonical(walk, item)).join()}]`;
  if (!isRecord(value)) return JSON.stringify(value === 0 ? 0 : value);
  const names = Object.keys(value).toSorted();
  walk.spend(8 * names.length);
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(walk, value[name])}`).join()}}`;
}
