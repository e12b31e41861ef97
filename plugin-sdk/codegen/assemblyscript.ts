// Emits plugin-sdk/assemblyscript/assembly/imports.ts: every import of docs/abi.md, raw. What authors call is written by hand around it.

import { type Contract, camel, comment, functionsOf, GENERATED, importedInterfaces, importName, snake } from "./model.ts";

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

export function emitAssemblyScript(contract: Contract): string {
  const functions = importedInterfaces(contract).flatMap((face) =>
    functionsOf(face).map((func) => {
      const params = func.params.map(({ name }) => `${camel(name)}: u64`).join(", ");
      const name = importName(face, func);
      return comment(func.docs, "///") + declaration("extism:host/user", name, name, `(${params}): u64`);
    }),
  );
  return `// ${GENERATED}
// Every function that the host gives, exactly as docs/abi.md names it. A block handle is a u64; nothing else is declared elsewhere.

${[...FIXED.map((one) => declaration(...one)), ...functions].join("\n")}`;
}
