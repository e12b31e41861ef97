// The checks and the changes that jco's glue goes through before it becomes part of an admitted component. It is text made from a stranger's binary, so
// whatever is not as it always is refuses the component.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import { refuseShadows } from "./glue-names.ts";
import { compileGlue, GLUE_GLOBALS } from "./realm.ts";

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
  const still = local.replaceAll("import.meta.url", '""');
  refuseShadows(still.slice(still.indexOf("function instantiate(")), GLUE_GLOBALS);
  const changed = countHandles(boundCopies(countLists(still)));
  if (changed.includes(".buffer.slice(")) refuse("its glue copies from a memory in a way that is not known");
  try {
    compileGlue(changed);
  } catch {
    refuse("jco made glue of it that is no JavaScript; rename what it exports");
  }
  return changed;
}

// A list's elements become objects of the host, each dearer than in the guest's memory, so they are counted before they are made: as many as there are, by what
// one of them takes in the guest.
function countLists(script: string): string {
  const counted = script.replaceAll(
    /for \(let i = 0; i < (len\d+); i\+\+\) \{(\s*const base = \w+ \+ i \* (\d+);)/g,
    "for (let i = 0, $n = $listOf($1, $3); i < $n; i++) {$2",
  );
  if (/i < len\d/.test(counted)) refuse("its glue reads a list in a way that is not known");
  return counted;
}

// A list of numbers is copied out of the guest's memory: within its bounds, whatever pointer and length say.
const boundCopies = (script: string): string =>
  script.replaceAll(/new (\w+Array)\((\w+)\.buffer\.slice\((\w+), \3 \+ (\w+) \* (\d+)\)\)/g, "$copyOf($1, $2, $3, $4 * $5)");

const HANDLE_MADE = /function rscTableCreate(?:Own\(table, rep|Borrow\(table, rep, scopeId)\) \{/g;
const HANDLE_TAKEN = "function rscTableRemove(table, handle) {";
const HANDLE_GONE = "return { rep, scope, own };";

// Every handle that the guest gets or loses passes one of three functions. The last of them takes numbers beyond its table for handles, which would be taken
// from the count without having been in it.
function countHandles(script: string): string {
  const counted = script.replaceAll(HANDLE_MADE, "$& $handle(1);");
  if (/function rscTableCreate\w+\([^)]*\) \{(?! \$handle)/.test(counted)) refuse("its glue makes handles in a way that is not known");
  if (!script.includes("function rscTableRemove(")) return counted;
  return only(
    only(
      counted,
      HANDLE_TAKEN,
      `${HANDLE_TAKEN} if (handle >>> 0 >= table.length >> 1) throw new WebAssemblyRuntimeError("unknown handle");`,
    ),
    HANDLE_GONE,
    `$handle(-1); ${HANDLE_GONE}`,
  );
}

function only(text: string, what: string, instead: string): string {
  if (text.split(what).length !== 2) refuse(`its glue is not as expected at "${what}"`);
  return text.replace(what, () => instead);
}

function refuse(why: string): never {
  throw new HostError("admission-refused", `the component is refused: ${why}`, { detail: why });
}
