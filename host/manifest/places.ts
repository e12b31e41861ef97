// On which line of a JSON text something stands. The text was parsed already, so it is well-formed; this walks over it once more and copies nothing but keys.

/** The line, from 1, of what lies at `path`, or of the nearest thing around it that is there. */
export function lineOf(text: string, path: readonly PropertyKey[]): number {
  let at = skipSpace(text, 0);
  for (const key of path) {
    const found = text[at] === "{" ? memberAt(text, at, String(key)) : text[at] === "[" ? itemAt(text, at, Number(key)) : undefined;
    if (found === undefined) break;
    at = found;
  }
  return text.slice(0, at).split("\n").length;
}

const SPACE = /\s/;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (SPACE.test(text[at] ?? "")) at += 1;
  return at;
}

/** Behind the string that begins at `from`. */
function skipString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"' && at < text.length) at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** Behind the value that begins at `from`. */
function skipValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const character = text[at] ?? "";
    if (character === '"') at = skipString(text, at);
    else {
      if ("{[".includes(character)) depth += 1;
      if (depth === 0 && ",]}".includes(character)) return at;
      if ("]}".includes(character)) depth -= 1;
      at += 1;
    }
    if (depth === 0 && '"]}'.includes(character)) return at;
  }
  return text.length;
}

/** Where the last member of this name has its value, which is the one that counts. */
function memberAt(text: string, object: number, key: string): number | undefined {
  let found: number | undefined;
  for (let at = skipSpace(text, object + 1); text[at] === '"'; at = skipSpace(text, at + 1)) {
    const end = skipString(text, at);
    const value = skipSpace(text, skipSpace(text, end) + 1);
    if (JSON.parse(text.slice(at, end)) === key) found = value;
    at = skipSpace(text, skipValue(text, value));
    if (text[at] !== ",") break;
  }
  return found;
}

function itemAt(text: string, list: number, index: number): number | undefined {
  let at = skipSpace(text, list + 1);
  for (let i = 0; text[at] !== "]"; i += 1) {
    if (i === index) return at;
    at = skipSpace(text, skipValue(text, at));
    if (text[at] !== ",") return undefined;
    at = skipSpace(text, at + 1);
  }
  return undefined;
}
