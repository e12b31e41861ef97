// Emits plugin-sdk/remote-node: a module an interface, each of whose functions asks the host over the plugin's session.

import { enumShape, recordShape, shape } from "./host.ts";
import { answerOf, type Contract, camel, type Func, GENERATED, type Interface, importedInterfaces } from "./model.ts";
import { declared, definition, docs, typeOf } from "./typescript.ts";

function func(contract: Contract, face: Interface, item: Func): string {
  const answer = answerOf(item);
  const params = item.params.map(
    ({ name, type }, i) =>
      `${camel(name)}${type.kind === "option" && i === item.params.length - 1 ? "?" : ""}: ${typeOf(contract, face, type, false)}`,
  );
  const values = item.params.map(({ name, type }) => `[${shape(contract, face, type)}, ${camel(name)}]`);
  const type = typeOf(contract, face, answer, true);
  return `${docs(item.docs)}export function ${declared(item)}(${params.join(", ")}): Promise<${type}> {
  return asking("${face.name}.${item.name}", [${values.join(", ")}], ${shape(contract, face, answer)});
}
`;
}

function moduleOf(contract: Contract, face: Interface): string {
  const shapes = face.items.flatMap((item) => {
    if (item.kind === "func") return [];
    const inside = item.kind === "enum" ? enumShape(item) : recordShape(contract, face, item);
    return [`const ${camel(`${face.name}-${item.name}`)}: Shape = ${inside};\n`];
  });
  const body = face.items.map((item) => (item.kind === "func" ? func(contract, face, item) : definition(contract, face, item))).join("\n");
  const imports = `import { asking } from "./asking.ts";\n${shapes.length === 0 ? "" : 'import type { Shape } from "./blocks.ts";\n'}`;
  const about = face.docs.length === 0 ? "" : `// ${face.docs[0]}\n`;
  return `// ${GENERATED}\n${about}\n${imports}\n${shapes.join("")}${shapes.length === 0 ? "" : "\n"}${body}`;
}

/** Path below plugin-sdk/remote-node → text. */
export const emitRemoteNode = (contract: Contract): ReadonlyMap<string, string> =>
  new Map(importedInterfaces(contract).map((face) => [`src/${face.name}.ts`, moduleOf(contract, face)] as const));
