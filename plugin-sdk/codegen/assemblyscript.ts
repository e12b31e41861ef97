// Emits the AssemblyScript SDK's view of the host: assembly/imports.ts, which declares every import of docs/abi.md, and a module an interface in
// assembly/host/. What assembly/<interface>.ts exports by hand takes the place of what would be generated under that name.

import {
  answerOf,
  type Contract,
  camel,
  canFail,
  comment,
  type Docs,
  type Enum,
  type Func,
  functionsOf,
  GENERATED,
  type Interface,
  importedInterfaces,
  importName,
  isBytes,
  pascal,
  type RecordType,
  resolve,
  snake,
  type Type,
  type Wire,
  wireOf,
} from "./model.ts";

// Of the Extism ABI and of the bulk copy, what the SDK uses.
const FIXED: readonly (readonly [module: string, name: string, local: string, signature: string])[] = [
  ["extism:host/env", "alloc", "alloc", "(length: u64): u64"],
  ["extism:host/env", "length", "length", "(block: u64): u64"],
  ["extism:host/env", "load_u8", "load_u8", "(offset: u64): i32"],
  ["extism:host/env", "input_offset", "input_offset", "(): u64"],
  ["extism:host/env", "input_length", "input_length", "(): u64"],
  ["extism:host/env", "output_set", "output_set", "(offset: u64, length: u64): void"],
  ["extism:host/env", "error_set", "error_set", "(block: u64): void"],
  ["bulkhead:host/memory", "release", "release", "(block: u64): void"],
  ["bulkhead:host/memory", "load", "load_bytes", "(offset: u64, address: usize, length: i32): void"],
  ["bulkhead:host/memory", "store", "store_bytes", "(address: usize, offset: u64, length: i32): void"],
];

const declaration = (module: string, name: string, local: string, signature: string): string =>
  `@external("${module}", "${name}")\nexport declare function ${snake(local)}${signature};\n`;

function imports(contract: Contract): string {
  const functions = importedInterfaces(contract).flatMap((face) =>
    functionsOf(face).map((func) => {
      const params = func.params.map(({ name }) => `${local(name)}: u64`).join(", ");
      const name = importName(face, func);
      return comment(func.docs, "///") + declaration("extism:host/user", name, name, `(${params}): u64`);
    }),
  );
  return `// ${GENERATED}
// Every function that the host gives, exactly as docs/abi.md names it. A block handle is a u64; nothing else is declared elsewhere.

${[...FIXED.map((one) => declaration(...one)), ...functions].join("\n")}`;
}

// Words of the language, and the name under which every function below calls its import.
const RESERVED: ReadonlySet<string> = new Set(
  "abi break case class const default do else enum export extends for function if import in interface let new null return switch this throw try type var void while with".split(
    " ",
  ),
);
const local = (name: string): string => (RESERVED.has(camel(name)) ? `${camel(name)}_` : camel(name));
const declared = (func: Func): string => (func.name === "delete" ? "remove" : local(func.name));

function docs(lines: Docs, indent = ""): string {
  if (lines.length < 2) return lines.map((line) => `${indent}/** ${line} */\n`).join("");
  return `${indent}/**\n${comment(lines, " *", indent)}${indent} */\n`;
}

/** A type of AssemblyScript. */
interface Form {
  readonly text: string;
  /** What a field has that nobody has set yet. */
  readonly blank: string;
  readonly isReference: boolean;
  /** The class in it, to be imported. */
  readonly named?: { readonly name: string; readonly home: Interface };
}

function formOf(contract: Contract, face: Interface, type: Type): Form {
  if (isBytes(type)) return { text: "Uint8Array", blank: "new Uint8Array(0)", isReference: true };
  switch (type.kind) {
    case "primitive":
      if (type.name === "string") return { text: "string", blank: '""', isReference: true };
      return { text: type.name.replace(/^s(?=\d)/, "i"), blank: type.name === "bool" ? "false" : "0", isReference: false };
    case "list": {
      const of = formOf(contract, face, type.of);
      const text = of.text.endsWith("| null") ? `Array<${of.text}>` : `${of.text}[]`;
      return { ...of, text, blank: "[]", isReference: true };
    }
    case "option": {
      const of = formOf(contract, face, type.of);
      return { ...of, text: `${of.isReference ? of.text : `Some<${of.text}>`} | null`, blank: "null", isReference: true };
    }
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      const name = pascal(item.name);
      if (item.kind === "enum") return { text: "string", blank: '""', isReference: true };
      if (home.name === "types") throw new Error(`${face.name}: the AssemblyScript SDK has no ${item.name} but as a failure`);
      return { text: name, blank: `new ${name}()`, isReference: true, named: { name, home } };
    }
    default:
      throw new Error(`${face.name}: the AssemblyScript SDK has no ${type.kind}`);
  }
}

/** The values of an enum travel as text, so that one which a later host adds does no harm. */
function values(item: Enum): string {
  const cases = item.cases.map((one) => `${docs(one.docs, "  ")}  static readonly ${local(one.name)}: string = "${one.name}";\n`);
  return `${docs(item.docs)}export abstract class ${pascal(item.name)} {\n${cases.join("")}}\n`;
}

/** A class with the three methods that transform.js gives to a @json class, since names of wit/ are none of the language. */
function record(contract: Contract, face: Interface, item: RecordType): string {
  const fields = item.fields.map((field, index) => ({
    ...formOf(contract, face, field.type),
    ...{ docs: field.docs, key: field.name, name: local(field.name), bit: index + 1, required: field.type.kind !== "option" },
  }));
  const params = fields.map((one) => `${docs(one.docs, "    ")}    public ${one.name}: ${one.text} = ${one.blank},\n`).join("");
  const lines = (of: readonly string[]): string => of.map((line) => `    ${line}\n`).join("");
  return `${docs(item.docs)}export class ${pascal(item.name)} {
  constructor(
${params}  ) {}

  __decode<R>(reader: R): i32 {
${lines(fields.map(({ key, name, text, bit }) => `if (reader.keyIs("${key}")) { this.${name} = reader.value<${text}>(); return ${bit}; }`))}    return 0;
  }

  __missing(seen: u64): string {
${lines(fields.filter(({ required }) => required).map(({ key, bit }) => `if (!(seen & ((<u64>1) << ${bit - 1}))) return "${key}";`))}    return "";
  }

  __encode<W>(writer: W): void {
${lines(fields.map(({ key, name, text }) => `writer.field<${text}>("${key}", this.${name});`))}  }
}
`;
}

const ARGUMENT: Readonly<Record<Exclude<Wire, "json">, string>> = {
  nothing: "",
  text: "textBlock",
  bytes: "bytesBlock",
  "option-text": "optionTextBlock",
  "option-bytes": "optionBytesBlock",
};
const ANSWER: Readonly<Record<Exclude<Wire, "json">, string>> = {
  nothing: "nothingFrom",
  text: "textFrom",
  bytes: "bytesFrom",
  "option-text": "optionalTextFrom",
  "option-bytes": "optionalBytesFrom",
};

function func(contract: Contract, face: Interface, item: Func): string {
  const params = item.params.map(({ name, type }) => ({ name: local(name), type: formOf(contract, face, type).text, wire: wireOf(type) }));
  const last = params.findLastIndex(({ type }) => !type.endsWith("| null"));
  const written = params.map(({ name, type }, i) => `${name}: ${type}${i > last ? " = null" : ""}`).join(", ");
  const args = params.map(({ name, type, wire }) => `${wire === "json" ? `jsonBlock<${type}>` : ARGUMENT[wire]}(${name})`).join(", ");
  const answer = answerOf(item);
  const wire = wireOf(answer);
  const type = answer === undefined ? "Nothing" : formOf(contract, face, answer).text;
  const read = `${wire === "json" ? `jsonFrom<${type}>` : ANSWER[wire]}(abi.${importName(face, item)}(${args}))`;
  const [returns, value] = canFail(item) ? [answer === undefined ? "Outcome" : `Result<${type}>`, read] : [type, `${read}.value`];
  return `${docs(item.docs)}export function ${declared(item)}(${written}): ${returns} {\n  return ${value};\n}\n`;
}

const HELPERS: readonly (readonly [file: string, names: readonly string[]])[] = [
  ["../answers", ["bytesFrom", "jsonFrom", "nothingFrom", "optionalBytesFrom", "optionalTextFrom", "textFrom"]],
  ["../json", ["jsonBlock"]],
  ["../memory", ["bytesBlock", "optionBytesBlock", "optionTextBlock", "textBlock"]],
  ["../result", ["Outcome", "Result"]],
  ["../some", ["Some"]],
];

/** The names that a module exports by hand. */
const exportedBy = (source: string): ReadonlySet<string> =>
  new Set([...source.matchAll(/^export (?:abstract )?(?:function|class|const|let|type) (\w+)/gm)].map(([, name = ""]) => name));

const typesIn = (item: Func | RecordType | Enum): Type[] => {
  if (item.kind === "enum") return [];
  if (item.kind === "record") return item.fields.map(({ type }) => type);
  const answer = answerOf(item);
  return [...item.params.map(({ type }) => type), ...(answer === undefined ? [] : [answer])];
};

function moduleOf(contract: Contract, face: Interface, byHand: string | undefined): string {
  const taken = exportedBy(byHand ?? "");
  const items = face.items.filter((item) => !taken.has(item.kind === "func" ? declared(item) : pascal(item.name)));
  const body = items
    .map((item) => (item.kind === "func" ? func(contract, face, item) : item.kind === "enum" ? values(item) : record(contract, face, item)))
    .join("\n");
  const imported = HELPERS.map(([file, names]) => [file, names.filter((name) => new RegExp(`\\b${name}\\b`).test(body))] as const);
  const classes = new Map(
    items.flatMap(typesIn).flatMap((type) => {
      const { named } = formOf(contract, face, type);
      if (named === undefined) return [];
      if (named.home.name !== face.name) return [[named.name, `./${named.home.name}`]];
      return taken.has(named.name) ? [[named.name, `../${face.name}`]] : [];
    }),
  );
  const lines = [
    ...(byHand === undefined ? [] : [`export * from "../${face.name}";\n`]),
    ...(/\babi\./.test(body) ? ['import * as abi from "../imports";\n'] : []),
    ...imported.filter(([, names]) => names.length > 0).map(([file, names]) => `import { ${names.join(", ")} } from "${file}";\n`),
    ...[...classes].map(([name, file]) => `import { ${name} } from "${file}";\n`),
  ];
  return `// ${GENERATED}\n${comment(face.docs, "//")}\n${[lines.join(""), body].filter((part) => part !== "").join("\n")}`;
}

/** What index.ts gives to authors: every interface under its name. */
function modules(contract: Contract): string {
  const faces = importedInterfaces(contract).map(({ name }) => name);
  const lines = faces.map((name) => `import * as ${local(name)} from "./${name}";\n`);
  return `// ${GENERATED}\n\n${lines.join("")}\nexport { ${faces.map(local).join(", ")} };\n`;
}

/**
 * Path below plugin-sdk/assemblyscript/assembly → text.
 *
 * @param byHand the modules of that folder that are written by hand, by the name of the interface that they are of
 */
export function emitAssemblyScript(contract: Contract, byHand: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([
    ["imports.ts", imports(contract)],
    ["host/index.ts", modules(contract)],
    ...importedInterfaces(contract).map((face) => [`host/${face.name}.ts`, moduleOf(contract, face, byHand.get(face.name))] as const),
  ]);
}
