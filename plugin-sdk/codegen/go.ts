// Emits the packages of plugin-sdk/go: one an interface, with its types and functions, and the error codes for all of them.

import {
  answerOf,
  type Contract,
  canFail,
  type Docs,
  type Enum,
  enumsOf,
  type Func,
  functionsOf,
  GENERATED,
  type Interface,
  importedInterfaces,
  importName,
  interfaceOf,
  isBytes,
  pascal,
  type RecordType,
  resolve,
  snake,
  type Type,
  wireOf,
} from "./model.ts";

const MODULE = "bulkhead.local/sdk";
const RESERVED: ReadonlySet<string> = new Set(["type", "range", "func", "map", "var", "len"]);

const exported = (name: string): string => pascal(name).replace(/(Ms|Url|Id)$/, (word) => word.toUpperCase());
const local = (name: string): string => {
  const word = pascal(name);
  const lower = word.charAt(0).toLowerCase() + word.slice(1);
  return RESERVED.has(lower) ? `${lower}_` : lower;
};

/** Go's doc comments begin with the name; the sentence of wit/ follows as it is. */
const docs = (name: string, lines: Docs, indent = ""): string =>
  lines.length === 0 ? "" : [`${name}:`, ...lines].map((line) => `${indent}//${line === "" ? "" : ` ${line}`}\n`).join("");

interface Row {
  readonly docs: Docs;
  readonly cells: readonly string[];
}

/** As gofmt aligns them: cells of neighbouring lines, where a comment ends the neighbourhood. */
function aligned(rows: readonly Row[]): string {
  let text = "";
  for (const [index, { docs: lines, cells }] of rows.entries()) {
    let first = index;
    while (first > 0 && rows[first]?.docs.length === 0) first -= 1;
    let end = index + 1;
    while (end < rows.length && rows[end]?.docs.length === 0) end += 1;
    const section = rows.slice(first, end);
    const width = (column: number): number => Math.max(...section.map((row) => row.cells[column]?.length ?? 0));
    text += lines.map((line) => `\t//${line === "" ? "" : ` ${line}`}\n`).join("");
    text += `\t${cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(width(column)))).join(" ")}\n`;
  }
  return text;
}

function goType(contract: Contract, face: Interface, type: Type): string {
  if (isBytes(type)) return "[]byte";
  switch (type.kind) {
    case "primitive":
      return type.name
        .replace(/^u(?=\d)/, "uint")
        .replace(/^s(?=\d)/, "int")
        .replace("f64", "float64");
    case "list":
      return `[]${goType(contract, face, type.of)}`;
    case "option":
      return isBytes(type.of) ? "[]byte" : `*${goType(contract, face, type.of)}`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return home.name === face.name ? exported(item.name) : `${snake(home.name)}.${exported(item.name)}`;
    }
    default:
      throw new Error(`${face.name}: the Go SDK has no ${type.kind}`);
  }
}

function enumType(item: Enum): string {
  const name = exported(item.name);
  const cases = aligned(item.cases.map((one) => ({ docs: one.docs, cells: [`${name}${exported(one.name)}`, `${name} = "${one.name}"`] })));
  return `${docs(name, item.docs)}type ${name} string\n\nconst (\n${cases})\n`;
}

function recordType(contract: Contract, face: Interface, item: RecordType): string {
  const fields = aligned(
    item.fields.map((field) => ({
      docs: field.docs,
      cells: [exported(field.name), goType(contract, face, field.type), `\`json:"${field.name}"\``],
    })),
  );
  const name = exported(item.name);
  const lists = item.fields.filter(({ type }) => type.kind === "list").map((field) => exported(field.name));
  const type = `${docs(name, item.docs)}type ${name} struct {\n${fields}}\n`;
  if (lists.length === 0) return type;
  const filled = lists.map((list) => `\twhole.${list} = abi.List(whole.${list})\n`).join("");
  return `${type}
// MarshalJSON writes a nil slice as the empty list that it is.
func (value ${name}) MarshalJSON() ([]byte, error) {
\ttype plain ${name}
\twhole := plain(value)
${filled}\treturn abi.Marshal(whole)
}
`;
}

const ARGUMENT = {
  nothing: "JSON",
  text: "Text",
  bytes: "Bytes",
  "option-text": "OptionalText",
  "option-bytes": "OptionalBytes",
  json: "JSON",
} as const;

function func(contract: Contract, face: Interface, item: Func): string {
  const raw = local(importName(face, item).replaceAll("_", "-"));
  const params = item.params.map(({ name, type }) => `${local(name)} ${goType(contract, face, type)}`);
  const args = item.params.map(({ name, type }) => {
    const wire = wireOf(type);
    return `call.${ARGUMENT[wire]}(${wire === "json" && type.kind === "list" ? `abi.List(${local(name)})` : local(name)})`;
  });
  const answer = answerOf(item);
  const wire = wireOf(answer);
  const doc = docs(exported(item.name), item.docs);
  const handles = item.params.map(({ name }) => `${local(name)} uint64`).join(", ");
  const head = `//go:wasmimport extism:host/user ${importName(face, item)}
func ${raw}(${handles}) uint64

${doc}func ${exported(item.name)}(${params.join(", ")})`;
  const reply = `${raw}(${args.join(", ")})`;
  if (answer === undefined) return `${head} error {\n\tcall := abi.Begin()\n\treturn call.Nothing(${reply})\n}\n`;
  const type = goType(contract, face, answer);
  if (!canFail(item)) return `${head} ${type} {\n\tcall := abi.Begin()\n\treturn abi.Must(abi.JSONAnswer[${type}](call, ${reply}))\n}\n`;
  if (wire === "option-bytes" || wire === "option-text") {
    const value = wire === "option-bytes" ? "[]byte" : "string";
    return `${head} (value ${value}, found bool, err error) {\n\tcall := abi.Begin()\n\treturn call.${ARGUMENT[wire]}Answer(${reply})\n}\n`;
  }
  const read = wire === "json" ? `abi.JSONAnswer[${type}](call, ${reply})` : `call.${ARGUMENT[wire]}Answer(${reply})`;
  return `${head} (${type}, error) {\n\tcall := abi.Begin()\n\treturn ${read}\n}\n`;
}

function goPackage(contract: Contract, face: Interface): string {
  const items = face.items.map((item) =>
    item.kind === "enum" ? enumType(item) : item.kind === "record" ? recordType(contract, face, item) : func(contract, face, item),
  );
  const about = face.docs.length === 0 ? "" : `${docs(`Package ${snake(face.name)}`, face.docs)}`;
  const needsAbi = functionsOf(face).length > 0;
  return `// ${GENERATED}

//go:build wasip1

${about}package ${snake(face.name)}
${needsAbi ? `\nimport "${MODULE}/internal/abi"\n` : ""}
${items.join("\n")}`;
}

/** Path below plugin-sdk/go → text. */
export function emitGo(contract: Contract): ReadonlyMap<string, string> {
  const codes = enumsOf(interfaceOf(contract, "types")).map(enumType).join("\n");
  return new Map([
    ["code/code.go", `// ${GENERATED}\n\n// Package code has the codes of every error.\npackage code\n\n${codes}`],
    ...importedInterfaces(contract).map((face) => [`${snake(face.name)}/${snake(face.name)}.go`, goPackage(contract, face)] as const),
  ]);
}
