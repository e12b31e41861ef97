// Emits plugin-sdk/rust/src/generated.rs: a module an interface, with its types and functions.

import {
  answerOf,
  type Contract,
  canFail,
  comment,
  type Docs,
  type Enum,
  enumsOf,
  type Field,
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

const docs = (lines: Docs, indent = ""): string => comment(lines, "///", indent);

function owned(contract: Contract, face: Interface, type: Type | undefined, inJson: boolean): string {
  if (type === undefined) return "()";
  if (isBytes(type)) return inJson ? "Bytes" : "Vec<u8>";
  if (isText(type)) return "String";
  switch (type.kind) {
    case "primitive":
      return type.name.replace(/^s/, "i");
    case "list":
      return `Vec<${owned(contract, face, type.of, true)}>`;
    case "option":
      return `Option<${owned(contract, face, type.of, inJson || !(isBytes(type.of) || isText(type.of)))}>`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      const name = pascal(item.name);
      return home.name === face.name ? name : `super::${snake(home.name)}::${name}`;
    }
    default:
      throw new Error(`${face.name}: the Rust SDK has no ${type.kind}`);
  }
}

function borrowed(contract: Contract, face: Interface, type: Type): string {
  if (isText(type)) return "&str";
  if (isBytes(type)) return "&[u8]";
  if (type.kind === "option") return `Option<${borrowed(contract, face, type.of)}>`;
  if (type.kind === "list") return `&[${isText(type.of) ? "&str" : owned(contract, face, type.of, true)}]`;
  if (type.kind === "named" && resolve(contract, face, type.name).item.kind === "record") return `&${owned(contract, face, type, true)}`;
  return owned(contract, face, type, true);
}

function enumType(item: Enum): string {
  const cases = item.cases
    .map((one) => `${docs(one.docs, "    ")}    #[serde(rename = "${one.name}")]\n    ${pascal(one.name)},\n`)
    .join("");
  const names = item.cases.map((one) => `            Self::${pascal(one.name)} => "${one.name}",\n`).join("");
  return `${docs(item.docs)}#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ${pascal(item.name)} {
${cases}}

impl ${pascal(item.name)} {
    /// The name in wit/.
    pub const fn name(self) -> &'static str {
        match self {
${names}        }
    }
}
`;
}

function recordType(contract: Contract, face: Interface, item: RecordType): string {
  const field = ({ name, docs: lines, type }: Field): string => {
    const rename = name === snake(name) ? "" : `    #[serde(rename = "${name}")]\n`;
    return `${docs(lines, "    ")}${rename}    pub ${snake(name)}: ${owned(contract, face, type, true)},\n`;
  };
  return `${docs(item.docs)}#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ${pascal(item.name)} {
${item.fields.map(field).join("")}}
`;
}

const ARGUMENT = {
  nothing: "json",
  text: "text",
  bytes: "bytes",
  "option-text": "optional_text",
  "option-bytes": "optional_bytes",
  json: "json",
} as const;

function func(contract: Contract, face: Interface, item: Func): string {
  const name = snake(item.name);
  const params = item.params.map((param) => `${snake(param.name)}: ${borrowed(contract, face, param.type)}`);
  const args = item.params.map(({ name: arg, type }) => {
    const wire = ARGUMENT[wireOf(type)];
    return `    let ${snake(arg)} = call.${wire}(${wire === "json" ? "&" : ""}${snake(arg)});\n`;
  });
  const answer = owned(contract, face, answerOf(item), wireOf(answerOf(item)) === "json");
  const names = item.params.map((param) => snake(param.name)).join(", ");
  const wire = wireOf(answerOf(item));
  const read = `call.${wire === "nothing" ? "nothing" : `${ARGUMENT[wire]}_answer`}(unsafe { imports::${name}(${names}) })`;
  return `${docs(item.docs)}pub fn ${name}(${params.join(", ")}) -> ${canFail(item) ? `Result<${answer}, Error>` : answer} {
    let ${item.params.length === 0 ? "" : "mut "}call = Call::begin();
${args.join("")}    ${read}${canFail(item) ? "" : '.unwrap_or_else(|error| panic!("{error}"))'}
}
`;
}

function imports(face: Interface): string {
  const one = (item: Func): string =>
    `        #[link_name = "${importName(face, item)}"]
        pub fn ${snake(item.name)}(${item.params.map((param) => `${snake(param.name)}: u64`).join(", ")}) -> u64;\n`;
  return `mod imports {
    #[link(wasm_import_module = "extism:host/user")]
    unsafe extern "C" {
${functionsOf(face).map(one).join("")}    }
}
`;
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "    ");

export function emitRust(contract: Contract): string {
  const modules = importedInterfaces(contract).map((face) => {
    const types = face.items.map((item) =>
      item.kind === "enum" ? enumType(item) : item.kind === "record" ? recordType(contract, face, item) : func(contract, face, item),
    );
    return `${docs(face.docs)}pub mod ${snake(face.name)} {
    #[allow(unused_imports)]
    use crate::{abi::Call, Bytes, Error};
    #[allow(unused_imports)]
    use serde::{Deserialize, Serialize};

${indented([...types, imports(face)].join("\n"))}}
`;
  });
  const codes = enumsOf(interfaceOf(contract, "types")).map(enumType);
  return `// ${GENERATED}

use serde::{Deserialize, Serialize};

${[...codes, ...modules].join("\n")}`;
}
