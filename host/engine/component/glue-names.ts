// The names that the glue declares for what a component exports must not be names that the glue itself relies on. jco gives some of its functions no protection from
// that: an export `rsc-table-remove` would take the place of the function that takes handles away.

import { createContext, runInContext, Script } from "node:vm";
import { refused } from "./refused.ts";

const START = "function instantiate(";
/** What stands before it is jco's, whatever the component; what comes after it is made of the component. */
const BODY = "function* _initGenerator";
/** What is declared for exports: functions, classes, interfaces, and the core functions behind them. Variables of jco's own stand in functions, or begin with a value. */
const DECLARED = /\b(?:function\*?|class) ([\w$]+)|^\s*let ([\w$]+);$|^\s*const ([\w$]+) = \{$/gm;

/** Throws HostError `admission-refused`. `given` are the names that the glue is given by the realm. */
export function refuseShadows(script: string, given: readonly string[]): void {
  const parts = script.split(BODY);
  const [head = "", body = ""] = parts;
  if (parts.length !== 2 || !head.startsWith(START)) throw refused(["its glue does not begin as expected"]);
  const declared = [...new Set(Array.from(body.matchAll(DECLARED), ([, type, variable, face]) => type ?? variable ?? face ?? ""))];
  const globals = new Set([...given, ...(runInContext("Object.getOwnPropertyNames(globalThis)", createContext()) as string[])]);
  const taken = declared.find((name) => globals.has(name)) ?? declaredIn(head, declared) ?? twice(body);
  if (taken !== undefined)
    throw refused([`it exports something that is ${taken} in its glue, a name that the glue itself needs; rename it`]);
}

// JavaScript lets one function take the place of another. What a component names has neither "_" nor "$".
function twice(body: string): string | undefined {
  const seen = new Set<string>();
  for (const [, name = ""] of body.matchAll(/\bfunction\*? ([A-Za-z][A-Za-z0-9]*)\(/g)) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

// V8 says whether a name is declared in a function: declaring it again is an error.
function declaredIn(head: string, names: readonly string[]): string | undefined {
  const open = head.indexOf("{") + 1;
  const end = head.lastIndexOf("let gen");
  const compiles = (some: readonly string[]): boolean => {
    const declarations = some.length === 0 ? "" : `let ${some.join(",")};`;
    try {
      new Script(`"use strict"; (${head.slice(0, open)} ${declarations} ${head.slice(open, end)} })`);
      return true;
    } catch {
      return false;
    }
  };
  if (!compiles([])) throw refused(["its glue does not begin as expected"]);
  if (compiles(names)) return undefined;
  let some = names;
  while (some.length > 1) {
    const half = some.slice(0, some.length >> 1);
    some = compiles(half) ? some.slice(half.length) : half;
  }
  return some[0];
}
