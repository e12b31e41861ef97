// Emits plugin-sdk/typescript: a module an interface, and the declarations of what componentize-qjs makes importable.

import {
  answerOf,
  type Contract,
  camel,
  canFail,
  type Docs,
  type Enum,
  enumsOf,
  type Func,
  functionsOf,
  GENERATED,
  type Interface,
  importedInterfaces,
  interfaceOf,
  isBytes,
  pascal,
  type RecordType,
  resolve,
  type Type,
} from "./model.ts";

export const docs = (lines: Docs, indent = ""): string =>
  lines.length === 0 ? "" : `${indent}/**\n${lines.map((line) => `${indent} *${line === "" ? "" : ` ${line}`}\n`).join("")}${indent} */\n`;

/** A name that is a word of the language is exported under it and declared under another. */
const RESERVED: ReadonlySet<string> = new Set(["delete"]);
export const declared = (func: Func): string => (RESERVED.has(func.name) ? "remove" : camel(func.name));

export function typeOf(contract: Contract, face: Interface, type: Type | undefined, isAnswer: boolean): string {
  if (type === undefined) return "void";
  if (isBytes(type)) return "Uint8Array";
  const inner = (one: Type): string => typeOf(contract, face, one, isAnswer);
  switch (type.kind) {
    case "primitive":
      return type.name === "string" ? "string" : type.name === "bool" ? "boolean" : "number";
    case "list":
      return `${isAnswer ? "" : "readonly "}${type.of.kind === "option" ? `(${inner(type.of)})` : inner(type.of)}[]`;
    case "option":
      return `${inner(type.of)} | undefined`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return home.name === face.name ? pascal(item.name) : `${home.name}.${pascal(item.name)}`;
    }
    default:
      throw new Error(`${face.name}: the TypeScript SDK has no ${type.kind}`);
  }
}

export function definition(contract: Contract, face: Interface, item: Enum | RecordType): string {
  const name = pascal(item.name);
  if (item.kind === "enum") return `${docs(item.docs)}export type ${name} = ${item.cases.map((one) => `"${one.name}"`).join(" | ")};\n`;
  const fields = item.fields.map((field) => {
    const optional = field.type.kind === "option" ? "?" : "";
    return `${docs(field.docs, "  ")}  readonly ${camel(field.name)}${optional}: ${typeOf(contract, face, field.type, false)};\n`;
  });
  return `${docs(item.docs)}export interface ${name} {\n${fields.join("")}}\n`;
}

/** QuickJS has null for what is none. */
function fromHost(type: Type | undefined, value: string): string {
  if (type?.kind === "option") return `${value} ?? undefined`;
  if (type?.kind === "list" && type.of.kind === "option") return `${value}.map((item) => item ?? undefined)`;
  return value;
}

function func(contract: Contract, face: Interface, item: Func): string {
  const answer = answerOf(item);
  const names = item.params.map(({ name }) => camel(name));
  const params = item.params.map(
    ({ name, type }, i) =>
      `${camel(name)}${type.kind === "option" && i === item.params.length - 1 ? "?" : ""}: ${typeOf(contract, face, type, false)}`,
  );
  const head = `${docs(item.docs)}export function ${declared(item)}(${params.join(", ")}): ${typeOf(contract, face, answer, true)} {\n`;
  const call = `host.${camel(item.name)}(${names.join(", ")})`;
  const value = fromHost(answer, canFail(item) ? `asking(() => ${call})` : call);
  return `${head}  ${answer === undefined ? "" : "return "}${value};\n}\n`;
}

function moduleOf(contract: Contract, face: Interface): string {
  const body = face.items.map((item) => (item.kind === "func" ? func(contract, face, item) : definition(contract, face, item))).join("\n");
  const asks = functionsOf(face).some(canFail) ? 'import { asking } from "./host-error.ts";\n' : "";
  const about = face.docs.length === 0 ? "" : `// ${face.docs[0]}\n`;
  return `// ${GENERATED}\n${about}\nimport * as host from "${packageName(contract, face)}";\n${asks}\n${body}`;
}

const packageName = (contract: Contract, face: Interface): string => contract.package.replace("@", `/${face.name}@`);

/** The modules that componentize-qjs links; what is none is null in an answer. */
function declarations(contract: Contract): string {
  const modules = importedInterfaces(contract).map((face) => {
    const lines = functionsOf(face).map((item) => {
      const raw = (type: Type | undefined, isAnswer = false): string => rawType(contract, face, type, isAnswer);
      const params = item.params.map(({ name, type }) => `${camel(name)}: ${raw(type)}`);
      const name = RESERVED.has(item.name) ? `_${item.name}` : camel(item.name);
      const line = `  function ${name}(${params.join(", ")}): ${raw(answerOf(item), true)};\n`;
      return RESERVED.has(item.name) ? `${line}  export { ${name} as ${item.name} };\n` : `  export${line.slice(1)}`;
    });
    return `declare module "${packageName(contract, face)}" {\n${lines.join("")}}\n`;
  });
  return `// ${GENERATED}\n\n${modules.join("\n")}`;
}

function rawType(contract: Contract, face: Interface, type: Type | undefined, isAnswer: boolean): string {
  if (type === undefined) return "void";
  if (isBytes(type)) return "Uint8Array";
  const inner = (one: Type): string => rawType(contract, face, one, isAnswer);
  switch (type.kind) {
    case "option":
      return `${inner(type.of)} | ${isAnswer ? "null" : "undefined"}`;
    case "list":
      return `${isAnswer ? "" : "readonly "}${type.of.kind === "option" ? `(${inner(type.of)})` : inner(type.of)}[]`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return `import("./${home.name}.ts").${pascal(item.name)}`;
    }
    default:
      return typeOf(contract, face, type, isAnswer);
  }
}

/** Path below plugin-sdk/typescript → text. */
export function emitTypeScript(contract: Contract): ReadonlyMap<string, string> {
  const codes = enumsOf(interfaceOf(contract, "types")).find(({ name }) => name === "error-code");
  if (codes === undefined) throw new Error("wit/ has no error-code");
  return new Map([
    ["src/host-modules.d.ts", declarations(contract)],
    [
      "src/error-code.ts",
      `// ${GENERATED}\n\n${docs(codes.docs)}export type ErrorCode =\n${codes.cases
        .map(({ name }) => `  | "${name}"\n`)
        .join("")
        .trimEnd()};\n`,
    ],
    ...importedInterfaces(contract).map((face) => [`src/${face.name}.ts`, moduleOf(contract, face)] as const),
  ]);
}
