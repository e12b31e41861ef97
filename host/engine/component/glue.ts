// The checks and the changes that jco's glue goes through before it becomes part of an admitted component. It is text made from a stranger's binary, so
// whatever is not as it always is refuses the component.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";

/** What names of core modules may be made of: they stand in strings of the glue. */
const SAFE_NAME = /^[\w .:;,@/#$%&|[\](){}<>=+*!?~^-]*$/;
const MAX_GLUE_BYTES = 8 * 1024 * 1024;

/** Every name that is not fit for a string of the glue. */
export const oddNames = (names: readonly string[]): readonly string[] =>
  names
    .filter((name) => !SAFE_NAME.test(name))
    .map((name) => `the name "${printable(name)}" has characters that no toolchain gives a core module`);

/** Answers the script that runGlue takes. Throws HostError `admission-refused`. */
export function prepareGlue(glue: string): string {
  if (glue.length > MAX_GLUE_BYTES) refuse(`its glue has ${glue.length} characters; the limit is ${MAX_GLUE_BYTES}`);
  if (/\b(?:isAsync|funcTypeIsAsync): true/.test(glue)) {
    refuse(
      "it uses the component model's async ABI, which is not supported; build it with its toolchain's synchronous one (componentize-qjs --sync)",
    );
  }
  const script = only(glue, "export function instantiate(", "function instantiate(");
  const local = only(script, "export const _util = {", "const _util = {");
  if (/^\s*(?:import|export)\b/m.test(local)) refuse("its glue imports or exports something");
  // Nothing is fetched: core modules are handed to it.
  const changed = boundCopies(countLists(local.replaceAll("import.meta.url", '""')));
  if (changed.includes(".buffer.slice(")) refuse("its glue copies from a memory in a way that is not known");
  return changed;
}

// A list's elements become objects of the host, each dearer than in the guest's memory, so they are counted before they are made.
const countLists = (script: string): string =>
  script.replaceAll(/for \(let i = 0; i < (len\d+); i\+\+\) \{/g, "for (let i = 0, $n = $listOf($1); i < $n; i++) {");

// A list of numbers is copied out of the guest's memory: within its bounds, whatever pointer and length say.
const boundCopies = (script: string): string =>
  script.replaceAll(/new (\w+Array)\((\w+)\.buffer\.slice\((\w+), \3 \+ (\w+) \* (\d+)\)\)/g, "$copyOf($1, $2, $3, $4 * $5)");

function only(text: string, what: string, instead: string): string {
  if (text.split(what).length !== 2) refuse(`its glue is not as expected at "${what}"`);
  return text.replace(what, () => instead);
}

function refuse(why: string): never {
  throw new HostError("admission-refused", `the component is refused: ${why}`, { detail: why });
}
