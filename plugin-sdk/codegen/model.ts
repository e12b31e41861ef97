// What the reader makes of wit/ and every emitter starts from, and the words that all emitters share.

export const PRIMITIVES = ["bool", "u8", "u16", "u32", "u64", "s32", "s64", "f64", "string"] as const;
type Primitive = (typeof PRIMITIVES)[number];

export type Type =
  | { readonly kind: "primitive"; readonly name: Primitive }
  | { readonly kind: "list" | "option"; readonly of: Type }
  | { readonly kind: "tuple"; readonly items: readonly Type[] }
  | { readonly kind: "result"; readonly ok: Type | undefined; readonly error: Type | undefined }
  | { readonly kind: "named"; readonly name: string };

/** Lines without their slashes; empty when there is no doc comment. */
export type Docs = readonly string[];

export interface Member {
  readonly name: string;
  readonly docs: Docs;
}

export interface Field extends Member {
  readonly type: Type;
}

export interface Enum extends Member {
  readonly kind: "enum";
  readonly cases: readonly Member[];
}

export interface RecordType extends Member {
  readonly kind: "record";
  readonly fields: readonly Field[];
}

export interface Func extends Member {
  readonly kind: "func";
  readonly params: readonly { readonly name: string; readonly type: Type }[];
  readonly result: Type | undefined;
}

export interface Interface extends Member {
  /** Names taken from other interfaces, and which. */
  readonly uses: ReadonlyMap<string, string>;
  /** In the order of the file. */
  readonly items: readonly (Enum | RecordType | Func)[];
}

export interface World extends Member {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

export interface Contract {
  /** `bulkhead:plugin@0.1.0` */
  readonly package: string;
  readonly interfaces: ReadonlyMap<string, Interface>;
  readonly worlds: readonly World[];
}

export const functionsOf = (face: Interface): Func[] => face.items.filter((item) => item.kind === "func");
export const enumsOf = (face: Interface): Enum[] => face.items.filter((item) => item.kind === "enum");
export const recordsOf = (face: Interface): RecordType[] => face.items.filter((item) => item.kind === "record");

/** The interfaces that a plugin imports, in the order of the world. */
export function importedInterfaces(contract: Contract): Interface[] {
  return contract.worlds.flatMap(({ imports }) => imports.map((name) => interfaceOf(contract, name)));
}

/** Throws when wit/ has no such interface. */
export function interfaceOf(contract: Contract, name: string): Interface {
  const found = contract.interfaces.get(name);
  if (found === undefined) throw new Error(`wit/ has no interface ${name}`);
  return found;
}

/** The definition behind a name used in `face`, and the interface that holds it. Throws when there is none. */
export function resolve(contract: Contract, face: Interface, name: string): { readonly home: Interface; readonly item: Enum | RecordType } {
  const home = interfaceOf(contract, face.uses.get(name) ?? face.name);
  const item = home.items.find((one) => one.name === name);
  if (item === undefined || item.kind === "func") throw new Error(`${face.name} uses ${name}, which is no type of ${home.name}`);
  return { home, item };
}

/** What a function answers when it does not fail: the `ok` of a result, else the result itself. */
export const answerOf = ({ result }: Func): Type | undefined => (result?.kind === "result" ? result.ok : result);
export const canFail = ({ result }: Func): boolean => result?.kind === "result";

export const isBytes = (type: Type): boolean => type.kind === "list" && type.of.kind === "primitive" && type.of.name === "u8";
export const isText = (type: Type): boolean => type.kind === "primitive" && type.name === "string";

/** How a value fills a block (docs/abi.md, host functions, rule 3). */
export type Wire = "nothing" | "text" | "bytes" | "option-text" | "option-bytes" | "json";

export function wireOf(type: Type | undefined): Wire {
  if (type === undefined) return "nothing";
  if (isText(type)) return "text";
  if (isBytes(type)) return "bytes";
  if (type.kind === "option" && isText(type.of)) return "option-text";
  if (type.kind === "option" && isBytes(type.of)) return "option-bytes";
  return "json";
}

/** As wit/ writes it. */
export function witText(type: Type | undefined): string {
  if (type === undefined) return "_";
  switch (type.kind) {
    case "primitive":
    case "named":
      return type.name;
    case "list":
    case "option":
      return `${type.kind}<${witText(type.of)}>`;
    case "tuple":
      return `tuple<${type.items.map(witText).join(", ")}>`;
    case "result":
      if (type.error === undefined) return type.ok === undefined ? "result" : `result<${witText(type.ok)}>`;
      return `result<${witText(type.ok)}, ${witText(type.error)}>`;
  }
}

export const importName = (face: Interface, func: Func): string => snake(`${face.name}-${func.name}`);
export const snake = (name: string): string => name.replaceAll("-", "_");
export const pascal = (name: string): string => name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, first: string) => first.toUpperCase());
export const camel = (name: string): string => name.replaceAll(/-([a-z0-9])/g, (_, first: string) => first.toUpperCase());

/** Doc comments as wit/ has them, each line behind `mark`. */
export const comment = (docs: Docs, mark: string, indent = ""): string =>
  docs.map((line) => `${indent}${mark}${line === "" ? "" : ` ${line}`}\n`).join("");

export const GENERATED = "Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.";
