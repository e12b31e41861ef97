// What the glue gets of the host's interfaces: objects without a prototype, with the names that the tables of types have and no other. So the text of the glue
// has no way from a name that a component chose to a part of the language or of the host.

import { type Interfaces, lowerCamelCase, upperCamelCase } from "./component-host.ts";
import { namesOf } from "./supported.ts";

interface Class {
  new (...args: unknown[]): object;
  readonly prototype: object;
  readonly [name: string]: unknown;
}

export function facadesOf(interfaces: Interfaces): Interfaces {
  return bare(Object.entries(interfaces).map(([face, values]) => [face, facadeOf(face, values)]));
}

function facadeOf(face: string, values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { functions, resources } = namesOf(face);
  const plain = functions.filter((name) => !name.startsWith("["));
  return bare([
    ...plain.map((name) => [lowerCamelCase(name), values[lowerCamelCase(name)]] as const),
    ...resources.map((resource) => {
      const name = upperCamelCase(resource);
      const statics = functions.flatMap((one) => (one.startsWith(`[static]${resource}.`) ? [one.slice(one.indexOf(".") + 1)] : []));
      return [name, facadeOfClass(values[name] as Class, statics.map(lowerCamelCase))] as const;
    }),
  ]);
}

// A function that makes one, since the glue says `new` and `instanceof`.
function facadeOfClass(type: Class, statics: readonly string[]): unknown {
  function facade(...args: unknown[]): object {
    return new type(...args);
  }
  for (const own of ["name", "length"]) Reflect.deleteProperty(facade, own);
  Reflect.deleteProperty(type.prototype, "constructor");
  facade.prototype = type.prototype;
  Object.setPrototypeOf(facade, null);
  for (const name of statics)
    Object.defineProperty(facade, name, { value: (...args: unknown[]) => (type[name] as (...args: unknown[]) => unknown)(...args) });
  return facade;
}

const bare = <T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> =>
  Object.assign(Object.create(null), Object.fromEntries(entries));
