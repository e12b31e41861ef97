// Emits the host's side: the types of every host function (host/core/wit.ts) and the shapes that its codec follows (host/engine/guest/wit-shapes.ts).

import {
  answerOf,
  type Contract,
  camel,
  canFail,
  type Enum,
  enumsOf,
  functionsOf,
  GENERATED,
  type Interface,
  importedInterfaces,
  interfaceOf,
  isBytes,
  pascal,
  type RecordType,
  recordsOf,
  resolve,
  type Type,
} from "./model.ts";
import { apiOf, sinceOf } from "./releases.ts";

const typeName = (home: Interface, item: Enum | RecordType): string => pascal(`${home.name}-${item.name}`);

function hostType(contract: Contract, face: Interface, type: Type | undefined): string {
  if (type === undefined) return "void";
  const inner = (one: Type): string => hostType(contract, face, one);
  switch (type.kind) {
    case "primitive":
      return type.name === "string" ? "string" : type.name === "bool" ? "boolean" : "number";
    case "list":
      return isBytes(type) ? "Uint8Array" : `readonly ${type.of.kind === "option" ? `(${inner(type.of)})` : inner(type.of)}[]`;
    case "option":
      return `${inner(type.of)} | undefined`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return typeName(home, item);
    }
    default:
      throw new Error(`${face.name}: no host function may take or answer a ${type.kind} (docs/abi.md)`);
  }
}

function definition(contract: Contract, face: Interface, item: Enum | RecordType): string {
  const name = typeName(face, item);
  if (item.kind === "enum") return `export type ${name} = ${item.cases.map((one) => `"${one.name}"`).join(" | ")};\n`;
  const fields = item.fields.map((field) => `readonly ${camel(field.name)}: ${hostType(contract, face, field.type)}`);
  return `export type ${name} = { ${fields.join("; ")} };\n`;
}

export function emitHostTypes(contract: Contract, releases: readonly Contract[] = []): string {
  let types = "";
  let functions = "";
  for (const face of importedInterfaces(contract)) {
    for (const item of face.items) {
      if (item.kind !== "func") types += definition(contract, face, item);
      else {
        const params = item.params.map(({ name, type }) => `${camel(name)}: ${hostType(contract, face, type)}`);
        functions += `  "${face.name}.${item.name}": (${params.join(", ")}) => ${hostType(contract, face, answerOf(item))};\n`;
      }
    }
  }
  const codes = enumsOf(interfaceOf(contract, "types")).flatMap(({ cases }) => cases.map(({ name }) => `"${name}"`));
  return `// What every host function takes and answers; what fails is thrown as HostError. ${GENERATED}
/** The versions of wit/ that are served, as manifests name them, the oldest first; each has all of the one before, as it was. */
export const API_VERSIONS = [${[...releases, contract].map((one) => `"${apiOf(one)}"`).join(", ")}] as const;
export type ApiVersion = (typeof API_VERSIONS)[number];
/** Every code a HostError can carry (docs/errors.md). */
export const HOST_ERROR_CODES = [${codes.join(", ")}] as const;
${types}export interface WitFunctions {
${functions}}
export type WitFunction = keyof WitFunctions;
export type WitParams<F extends WitFunction> = Parameters<WitFunctions[F]>;
export type WitResult<F extends WitFunction> = ReturnType<WitFunctions[F]>;
`;
}

export function shape(contract: Contract, face: Interface, type: Type | undefined): string {
  if (type === undefined) return '"_"';
  if (isBytes(type)) return '"bytes"';
  switch (type.kind) {
    case "primitive":
      return `"${type.name}"`;
    case "list":
    case "option":
      return `{ ${type.kind}: ${shape(contract, face, type.of)} }`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return camel(`${home.name}-${item.name}`);
    }
    default:
      throw new Error(`${face.name}: the codec has no ${type.kind}`);
  }
}

export const recordShape = (contract: Contract, face: Interface, { fields }: RecordType): string =>
  `{ record: [${fields.map(({ name, type }) => `["${name}", "${camel(name)}", ${shape(contract, face, type)}]`).join(", ")}] }`;

export const enumShape = ({ cases }: Enum): string => `{ enum: [${cases.map(({ name }) => `"${name}"`).join(", ")}] }`;

/** The record of a failure, as one version of wit/ has it; a failure of wit/ without errors has no fields. */
function errorShape(contract: Contract): string {
  const types = interfaceOf(contract, "types");
  const record = recordsOf(types).find(({ name }) => name === "error");
  if (record === undefined) return "{ record: [] }";
  // The one name in it is that of its codes.
  return recordShape(contract, types, record).replace("typesErrorCode", enumsOf(types).map(enumShape).join());
}

export function emitHostShapes(contract: Contract, releases: readonly Contract[] = []): string {
  const since = sinceOf(contract, releases);
  let named = "";
  let functions = "";
  for (const face of importedInterfaces(contract)) {
    for (const item of face.items) {
      if (item.kind !== "func") {
        const inside = item.kind === "enum" ? enumShape(item) : recordShape(contract, face, item);
        named += `const ${camel(`${face.name}-${item.name}`)}: Shape = ${inside};\n`;
      }
    }
    for (const func of functionsOf(face)) {
      const params = func.params.map(({ type }) => shape(contract, face, type)).join(", ");
      const result = shape(contract, face, answerOf(func));
      functions += `  "${face.name}.${func.name}": { params: [${params}], result: ${result}, fails: ${canFail(func)}, since: "${since(face, func)}" },\n`;
    }
  }
  return `// ${GENERATED}
// How the values of every host function look in blocks; blocks.ts makes codecs of them.

import type { ApiVersion, WitFunction } from "../../core/wit.ts";

/** A record's fields are [name in wit/, name in the host, shape]; \`_\` is nothing. */
export type Shape =
  | "_"
  | "string"
  | "bytes"
  | "bool"
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "s32"
  | "s64"
  | "f64"
  | { readonly enum: readonly string[] }
  | { readonly list: Shape }
  | { readonly option: Shape }
  | { readonly record: readonly (readonly [wit: string, host: string, shape: Shape])[] };

${named}
interface FunctionShape {
  readonly params: readonly Shape[];
  readonly result: Shape;
  /** Whether it answers a \`result\` in wit/. */
  readonly fails: boolean;
  readonly since: ApiVersion;
}

export const SHAPES: Readonly<Record<WitFunction, FunctionShape>> = {
${functions}};

/** What a failure is in each version. */
export const ERRORS: Readonly<Record<ApiVersion, Shape>> = {
${[...releases, contract].map((one) => `  "${apiOf(one)}": ${errorShape(one)},\n`).join("")}};
`;
}
