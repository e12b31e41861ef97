// Emits schemas/host-functions.schema.json: the JSON form that the records and enums of wit/ have in blocks, for whoever writes an SDK.

import { type Contract, GENERATED, type Interface, importedInterfaces, interfaceOf, isBytes, resolve, type Type } from "./model.ts";

type Schema = Readonly<Record<string, unknown>>;

const MAXIMA: Readonly<Record<string, number>> = { u8: 255, u16: 65_535, u32: 4_294_967_295, u64: Number.MAX_SAFE_INTEGER };

function schemaOf(contract: Contract, face: Interface, type: Type): Schema {
  if (isBytes(type)) return { type: "string", contentEncoding: "base64" };
  switch (type.kind) {
    case "primitive":
      if (type.name === "string") return { type: "string" };
      if (type.name === "bool") return { type: "boolean" };
      if (type.name === "f64") return { type: "number" };
      return { type: "integer", ...(type.name in MAXIMA ? { minimum: 0, maximum: MAXIMA[type.name] } : {}) };
    case "list":
      return { type: "array", items: schemaOf(contract, face, type.of) };
    case "option":
      return { anyOf: [schemaOf(contract, face, type.of), { type: "null" }] };
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return { $ref: `#/$defs/${home.name}.${item.name}` };
    }
    default:
      throw new Error(`${face.name}: no JSON Schema for a ${type.kind}`);
  }
}

export function emitSchemas(contract: Contract): string {
  const $defs: Record<string, Schema> = {};
  for (const face of [interfaceOf(contract, "types"), ...importedInterfaces(contract)]) {
    for (const item of face.items) {
      if (item.kind === "func") continue;
      const description = item.docs.length === 0 ? {} : { description: item.docs.join("\n") };
      if (item.kind === "enum") $defs[`${face.name}.${item.name}`] = { ...description, enum: item.cases.map(({ name }) => name) };
      else {
        const properties = item.fields.map(({ name, docs, type }) => [
          name,
          { ...schemaOf(contract, face, type), ...(docs.length === 0 ? {} : { description: docs.join("\n") }) },
        ]);
        const required = item.fields.filter(({ type }) => type.kind !== "option").map(({ name }) => name);
        const rest = { type: "object", properties: Object.fromEntries(properties), required, additionalProperties: false };
        $defs[`${face.name}.${item.name}`] = { ...description, ...rest };
      }
    }
  }
  const $schema = "https://json-schema.org/draft/2020-12/schema";
  return `${JSON.stringify({ $schema, $comment: GENERATED, title: contract.package, $defs }, null, 2)}\n`;
}
