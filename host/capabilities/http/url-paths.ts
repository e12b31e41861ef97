// What a server may make of a URL's path: servers decode, fold, strip and merge in ways of their own. Says what every way has in common, and where they
// part, so that a denial can match when in doubt and a grant only when certain. Linear in the length of the path.

export interface PathReading {
  /** What the path has in common with all others that some server takes for the same, without empty segments. */
  readonly segments: readonly string[];
  /** Whether it may lead anywhere: dot segments in disguise, control characters, escapes that are no UTF-8. */
  readonly isDoubtful: boolean;
  /** Whether an escape stands for a slash. */
  readonly hidesSlash: boolean;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const PERCENT = 0x25;
// Unicode knows wide forms of all of ASCII, among them of the percent sign.
const ESCAPE = /%(?:[0-9a-f]{2}|u[0-9a-f]{4})/;
const CONTROL = /\p{Cc}/u;
/** Where a parameter begins, or what a decoded query or fragment cuts off. */
const PARAMETER = /[;?#]/;
/** Windows drops them at the end of a name. */
const DROPPED_AT_END = new Set([".", " "]);

/** `path` is a URL's as it is sent. */
export function readPath(path: string): PathReading {
  const decoded = decodeAll(path);
  if (decoded === undefined) return { segments: [], isDoubtful: true, hidesSlash: true };
  const folded = decoded.normalize("NFKC").toUpperCase().toLowerCase().replaceAll("\\", "/");
  const written = folded.split("/");
  const hidesSlash = written.length !== path.split("/").length;
  const names = written.map((segment) => segment.split(PARAMETER, 1)[0] ?? "");
  const isDoubtful =
    ESCAPE.test(folded) ||
    CONTROL.test(folded) ||
    names.some(isDots) ||
    // Who strips parameters first reads other segments than who decodes first.
    (hidesSlash && PARAMETER.test(folded));
  return { segments: names.map(withoutEnd).filter((name) => name !== ""), isDoubtful, hidesSlash };
}

/** Whether a server may take `path` for `prefix` or something below it. */
export function mayLieBelow(path: PathReading, prefix: PathReading): boolean {
  if (path.isDoubtful || prefix.isDoubtful) return true;
  return prefix.segments.every((segment, i) => segment === path.segments[i]);
}

/** Decodes until nothing is left to decode; undefined for what is no UTF-8 then. */
function decodeAll(path: string): string | undefined {
  const bytes = Buffer.from(path, "utf8");
  let length = 0;
  for (const byte of bytes) {
    bytes[length] = byte;
    length += 1;
    // What was decoded may complete an escape that began before it.
    for (let value = escapeAt(bytes, length - 3); value !== undefined; value = escapeAt(bytes, length - 3)) {
      length -= 2;
      bytes[length - 1] = value;
    }
  }
  try {
    return utf8.decode(bytes.subarray(0, length));
  } catch {
    return undefined;
  }
}

function escapeAt(bytes: Uint8Array, at: number): number | undefined {
  if (at < 0 || bytes[at] !== PERCENT) return undefined;
  const [high, low] = [digitOf(bytes[at + 1]), digitOf(bytes[at + 2])];
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function digitOf(byte = 0): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}

function isDots(name: string): boolean {
  return name !== "" && withoutEnd(name) === "";
}

function withoutEnd(name: string): string {
  let end = name.length;
  while (end > 0 && DROPPED_AT_END.has(name[end - 1] ?? "")) end -= 1;
  return name.slice(0, end);
}
