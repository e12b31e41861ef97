// The core signature of a function by the canonical ABI of components: what jco's own reading of wit/ is compared with.

import { type Contract, type Func, type Interface, resolve, type Type } from "./model.ts";

type CoreType = "i32" | "i64" | "f64";

const MAX_FLAT_PARAMS = 16;

function flatten(contract: Contract, face: Interface, type: Type | undefined): CoreType[] {
  if (type === undefined) return [];
  switch (type.kind) {
    case "primitive":
      if (type.name === "string") return ["i32", "i32"];
      return [type.name === "f64" ? "f64" : type.name.endsWith("64") ? "i64" : "i32"];
    case "list":
      return ["i32", "i32"];
    case "option":
      return ["i32", ...flatten(contract, face, type.of)];
    case "tuple":
      return type.items.flatMap((item) => flatten(contract, face, item));
    case "result":
      return ["i32", ...joined(flatten(contract, face, type.ok), flatten(contract, face, type.error))];
    case "named": {
      const { home, item } = resolve(contract, face, type.name);
      return item.kind === "enum" ? ["i32"] : item.fields.flatMap((field) => flatten(contract, home, field.type));
    }
  }
}

/** One slot for either of two cases; where they differ an i64 holds both. */
function joined(one: readonly CoreType[], other: readonly CoreType[]): CoreType[] {
  return Array.from({ length: Math.max(one.length, other.length) }, (_, i) => {
    const [a = other[i], b = one[i]] = [one[i], other[i]];
    return a !== undefined && a === b ? a : "i64";
  });
}

/** Parameters and results of an imported function, lowered. */
export function coreSignature(contract: Contract, face: Interface, func: Func): { params: CoreType[]; results: CoreType[] } {
  const flat = func.params.flatMap(({ type }) => flatten(contract, face, type));
  const params: CoreType[] = flat.length > MAX_FLAT_PARAMS ? ["i32"] : flat;
  const results = flatten(contract, face, func.result);
  return results.length > 1 ? { params: [...params, "i32"], results: [] } : { params, results };
}
