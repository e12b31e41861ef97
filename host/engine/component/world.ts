// What a component imports and exports, by its binary: its copy of each interface has to say what the host's says, and what can be entered has to be of types
// that bring no handles into the host.

import { printable } from "../../core/names.ts";
import { API_VERSIONS } from "../../core/wit.ts";
import { type ApiNeed, apiOf } from "../guest/imports.ts";
import type { InstanceType, Item, ParsedComponent, TypeEntry } from "./binary/model.ts";
import { PACKAGE } from "./bulkhead.ts";
import type { ComponentEntry } from "./bundle.ts";
import { lowerCamelCase } from "./component-host.ts";
import type { Interface } from "./standard/notation.ts";
import { ENTRY_POINTS, HANDLE } from "./standard/own.ts";
import { supportedInterface } from "./supported.ts";

/** The entries of a component, `handle` for one of our world, or the reasons for which nothing of it can be entered. */
export type Entries =
  | { readonly of: "handle" }
  | { readonly of: "exports"; readonly entries: Readonly<Record<string, ComponentEntry>> }
  | { readonly of: "nothing"; readonly reasons: readonly string[] };

const MAX_SHOWN = 160;
/** Releases of one interface count one by one; all that the host has are 50. */
const MAX_IMPORTS = 256;
/** `() -> string`, `(list<u8>) -> result<_,string>`: an entry takes nothing, a text or bytes, and answers the like, or fails with a text. */
const ENTRY = /^\((string|list<u8>)?\)(?: -> (?:string|list<u8>|result<(?:string|list<u8>|_),(?:string|_)>))?$/;
const ENTRY_BUT_FOR_ITS_ERROR = /^\((?:string|list<u8>)?\) -> result<(?:string|list<u8>|_),(.*)>$/;
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9-]*$/;

/** The interfaces that it imports, with their versions, sorted. */
export const importsOf = ({ imports }: ParsedComponent): readonly string[] => imports.map(([name]) => name).sort();

/** The api that it is for: that of the latest of our interfaces which it imports or is entered by. */
export function apiOfComponent({ imports, exports }: ParsedComponent): ApiNeed {
  const ours = [...imports.map(([name]) => name), ...exports.keys()].filter((name) => name.startsWith(`${PACKAGE}/`));
  return apiOf(ours.flatMap((because) => API_VERSIONS.filter((api) => because.endsWith(`@${api}.0`)).map((since) => ({ since, because }))));
}

/** Every reason for which it cannot have what it imports, sorted. */
export function refusalsOfImports({ imports }: ParsedComponent): readonly string[] {
  if (imports.length > MAX_IMPORTS) return [`it imports ${imports.length} interfaces and types; the limit is ${MAX_IMPORTS}`];
  return imports.flatMap(([name, item]) => refusalsOf(name, item)).sort();
}

function refusalsOf(name: string, item: Item): readonly string[] {
  const shown = `import ${printable(name)}`;
  // What a world uses of an interface's types, a component imports by their own names.
  if (item.sort === "type" && (item.type.kind === "value" || isKnownResource(item.type))) return [];
  const served = supportedInterface(name);
  if (served === "no such interface") return [`${shown}: the host has no such interface`];
  if (served === "another version") return [`${shown}: the host has another version of it (docs/components.md)`];
  if (item.sort !== "instance") return [`${shown}: it is no interface`];
  return differences(item.instance, served).map((difference) => `${shown}: ${difference}`);
}

const isKnownResource = (type: TypeEntry): boolean => type.kind === "resource" && PLAIN_NAME.test(type.name);

function differences({ items, resources }: InstanceType, served: Interface): readonly string[] {
  const reasons = resources
    .filter((name) => !served.resources.includes(name))
    .map((name) => `it has a resource ${printable(name)} of its own, which the host's has not`);
  for (const [name, item] of items) {
    if (item.sort === "type" && item.type.kind !== "function" && item.type.kind !== "instance") continue;
    const known = item.sort === "function" ? served.functions.get(name) : undefined;
    if (item.sort !== "function" || known === undefined) reasons.push(`it has ${printable(name)}, which the host's has not`);
    else if (known !== item.text) reasons.push(`its ${printable(name)} is ${cut(item.text)}, and the host's is ${cut(known)}`);
  }
  return reasons;
}

/** What of it can be entered: functions of the world and of exported interfaces that take nothing, one text or one list of bytes. */
export function entriesOf({ exports }: ParsedComponent): Entries {
  const then = exports.get("then");
  if (then !== undefined)
    return { of: "nothing", reasons: ["its export then would be taken for the one of a promise; give it another name"] };
  const own = ENTRY_POINTS.find((name) => exports.has(name));
  if (own !== undefined) return entriesOfOurs(own, exports.get(own));
  const entries: Record<string, ComponentEntry> = {};
  const reasons: string[] = [];
  const add = (name: string, text: string, face?: string): void => {
    const takes = ENTRY.exec(text);
    const jsName = lowerCamelCase(name);
    if (takes !== null && PLAIN_NAME.test(name) && !Object.hasOwn(entries, jsName)) {
      entries[jsName] = { face, takes: takes[1] === undefined ? "nothing" : takes[1] === "string" ? "text" : "bytes" };
    }
    const error = takes === null ? ENTRY_BUT_FOR_ITS_ERROR.exec(text)?.[1] : undefined;
    if (error !== undefined)
      reasons.push(`its export ${printable(name)} fails with ${cut(error)}; an entry's error can only be a string, or nothing`);
  };
  for (const [name, item] of exports) {
    if (item.sort === "function") add(name, item.text);
    if (item.sort !== "instance") continue;
    // An interface without a package has the name that jco gives it.
    const face = name.includes(":") ? name : lowerCamelCase(name);
    for (const [func, inner] of item.instance.items) if (inner.sort === "function") add(func, inner.text, face);
  }
  if (Object.keys(entries).length > 0) return { of: "exports", entries };
  return {
    of: "nothing",
    reasons: [...reasons, `it exports neither ${ENTRY_POINTS.join(" or ")} nor a function that can be entered (docs/components.md)`],
  };
}

function entriesOfOurs(face: string, item: Item | undefined): Entries {
  const [name, type] = HANDLE;
  const handle = item?.sort === "instance" ? item.instance.items.get(name) : undefined;
  if (handle?.sort === "function" && handle.text === type) return { of: "handle" };
  const is = handle?.sort === "function" ? cut(handle.text) : "not there";
  return { of: "nothing", reasons: [`export ${face}: its ${name} is ${is}, and the host enters ${type}`] };
}

const cut = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
