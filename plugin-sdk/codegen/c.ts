// Emits plugin-sdk/c/include/bulkhead.h: c/runtime.h, then the types and functions of every interface, then the other parts of c/, as one header.

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
  type RecordType,
  recordsOf,
  resolve,
  snake,
  type Type,
  type Wire,
  wireOf,
} from "./model.ts";

const docs = (lines: Docs, indent = ""): string => comment(lines, "//", indent);

/** `u32`, `text`, `http_header`: what the names of types and of their JSON functions are made of. */
function word(contract: Contract, face: Interface, type: Type): string {
  if (isText(type)) return "text";
  if (isBytes(type)) return "bytes";
  switch (type.kind) {
    case "primitive":
      return type.name;
    case "option":
      return `optional_${word(contract, face, type.of)}`;
    case "list":
      return `${word(contract, face, type.of)}_list`;
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return snake(`${home.name}-${item.name}`);
    }
    default:
      throw new Error(`${face.name}: the C SDK has no ${type.kind}`);
  }
}

const PRIMITIVE: Readonly<Record<string, string>> = { bool: "bool", f64: "double" };

function cType(contract: Contract, face: Interface, type: Type): string {
  const name = word(contract, face, type);
  if (type.kind === "primitive" && !isText(type))
    return PRIMITIVE[type.name] ?? `${type.name.startsWith("u") ? "u" : ""}int${type.name.slice(1)}_t`;
  return `bh_${name}`;
}

const upper = (name: string): string => snake(name).toUpperCase();

function enumType(prefix: string, item: Enum, first: readonly string[] = []): string {
  const cases = item.cases.map((one) => `${docs(one.docs, "    ")}    BH_${upper(prefix)}${upper(one.name)},\n`);
  return `${docs(item.docs)}typedef enum {\n${[...first, ...cases].join("")}}`;
}

const namesOf = (name: string, values: readonly string[]): string =>
  `static const char *const bh__names_${name}[] = {${values.map((value) => `"${value}"`).join(", ")}};\n`;

function enumDefinition(face: Interface, item: Enum): string {
  const name = snake(`${face.name}-${item.name}`);
  const names = item.cases.map((one) => one.name);
  return `${enumType(`${face.name}-${item.name}-`, item)} bh_${name};
${namesOf(name, names)}
// The name in wit/.
static inline const char *bh_${name}_name(bh_${name} value) { return bh__names_${name}[value]; }
static inline void bh__write_${name}(bh__out *out, bh_${name} value) { bh__write_text(out, bh_str(bh__names_${name}[value])); }
static inline bool bh__read_${name}(bh_text json, bh_${name} *value) {
    size_t found;
    if (!bh__read_name(json, bh__names_${name}, ${names.length}, &found)) return false;
    *value = (bh_${name})found;
    return true;
}
`;
}

function recordDefinition(contract: Contract, face: Interface, item: RecordType): string {
  const name = snake(`${face.name}-${item.name}`);
  const fields = item.fields.map((field) => `${docs(field.docs, "    ")}    ${cType(contract, face, field.type)} ${snake(field.name)};\n`);
  const writes = item.fields.map((field, index) => {
    const key = `bh__put_str(out, "${index === 0 ? "{" : ","}\\"${field.name}\\":");`;
    return `    ${key}\n    bh__write_${word(contract, face, field.type)}(out, value.${snake(field.name)});\n`;
  });
  const reads = item.fields.map((field) => {
    const read = `bh__read_${word(contract, face, field.type)}(raw, &value->${snake(field.name)})`;
    return `    if (!bh_json_member(json, "${field.name}", &raw)) raw = bh_str("null");\n    if (!${read}) return false;\n`;
  });
  return `${docs(item.docs)}typedef struct {
${fields.join("")}} bh_${name};

static inline void bh__write_${name}(bh__out *out, bh_${name} value) {
${writes.join("")}    bh__put_str(out, "}");
}
static inline bool bh__read_${name}(bh_text json, bh_${name} *value) {
    bh_text raw;
${reads.join("")}    return true;
}
`;
}

/** Options and lists of `types` and of what is in them that were not defined before. */
function composites(contract: Contract, face: Interface, types: readonly Type[], known: Set<string>): string {
  let text = "";
  for (const type of types) {
    if ((type.kind !== "option" && type.kind !== "list") || isBytes(type)) continue;
    text += composites(contract, face, [type.of], known);
    const name = word(contract, face, type);
    if (known.has(name)) continue;
    known.add(name);
    text += `BH__${type.kind.toUpperCase()}(${name}, ${cType(contract, face, type.of)}, ${word(contract, face, type.of)})\n`;
  }
  return text;
}

const ARGUMENT: Readonly<Record<Exclude<Wire, "json">, string>> = {
  nothing: "",
  text: "bh__bytes_block",
  bytes: "bh__bytes_block",
  "option-text": "bh__optional_text_block",
  "option-bytes": "bh__optional_bytes_block",
};

function func(contract: Contract, face: Interface, item: Func): string {
  const name = importName(face, item);
  const answer = answerOf(item);
  const params = item.params.map(({ name: param, type }) => `${cType(contract, face, type)} ${snake(param)}`);
  const fails = canFail(item);
  const out = answer === undefined || !fails ? [] : [`${cType(contract, face, answer)} *value`];
  const head = `${fails ? "bh_code" : cType(contract, face, answer ?? { kind: "primitive", name: "bool" })} bh_${name}`;
  const args = item.params.map(({ name: param, type }) => {
    const wire = wireOf(type);
    const key = snake(param);
    if (wire !== "json") return `    uint64_t ${key}_block = ${ARGUMENT[wire]}(&call, ${key});\n`;
    return `    bh__out ${key}_json = bh__begin();\n    bh__write_${word(contract, face, type)}(&${key}_json, ${key});
    uint64_t ${key}_block = bh__bytes_block(&call, bh__end(&${key}_json));\n`;
  });
  const handles = item.params.map(({ name: param }) => `${snake(param)}_block`).join(", ");
  const wire = wireOf(answer);
  const target = fails ? "value" : "&value";
  const word_ = answer === undefined ? "" : word(contract, face, answer);
  const read =
    wire === "nothing"
      ? ""
      : wire === "json"
        ? `    if (!bh__read_${word_}(answer, ${target})) bh__panic(BH__FILE, __LINE__, "the host's answer has another shape");\n`
        : `    bh__take_${word_}(answer, ${target});\n`;
  const body = fails
    ? `    if (code != BH_OK) return code;\n${read}    return BH_OK;\n`
    : `    ${cType(contract, face, answer ?? { kind: "primitive", name: "bool" })} value;
    if (code != BH_OK) bh__panic(BH__FILE, __LINE__, "${face.name}.${item.name} failed");\n${read}    return value;\n`;
  return `BH__IMPORT("extism:host/user", "${name}") uint64_t bh__import_${name}(${item.params.map(() => "uint64_t").join(", ") || "void"});
${docs(item.docs)}static inline ${head}(${[...params, ...out].join(", ") || "void"}) {
    bh__call call = {0};
${args.join("")}    bh_bytes answer;
    bh_code code = bh__answer(&call, bh__import_${name}(${handles}), &answer);
${body}}
`;
}

function section(contract: Contract, face: Interface, known: Set<string>): string {
  let text = face.docs.length === 0 ? "" : `${docs(face.docs)}\n`;
  for (const item of enumsOf(face)) text += `${enumDefinition(face, item)}\n`;
  for (const item of recordsOf(face)) {
    text += composites(
      contract,
      face,
      item.fields.map((field) => field.type),
      known,
    );
    text += `${recordDefinition(contract, face, item)}\n`;
  }
  for (const item of functionsOf(face)) {
    const answer = answerOf(item);
    text += composites(contract, face, [...item.params.map(({ type }) => type), ...(answer === undefined ? [] : [answer])], known);
    text += `${func(contract, face, item)}\n`;
  }
  return text;
}

/** The two hand-written parts come from plugin-sdk/codegen/c. */
export function emitC(contract: Contract, runtime: string, entry: string): string {
  const codes = enumsOf(interfaceOf(contract, "types"))[0];
  if (codes === undefined) throw new Error("wit/ has no error codes");
  const known = new Set(["optional_text", "optional_bytes"]);
  const codeNames = namesOf("code", ["ok", ...codes.cases.map(({ name }) => name)]);
  const enumeration = `${enumType("", codes, ["    BH_OK = 0,\n"])} bh_code;\n#define BH__CODES ${codes.cases.length + 1}\n${codeNames}`;
  const sections = importedInterfaces(contract).map((face) => section(contract, face, known));
  return `// ${GENERATED}\n\n${runtime.replace("// @codes\n", enumeration)}\n${sections.join("\n")}\n${entry}`;
}
