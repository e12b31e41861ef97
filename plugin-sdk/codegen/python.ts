// Emits plugin-sdk/python: a module an interface, over the bindings that componentize-py makes of the same wit/.

import {
  answerOf,
  type Contract,
  canFail,
  type Docs,
  type Func,
  functionsOf,
  GENERATED,
  type Interface,
  importedInterfaces,
  isBytes,
  pascal,
  resolve,
  snake,
  type Type,
} from "./model.ts";

export const docstring = (lines: Docs, indent: string): string => {
  if (lines.length === 0) return "";
  const [first = "", ...rest] = lines;
  if (rest.length === 0) return `${indent}"""${first}"""\n`;
  return `${indent}"""${first}\n${rest.map((line) => (line === "" ? "\n" : `${indent}${line}\n`)).join("")}${indent}"""\n`;
};

export function typeOf(contract: Contract, face: Interface, type: Type | undefined): string {
  if (type === undefined) return "None";
  if (isBytes(type)) return "bytes";
  switch (type.kind) {
    case "primitive":
      return type.name === "string" ? "str" : type.name === "bool" ? "bool" : type.name === "f64" ? "float" : "int";
    case "list":
      return `list[${typeOf(contract, face, type.of)}]`;
    case "option":
      return `${typeOf(contract, face, type.of)} | None`;
    case "named":
      return pascal(resolve(contract, face, type.name).item.name);
    default:
      throw new Error(`${face.name}: the Python SDK has no ${type.kind}`);
  }
}

function func(contract: Contract, face: Interface, item: Func): string {
  const params = item.params.map(
    ({ name, type }, i) =>
      `${snake(name)}: ${typeOf(contract, face, type)}${type.kind === "option" && i === item.params.length - 1 ? " = None" : ""}`,
  );
  const names = item.params.map(({ name }) => snake(name)).join(", ");
  const call = `_host.${snake(item.name)}(${names})`;
  const body = canFail(item) ? `    with asking():\n        return ${call}\n` : `    return ${call}\n`;
  return `def ${snake(item.name)}(${params.join(", ")}) -> ${typeOf(contract, face, answerOf(item))}:\n${docstring(item.docs, "    ")}${body}`;
}

function moduleOf(contract: Contract, face: Interface): string {
  const types = face.items.filter((item) => item.kind !== "func").map(({ name }) => pascal(name));
  const imports = types.length === 0 ? "" : `from wit_world.imports.${snake(face.name)} import ${types.join(", ")}\n`;
  const asking = functionsOf(face).some(canFail) ? "\nfrom ._error import asking\n" : "";
  const names = [...types, ...functionsOf(face).map(({ name }) => snake(name))].map((name) => `"${name}"`).join(", ");
  const about = face.docs.length === 0 ? "" : docstring(face.docs, "");
  return `# ${GENERATED}\n${about}\nfrom wit_world.imports import ${snake(face.name)} as _host\n${imports}${asking}\n__all__ = [${names}]\n\n\n${functionsOf(
    face,
  )
    .map((item) => func(contract, face, item))
    .join("\n\n")}`;
}

/** Path below plugin-sdk/python → text. */
export const emitPython = (contract: Contract): ReadonlyMap<string, string> =>
  new Map(importedInterfaces(contract).map((face) => [`src/bulkhead/${snake(face.name)}.py`, moduleOf(contract, face)] as const));
