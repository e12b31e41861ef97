// Names that people take for one another: dev1ces for devices, acrne for acme. And letters of other scripts that look like ours.

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

/** `: its letter U+0430 is none of a to z` of a name that has one, however it looks; nothing for a name of ASCII. */
export function foreignWords(name: string): string {
  const found = /[^\p{ASCII}]/u.exec(name)?.[0];
  return found === undefined
    ? ""
    : `: its letter U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} is none of a to z`;
}
