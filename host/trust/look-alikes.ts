// Names that people take for one another: dev1ces for devices, acrne for acme.

import { distanceOf } from "../manifest/suggest.ts";

/** Shorter names are near to each other without meaning to. */
const MIN_LENGTH = 5;
const ALIKE: readonly (readonly [RegExp, string])[] = [
  [/rn/g, "m"],
  [/vv/g, "w"],
  [/cl/g, "d"],
  [/0/g, "o"],
  [/[1il|]/g, "l"],
  [/5/g, "s"],
  [/3/g, "e"],
  [/4/g, "a"],
  [/8/g, "b"],
  [/2/g, "z"],
  [/[-_.]/g, ""],
];

/** The one of the known names that this one could be taken for; undefined when it is one of them, or like none. */
export function lookAlikeOf(name: string, known: Iterable<string>): string | undefined {
  const names = [...known];
  if (names.includes(name)) return undefined;
  const own = skeleton(name);
  return names.find((other) => skeleton(other) === own) ?? names.find((other) => isNear(name, other));
}

/** One letter more, less, other or swapped. */
const isNear = (name: string, other: string): boolean =>
  Math.min(name.length, other.length) >= MIN_LENGTH && Math.abs(name.length - other.length) <= 1 && distanceOf(name, other) === 1;

const skeleton = (name: string): string => ALIKE.reduce((text, [alike, one]) => text.replace(alike, one), name.toLowerCase());
