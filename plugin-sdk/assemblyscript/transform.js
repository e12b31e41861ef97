// Teaches the compiler `@json`: gives each such class the three methods by which assembly/json-reader.ts and json-writer.ts read and
// write it. JavaScript and not TypeScript, because Node strips no types below node_modules, where a plugin author has this file.

import { CommonFlags, NodeKind, Parser, Source, SourceKind, Tokenizer } from "assemblyscript";
import { Transform } from "assemblyscript/transform";

// Which fields were there is one bit each in a u64.
const MAX_FIELDS = 64;

export default class JsonTransform extends Transform {
  afterParse(parser) {
    for (const source of parser.sources) {
      for (const statement of source.statements) {
        const declaration = statement.kind === NodeKind.Export ? statement.declaration : statement;
        if (declaration?.kind === NodeKind.ClassDeclaration && isJson(declaration)) extend(declaration);
      }
    }
  }
}

const isJson = (declaration) => (declaration.decorators ?? []).some((decorator) => decorator.name.text === "json");

function extend(declaration) {
  if (declaration.extendsType) throw new Error(`${at(declaration)}: a @json class cannot extend another; make that one a field`);
  const fields = declaration.members.filter((member) => member.kind === NodeKind.FieldDeclaration && !(member.flags & CommonFlags.Static));
  if (fields.length > MAX_FIELDS) throw new Error(`${at(declaration)}: a @json class has at most ${MAX_FIELDS} fields, this one ${fields.length}`);
  for (const method of methods(fields.map(describe))) declaration.members.push(parseMember(method, declaration));
}

/** A field without initializer that cannot be null is required. */
function describe(field, index) {
  const required = !field.initializer && !field.type.isNullable;
  return { name: field.name.text, type: field.type.range.toString(), required, number: index + 1 };
}

function* methods(fields) {
  const reads = fields.map((f) => `if (reader.keyIs("${f.name}")) { this.${f.name} = reader.value<${f.type}>(); return ${f.number}; }`);
  yield `__decode<R>(reader: R): i32 { ${reads.join("\n")} return 0; }`;
  const checks = fields.filter((f) => f.required).map((f) => `if (!(seen & (<u64>1 << ${f.number - 1}))) return "${f.name}";`);
  yield `__missing(seen: u64): string { ${checks.join("\n")} return ""; }`;
  const writes = fields.map((f) => `writer.field<${f.type}>("${f.name}", this.${f.name});`);
  yield `__encode<W>(writer: W): void { ${writes.join("\n")} }`;
}

/**
 * The compiler looks a source up by its path, so the member's text pretends to be in the class's file; blank lines before it make
 * messages point at the line of the class.
 */
function parseMember(text, declaration) {
  const { source, start } = declaration.range;
  const padded = "\n".repeat(source.lineAt(start) - 1) + text.replaceAll("\n", " ");
  const member = new Parser().parseClassMember(new Tokenizer(new Source(SourceKind.User, source.normalizedPath, padded)), declaration);
  if (!member) throw new Error(`${at(declaration)}: @json cannot read this class`);
  return member;
}

const at = (node) => `${node.range.source.normalizedPath}:${node.range.source.lineAt(node.range.start)}`;
