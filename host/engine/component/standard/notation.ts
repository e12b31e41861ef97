// How the tables of this folder write types: as the parser of components does (binary/model.ts), without spaces inside of a type, and with $name for a type
// that stands in many places.

export interface Interface {
  /** Of its own; others that it names are another interface's. */
  readonly resources: readonly string[];
  readonly functions: ReadonlyMap<string, string>;
}

/** By name, without version. */
export type Interfaces = ReadonlyMap<string, Interface>;

interface Written {
  readonly resources?: readonly string[];
  readonly functions: Readonly<Record<string, string>>;
}

const NAME = /\$([A-Za-z0-9-]+)/g;

export function interfaces(types: Readonly<Record<string, string>>, written: Readonly<Record<string, Written>>): Interfaces {
  const expanded = (text: string): string => text.replaceAll(NAME, (_all, name: string) => expanded(types[name] ?? ""));
  return new Map(
    Object.entries(written).map(([face, { resources = [], functions }]) => [
      face,
      { resources, functions: new Map(Object.entries(functions).map(([name, text]) => [name, expanded(text)])) },
    ]),
  );
}
