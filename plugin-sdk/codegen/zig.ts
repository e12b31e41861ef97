// Emits plugin-sdk/zig/src/generated.zig: a namespace an interface, with its types and functions.

import {
  answerOf,
  type Contract,
  canFail,
  comment,
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
  isText,
  pascal,
  type RecordType,
  resolve,
  snake,
  type Type,
  wireOf,
} from "./model.ts";

const KEYWORDS: ReadonlySet<string> = new Set(["error", "type", "test", "struct", "enum", "union"]);

const docs = (lines: Docs, indent = ""): string => comment(lines, "///", indent);
const name = (wit: string): string => (KEYWORDS.has(wit) ? `@"${wit}"` : snake(wit));
const functionName = (wit: string): string => {
  const word = pascal(wit);
  return word.charAt(0).toLowerCase() + word.slice(1);
};

function zigType(contract: Contract, face: Interface, type: Type | undefined, inJson: boolean): string {
  if (type === undefined) return "void";
  if (isText(type)) return "[]const u8";
  if (isBytes(type)) return inJson ? "Bytes" : "[]const u8";
  switch (type.kind) {
    case "primitive":
      return type.name.replace(/^s(?=\d)/, "i");
    case "list":
      return `[]const ${zigType(contract, face, type.of, true)}`;
    case "option":
      return `?${zigType(contract, face, type.of, inJson)}`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return home.name === face.name ? pascal(item.name) : `${name(home.name)}.${pascal(item.name)}`;
    }
    default:
      throw new Error(`${face.name}: the Zig SDK has no ${type.kind}`);
  }
}

const enumType = (item: Enum): string =>
  `${docs(item.docs)}pub const ${pascal(item.name)} = enum {\n${item.cases.map((one) => `${docs(one.docs, "    ")}    ${name(one.name)},\n`).join("")}};\n`;

function recordType(contract: Contract, face: Interface, item: RecordType): string {
  const fields = item.fields.map(({ name: field, docs: lines, type }) => {
    const absent = type.kind === "option" ? " = null" : "";
    return `${docs(lines, "    ")}    ${name(field)}: ${zigType(contract, face, type, true)}${absent},\n`;
  });
  return `${docs(item.docs)}pub const ${pascal(item.name)} = struct {\n${fields.join("")}};\n`;
}

const ARGUMENT = {
  nothing: "json",
  text: "bytes",
  bytes: "bytes",
  "option-text": "optionalBytes",
  "option-bytes": "optionalBytes",
  json: "json",
} as const;

function func(contract: Contract, face: Interface, item: Func): string {
  const answer = answerOf(item);
  const wire = wireOf(answer);
  const type = zigType(contract, face, answer, wire === "json");
  // Zig refuses a parameter that has the name of a declaration around it.
  const taken = new Set(functionsOf(face).map((one) => functionName(one.name)));
  const local = (wit: string): string => (taken.has(name(wit)) ? `${name(wit)}_` : name(wit));
  const params = item.params.map((param) => `${local(param.name)}: ${zigType(contract, face, param.type, wireOf(param.type) === "json")}`);
  const args = item.params.map((param) => `host_call.${ARGUMENT[wireOf(param.type)]}(${local(param.name)})`);
  const reply = `imports.${importName(face, item)}(${args.join(", ")})`;
  const read =
    wire === "nothing"
      ? `host_call.nothing(${reply})`
      : wire === "json"
        ? `host_call.jsonAnswer(${type}, ${reply})`
        : `host_call.${ARGUMENT[wire]}Answer(${reply})`;
  const begin = item.params.length === 0 ? "const" : "var";
  return `${docs(item.docs)}pub fn ${functionName(item.name)}(${params.join(", ")}) ${canFail(item) ? `Error!${type}` : type} {
    ${begin} host_call: abi.Call = .{};
    return ${read}${canFail(item) ? "" : ` catch @panic("${face.name}.${item.name} failed")`};
}
`;
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "    ");

export function emitZig(contract: Contract): string {
  const codes = enumsOf(interfaceOf(contract, "types"))[0];
  if (codes === undefined) throw new Error("wit/ has no error codes");
  const set = codes.cases.map((one) => `    ${pascal(one.name)},\n`).join("");
  const cases = codes.cases.map((one) => `        .${name(one.name)} => error.${pascal(one.name)},\n`).join("");
  const faces = importedInterfaces(contract);
  const imports = faces.flatMap((face) =>
    functionsOf(face).map(
      (item) => `    extern "extism:host/user" fn ${importName(face, item)}(${item.params.map(() => "u64").join(", ")}) u64;\n`,
    ),
  );
  const spaces = faces.map((face) => {
    const items = face.items.map((item) =>
      item.kind === "enum" ? enumType(item) : item.kind === "record" ? recordType(contract, face, item) : func(contract, face, item),
    );
    return `${docs(face.docs)}pub const ${name(face.name)} = struct {\n${indented(items.join("\n"))}};\n`;
  });
  return `// ${GENERATED}

const abi = @import("abi.zig");
const Bytes = @import("json.zig").Bytes;

${docs(codes.docs)}pub const Error = error{
${set}};

${enumType(codes)}
/// The error of a code.
pub fn errorOf(code: ErrorCode) Error {
    return switch (code) {
${cases}    };
}

${spaces.join("\n")}
const imports = struct {
${imports.join("")}};
`;
}
