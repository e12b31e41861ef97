// Flaws of V8 that are known to lead from what a stranger wrote to native code, as of the date below. In the host's own process, as a thread or inline, there
// is no other wall. Looked through with every release of ours; a list that is old says less than it should.

export interface KnownEscape {
  readonly id: string;
  /** The first line of V8 that has had the fix from its beginning. A Node whose older V8 was mended by hand counts as not mended: nothing tells. */
  readonly mendedInV8: readonly [major: number, minor: number];
  readonly about: string;
}

export const KNOWN_ESCAPES_AS_OF = "2026-11-28";

/**
 * What was used in attacks, or has a public exploit, and is not known to lie in what only JavaScript reaches: guests bring WebAssembly. Node's own threat
 * model trusts the code that it runs, so it rarely takes such fixes over.
 */
export const KNOWN_ESCAPES: readonly KnownEscape[] = [
  { id: "CVE-2025-13223", mendedInV8: [14, 3], about: "types confused, used in attacks; mended in Chrome 142.0.7444.175" },
  { id: "CVE-2026-11645", mendedInV8: [15, 0], about: "reads and writes out of bounds, used in attacks; mended in Chrome 149.0.7827.102" },
];

/** Those that a V8 of this version has. */
export function escapesOf(v8: string = process.versions.v8): KnownEscape[] {
  const [major = 0, minor = 0] = v8.split(".").map(Number);
  return KNOWN_ESCAPES.filter(({ mendedInV8: [first, second] }) => major < first || (major === first && minor < second));
}
