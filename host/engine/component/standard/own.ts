// The types of our own interfaces: those that the table of shapes has, which is made from wit/.

import { API_VERSIONS, type ApiVersion } from "../../../core/wit.ts";
import { ERRORS, SHAPES, type Shape } from "../../guest/wit-shapes.ts";
import { PACKAGE } from "../bulkhead.ts";
import type { Interface, Interfaces } from "./notation.ts";

/** What a component exports to be entered, by one of these names; the newest first. */
export const ENTRY_POINTS: readonly string[] = API_VERSIONS.map((api) => `${PACKAGE}/entry-points@${api}.0`).reverse();
export const HANDLE: readonly [name: string, type: string] = ["handle", "(string,list<u8>) -> result<list<u8>,string>"];

/** What of them is there in each version, which has all of the one before. */
export const OWN: ReadonlyMap<ApiVersion, Interfaces> = new Map(
  API_VERSIONS.map((api, i) => [api, facesOf(API_VERSIONS.slice(0, i + 1), textOf(ERRORS[api]))]),
);

function facesOf(versions: readonly ApiVersion[], error: string): Interfaces {
  const faces = new Map<string, Interface & { readonly functions: Map<string, string> }>([
    [`${PACKAGE}/types`, { resources: [], functions: new Map() }],
  ]);
  for (const [name, { params, result, fails, since }] of Object.entries(SHAPES)) {
    if (!versions.includes(since)) continue;
    const [face = "", func = ""] = name.split(".");
    const known = faces.get(`${PACKAGE}/${face}`) ?? { resources: [], functions: new Map<string, string>() };
    const answers = fails ? `result<${textOf(result)},${error}>` : textOf(result);
    known.functions.set(func, `(${params.map(textOf).join(",")}) -> ${answers}`);
    faces.set(`${PACKAGE}/${face}`, known);
  }
  return faces;
}

function textOf(shape: Shape): string {
  if (shape === "bytes") return "list<u8>";
  if (typeof shape === "string") return shape;
  if ("enum" in shape) return `enum{${shape.enum.join(",")}}`;
  if ("list" in shape) return `list<${textOf(shape.list)}>`;
  if ("option" in shape) return `option<${textOf(shape.option)}>`;
  return `record{${shape.record.map(([name, , field]) => `${name}:${textOf(field)}`).join(",")}}`;
}
