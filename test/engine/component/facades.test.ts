// What the glue of a component can reach of the host by names: those of the WIT packages, and nothing that JavaScript gives every object.

import { describe, expect, it } from "vitest";
import { ComponentImports } from "../../../host/engine/component/imports.ts";
import { namesOf } from "../../../host/engine/component/supported.ts";
import type { GuestEnvironment } from "../../../host/engine/engine.ts";
import { DEFAULT_LIMITS } from "../../../host/manifest/limits.ts";

const environment = {
  plugin: "guest",
  limits: DEFAULT_LIMITS,
  scope: { config: {}, clock: {}, storage: {} },
} as unknown as GuestEnvironment;
const control = { doomed: false, doom: () => {}, forfeit: () => {} };
const { interfaces } = new ComponentImports({ environment, control, imports: [], called: () => {} });

const camel = (name: string): string => name.replaceAll(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
const pascal = (name: string): string => camel(`-${name}`);
const after = (prefix: string, names: readonly string[]): string[] =>
  names.filter((name) => name.startsWith(prefix)).map((name) => camel(name.slice(prefix.length)));

/** All names that can be read of it, inherited ones included. */
function readable(value: object): string[] {
  const names: string[] = [];
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at)) names.push(...Object.getOwnPropertyNames(at));
  return names;
}

describe.each(Object.keys(interfaces))("of %s", (face) => {
  const own = interfaces[face] ?? {};
  const { functions, resources } = namesOf(face);

  it("there is each function and class of its types, and nothing else", () => {
    expect(functions.length + resources.length + Number(face === "bulkhead:plugin/types")).toBeGreaterThan(0);
    const named = functions.filter((name) => !name.startsWith("[")).map(camel);
    expect(readable(own).sort()).toEqual([...named, ...resources.map(pascal)].sort());
    for (const name of readable(own)) expect(typeof own[name], name).toBe("function");
  });

  it("the classes have what their types have", () => {
    for (const resource of resources) {
      const type = own[pascal(resource)] as { readonly prototype: object };
      expect(readable(type).filter((name) => name !== "prototype")).toEqual(after(`[static]${resource}.`, functions));
      const methods = after(`[method]${resource}.`, functions);
      for (const name of readable(type.prototype)) expect(methods, `${resource}.${name}`).toContain(name);
    }
  });
});
