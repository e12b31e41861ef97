// Emits docs/reference: a page an interface, with every function, its errors, and how it looks in each language. The signatures are taken from
// the SDKs' own sources, so a page cannot show what is not there.

import {
  type Contract,
  camel,
  type Docs,
  type Func,
  functionsOf,
  GENERATED,
  type Interface,
  importedInterfaces,
  importName,
  pascal,
  snake,
  witText,
} from "./model.ts";

/** The sources in which an interface's functions are declared. */
export interface SdkSources {
  readonly rust: string;
  readonly c: string;
  readonly zig: string;
  /** By interface. */
  readonly typescript: ReadonlyMap<string, string>;
  readonly python: ReadonlyMap<string, string>;
  readonly go: ReadonlyMap<string, string>;
  readonly assemblyscript: ReadonlyMap<string, string>;
}

/** The part of `text` from where `start` is to where `end` is next, without `end`; undefined when it is not there. */
function cut(text: string, start: string, end: string): string | undefined {
  const from = text.indexOf(start);
  const to = text.indexOf(end, from + start.length);
  return from < 0 || to < 0 ? undefined : text.slice(from, to).trim();
}

function signatures(sources: SdkSources, face: Interface, func: Func): [language: string, fence: string, code: string][] {
  const module = cut(sources.rust, `pub mod ${snake(face.name)} {`, "\n}\n") ?? "";
  const space = cut(sources.zig, `pub const ${snake(face.name)} = struct {`, "\n};\n") ?? "";
  const zigName = pascal(func.name).replace(/^./, (first) => first.toLowerCase());
  const found: [string, string, string | undefined][] = [
    ["AssemblyScript", "ts", assemblyScript(sources.assemblyscript.get(face.name) ?? "", func)],
    ["Rust", "rust", cut(module, `pub fn ${snake(func.name)}(`, " {\n")],
    ["Go", "go", cut(sources.go.get(face.name) ?? "", `func ${pascal(func.name)}(`, " {\n")],
    ["C and C++", "c", cut(sources.c, ` bh_${importName(face, func)}(`, " {\n")],
    [
      "TypeScript",
      "ts",
      cut(sources.typescript.get(face.name) ?? "", `export function ${func.name === "delete" ? "remove" : camel(func.name)}(`, " {\n"),
    ],
    ["Python", "python", cut(sources.python.get(face.name) ?? "", `def ${snake(func.name)}(`, ":\n")],
    ["Zig", "zig", cut(space, `pub fn ${zigName}(`, " {\n")],
  ];
  return found.flatMap(([language, fence, code]) =>
    code === undefined ? [] : [[language, fence, fence === "c" ? `${cResult(sources.c, code)} ${code}` : code]],
  );
}

/** What stands before the name in the line of a C function. */
function cResult(source: string, code: string): string {
  const at = source.indexOf(code);
  return source
    .slice(source.lastIndexOf("\n", at) + 1, at)
    .replace("static inline ", "")
    .trim();
}

function assemblyScript(source: string, func: Func): string | undefined {
  const name = func.name === "delete" ? "remove" : camel(func.name);
  const at = new RegExp(`export function ${name}(?:<[^>]*>)?\\(`).exec(source)?.[0];
  return at === undefined ? undefined : cut(source, at, " {\n")?.replace("export function ", "");
}

const prose = (docs: Docs): string => (docs.length === 0 ? "" : `${docs.join("\n")}\n\n`);

function members(title: string, rows: readonly (readonly [name: string, type: string, docs: Docs])[]): string {
  const lines = rows.map(([name, type, docs]) => `| \`${name}\` | ${type === "" ? "" : `\`${type}\``} | ${docs.join(" ")} |\n`);
  return `| ${title} | type | |\n|---|---|---|\n${lines.join("")}\n`;
}

function page(face: Interface, sources: SdkSources): string {
  let text = `<!-- ${GENERATED} -->\n# ${face.name}\n\n${prose(face.docs)}`;
  for (const func of functionsOf(face)) {
    const params = func.params.map(({ name, type }) => `${name}: ${witText(type)}`).join(", ");
    const permissions = [
      ...new Set([...func.docs.join("\n").matchAll(/`((?:events|services|extensions|state|http|secrets)\.[a-z]+)`/g)].map((one) => one[1])),
    ];
    text += `## ${face.name}.${func.name}\n\n\`\`\`wit\n${func.name}: func(${params})${func.result === undefined ? "" : ` -> ${witText(func.result)}`}\n\`\`\`\n\n`;
    text += prose(func.docs);
    text += `Permission: ${permissions.length === 0 ? "none" : permissions.map((one) => `\`${one}\``).join(", ")} ([permissions](../permissions.md)). Errors: [errors](../errors.md). `;
    text += `Import of core modules: \`extism:host/user\` \`${importName(face, func)}\` ([ABI](../abi.md)).\n\n`;
    for (const [language, fence, code] of signatures(sources, face, func)) text += `${language}:\n\n\`\`\`${fence}\n${code}\n\`\`\`\n\n`;
  }
  for (const item of face.items) {
    if (item.kind === "func") continue;
    text += `## ${face.name}.${item.name}\n\n${prose(item.docs)}`;
    if (item.kind === "enum")
      text += members(
        "value",
        item.cases.map(({ name, docs }) => [name, "", docs]),
      );
    else
      text += members(
        "field",
        item.fields.map(({ name, type, docs }) => [name, witText(type), docs]),
      );
  }
  return `${text.trimEnd()}\n`;
}

/** Path below docs/reference → text. */
export function emitReference(contract: Contract, sources: SdkSources): ReadonlyMap<string, string> {
  const faces = importedInterfaces(contract);
  const rows = faces.map((face) => {
    const names = functionsOf(face).map(({ name }) => `[${name}](${face.name}.md#${face.name}${name})`);
    return `| [${face.name}](${face.name}.md) | ${names.join(", ")} | ${face.docs[0] ?? ""} |\n`;
  });
  const index = `<!-- ${GENERATED} -->\n# Host functions\n\nWhat a plugin can call, in every language.\n\n| interface | functions | |\n|---|---|---|\n${rows.join("")}`;
  return new Map([["README.md", index], ...faces.map((face) => [`${face.name}.md`, page(face, sources)] as const)]);
}
