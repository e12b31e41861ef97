// JSON that people look at too: on a terminal, in a browser, in the answer of curl.

import { UNSEEN } from "../core/names.ts";

/** The same values, with everything in their texts to be seen: what does not show is written by JSON's own escapes. Ends of lines between values stay. */
export function shownJson(json: string): string {
  return json.replace(UNSEEN, (character) => (character === "\n" ? character : character.split("").map(unitEscape).join("")));
}

const unitEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
