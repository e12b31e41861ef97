// Emits plugin-sdk/remote-python: a module an interface, each of whose functions asks the host over the plugin's session.

import {
  answerOf,
  type Contract,
  type Enum,
  type Func,
  functionsOf,
  GENERATED,
  type Interface,
  importedInterfaces,
  isBytes,
  pascal,
  type RecordType,
  resolve,
  snake,
  type Type,
} from "./model.ts";
import { docstring, typeOf } from "./python.ts";

function shape(contract: Contract, face: Interface, type: Type | undefined): string {
  if (type === undefined) return "None";
  // As texts: a function of wit/ may be called `bytes`.
  if (isBytes(type)) return '"bytes"';
  switch (type.kind) {
    case "primitive":
      return type.name === "string" ? '"string"' : '"plain"';
    case "list":
    case "option":
      return `("${type.kind}", ${shape(contract, face, type.of)})`;
    case "named":
      return pascal(resolve(contract, face, type.name).item.name);
    default:
      throw new Error(`${face.name}: the remote Python SDK has no ${type.kind}`);
  }
}

function definition(contract: Contract, face: Interface, item: Enum | RecordType): string {
  const docs = docstring(item.docs, "    ");
  if (item.kind === "enum") {
    const cases = item.cases.map(({ name }) => `    ${snake(name).toUpperCase()} = "${name}"\n`).join("");
    return `class ${pascal(item.name)}(Enum):\n${docs}${cases}`;
  }
  const fields = item.fields.map((field, i) => {
    // A field without a default may not stand behind one that has one.
    const none = item.fields.slice(i).every(({ type }) => type.kind === "option") ? " = None" : "";
    return `    ${snake(field.name)}: ${typeOf(contract, face, field.type)}${none}\n${docstring(field.docs, "    ")}`;
  });
  const shapes = item.fields.map(({ name, type }) => `("${name}", "${snake(name)}", ${shape(contract, face, type)})`);
  return `@dataclass(frozen=True)\nclass ${pascal(item.name)}:\n${docs}${fields.join("")}\n\nRECORDS[${pascal(item.name)}] = (${shapes.join(", ")},)\n`;
}

function func(contract: Contract, face: Interface, item: Func): string {
  const params = item.params.map(
    ({ name, type }, i) =>
      `${snake(name)}: ${typeOf(contract, face, type)}${type.kind === "option" && i === item.params.length - 1 ? " = None" : ""}`,
  );
  const args = item.params.map(({ name, type }) => `(${shape(contract, face, type)}, ${snake(name)})`);
  const list = args.length === 1 ? `${args[0]},` : args.join(", ");
  return `def ${snake(item.name)}(${params.join(", ")}) -> ${typeOf(contract, face, answerOf(item))}:
${docstring(item.docs, "    ")}    return asking("${face.name}.${item.name}", (${list}), ${shape(contract, face, answerOf(item))})
`;
}

function moduleOf(contract: Contract, face: Interface): string {
  const kinds = new Set(face.items.map(({ kind }) => kind));
  const imports = [
    // Functions of wit/ may be called as types are, such as `list`.
    "from __future__ import annotations\n\n",
    ...(kinds.has("record") ? ["from dataclasses import dataclass\n"] : []),
    ...(kinds.has("enum") ? ["from enum import Enum\n"] : []),
    ...(kinds.has("record") || kinds.has("enum") ? ["\n"] : []),
    ...(kinds.has("record") ? ["from ._blocks import RECORDS\n"] : []),
    "from ._turn import asking\n",
  ].join("");
  const types = face.items.flatMap((item) => (item.kind === "func" ? [] : [definition(contract, face, item)]));
  const names = [
    ...face.items.filter(({ kind }) => kind !== "func").map(({ name }) => pascal(name)),
    ...functionsOf(face).map(({ name }) => snake(name)),
  ];
  const about = face.docs.length === 0 ? "" : docstring(face.docs, "");
  const body = [...types, ...functionsOf(face).map((item) => func(contract, face, item))].join("\n\n");
  return `# ${GENERATED}\n${about}\n${imports}\n__all__ = [${names.map((name) => `"${name}"`).join(", ")}]\n\n\n${body}`;
}

/** Path below plugin-sdk/remote-python → text. */
export const emitRemotePython = (contract: Contract): ReadonlyMap<string, string> =>
  new Map(importedInterfaces(contract).map((face) => [`src/bulkhead_remote/${snake(face.name)}.py`, moduleOf(contract, face)] as const));
