// The last entries, in memory: bounded in number and in characters, the oldest go first. An instance that is rebuilt begins anew.

import { Json } from "@bulkhead/assemblyscript";

const MAX_CHARACTERS = 1_000_000;

export const LEVELS: StaticArray<string> = ["DEBUG", "INFO", "WARNING", "ERROR"];

@json
export class Entry {
  /** RFC 3339. */
  time: string = "";
  level: string = "";
  /** Who wrote it: the name of a plugin or an adapter, as the host says. */
  source: string = "";
  message: string = "";
  fields: Json | null = null;

  get characters(): i32 {
    const fields = this.fields;
    return this.message.length + (fields === null ? 0 : fields.end - fields.start);
  }
}

/** An entry with its level as a number, so that a search compares no text for it. */
class Kept {
  constructor(
    readonly entry: Entry,
    readonly level: i32,
  ) {}
}

let kept: Kept[] = [];
const NOTHING = new Kept(new Entry(), 0);
// Where the oldest entry stands; those before it are gone and are cut off in batches, because shifting an array moves all of it.
let oldest = 0;
let characters = 0;

export function keep(entry: Entry, level: i32, most: i32): void {
  kept.push(new Kept(entry, level));
  characters += entry.characters;
  while (kept.length - oldest > most || (characters > MAX_CHARACTERS && kept.length - oldest > 1)) {
    characters -= kept[oldest].entry.characters;
    kept[oldest] = NOTHING;
    oldest++;
  }
  if (oldest > kept.length / 2) {
    kept = kept.slice(oldest);
    oldest = 0;
  }
}

/** The newest first. */
export function find(leastLevel: i32, contains: string, source: string, limit: i32): Entry[] {
  const found: Entry[] = [];
  for (let i = kept.length - 1; i >= oldest && found.length < limit; i--) {
    if (kept[i].level < leastLevel) continue;
    const entry = kept[i].entry;
    if (contains.length && !holds(entry.message, contains)) continue;
    if (source.length && entry.source != source) continue;
    found.push(entry);
  }
  return found;
}

// String.includes compares the whole part at every position; nearly all of them differ in the first character.
function holds(text: string, part: string): bool {
  const first = part.charCodeAt(0);
  const last = text.length - part.length;
  for (let i = 0; i <= last; i++) if (text.charCodeAt(i) == first && text.startsWith(part, i)) return true;
  return false;
}

/** How severe a level is, -1 for a word that is none; upper and lower case are the same. */
export function rank(level: string): i32 {
  const upper = level.toUpperCase();
  for (let i = 0; i < LEVELS.length; i++) if (LEVELS[i] == upper) return i;
  return -1;
}
