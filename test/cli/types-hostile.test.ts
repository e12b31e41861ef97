// Names, texts and schemas of strangers in `bulkhead types`: whatever they say, the file compiles and holds types and our own clients, nothing else.

import { type Node, SyntaxKind } from "typescript/unstable/ast";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chosenFrom, type Declarations, type DeclaredCall } from "../../host/admin/schemas.ts";
import { clientFile } from "../../host/cli/types/client-file.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/plugin-folders.ts";
import { compile } from "../support/typescript.ts";

/** Each would end or begin something where it is written without care. */
const TEXTS = [
  "*/ process.exit(1); /*",
  "*\\/ */ export const owned = 1; //",
  "`$" + "{process.exit(1)}`",
  '"; import("node:fs"); "',
  "'; throw 1; '",
  "a\nb\r\nimport fs from 'node:fs';\n",
  "\u2028import('node:fs')\u2029throw 1",
  "\u202e;)1(tixe.ssecorp\u202c",
  "@ts-nocheck",
  "\n@ts-ignore\n",
  "@deprecated {@link https://example.com} */",
  '/// <reference path="/etc/passwd" />',
  "//# sourceMappingURL=https://example.com/x",
  "\\",
  "\\*/",
  "\ud800 lone",
  "\0\u0007\u0085\ufeff",
  "x".repeat(600),
  "",
];
const KEYS = ["__proto__", "constructor", "toString", "then", "prototype", "new", "get", "readonly", "delete", "a-b", "0", "ä", ...TEXTS];

const schemaOf = (texts: readonly string[]): object => ({
  // What json-schema-to-typescript would write as it is.
  tsType: "typeof import('node:fs')",
  title: "*/ owned",
  description: texts.join(" "),
  type: "object",
  properties: Object.fromEntries(texts.map((text) => [text, { description: text, const: text, tsType: "any" }])),
  required: texts,
});

const NOTHING: Declarations = { services: [], events: [], points: [], configs: [] };
const service = (name: string, input: unknown, description = "a service"): DeclaredCall => ({ name, description, input, output: input });

/** What types and the clients are made of; all else has no business in the file. */
const KINDS: ReadonlySet<string> = new Set(
  (
    "SourceFile EndOfFile InterfaceDeclaration TypeAliasDeclaration FunctionDeclaration FirstStatement VariableDeclarationList VariableDeclaration " +
    "ExportKeyword DeclareKeyword ReadonlyKeyword QuestionToken Identifier StringLiteral NumericLiteral TypeParameter Parameter " +
    "PropertySignature MethodSignature IndexSignature TypeLiteral TypeReference FunctionType ConstructorType ConditionalType IndexedAccessType " +
    "LiteralType UnionType IntersectionType ParenthesizedType ArrayType TupleType OptionalType RestType TypeOperator " +
    "StringKeyword NumberKeyword BooleanKeyword UnknownKeyword NeverKeyword NullKeyword TrueKeyword FalseKeyword PrefixUnaryExpression " +
    "Block ReturnStatement ObjectLiteralExpression PropertyAssignment ArrowFunction EqualsGreaterThanToken AsExpression CallExpression PropertyAccessExpression"
  ).split(" "),
);
const CLIENT =
  /^export function \w+<C extends Caller>\(caller: C\): \w+Client\d*<C> \{\n {2}return \{\n((?: {4}\w+: \(input\) => caller\.call\("[a-z0-9.-]+", input\) as Answer<C, \w+>,\n)+) {2}\};\n\}$/;

const READER =
  /^export function \w+\(read: ReadConfig\): \w+ \{\n {2}return read\(\{(?: (?:\w+|"(?:[^"\\]|\\.)*"): "[a-z]+",?)* ?\} as const\) as \w+;\n\}$/;
const isOurs = (text: string): boolean => CLIENT.test(text) || READER.test(text);

function kindsIn(node: Node, found = new Set<string>()): Set<string> {
  found.add(SyntaxKind[node.kind]);
  node.forEachChild((child) => void kindsIn(child, found));
  return found;
}

describe("a generated file", () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const harmless = (declared: Declarations): string => {
    const text = clientFile(chosenFrom(declared, []));
    const { complaints, trees } = compile(folder.path, { "made.ts": text });
    expect(complaints).toEqual([]);
    const statements = [...(trees.get("made.ts")?.statements ?? [])];
    const functions = statements.filter((one) => one.kind === SyntaxKind.FunctionDeclaration).map((one) => one.getText());
    expect(functions.filter((one) => !isOurs(one) && !one.startsWith("export function inPlugin("))).toEqual([]);
    const own = statements.filter((one) => one.kind !== SyntaxKind.FunctionDeclaration || isOurs(one.getText()));
    const kinds = new Set(own.flatMap((one) => [...kindsIn(one)]));
    expect([...kinds].filter((kind) => !KINDS.has(kind))).toEqual([]);
    const variables = own.filter((one) => one.kind === SyntaxKind.VariableStatement).map((one) => one.getText());
    expect(variables.every((one) => /^declare const Text(De|En)coder: new \(\) => /.test(one))).toBe(true);
    // `__proto__` in a literal would be its prototype.
    expect(text).not.toMatch(/"__proto__": "(?:string|any|json)"/);
    // Nothing unseen, no tags, and no comments but ours.
    expect(/[^\n\u0020-\u007eäüößé\ufffd]|\s@(?!bulkhead)|^\/\/(?! Made by)|tsType/m.exec(text)).toBeNull();
    return text;
  };

  it("takes every text for a text", () => {
    const input = schemaOf(KEYS);
    harmless({
      services: TEXTS.map((text, i) => service(`evil.s${i}`, { enum: [text, KEYS] }, text)),
      events: [{ type: "evil.happened", data: input }],
      points: [service("evil.asked", input, TEXTS.join("\n"))],
      configs: [{ plugin: "evil", schema: input }],
    });
  });

  it("makes names of its own of whatever stands in a name", () => {
    const names = [
      ...["a.b-c", "a.b.c", "a.b--c", "a.bc", "a.2fa", "a.then", "a.constructor", "a.to-string", "a.proto"],
      ...[
        "delete.it",
        "class.new",
        "in-plugin.x",
        "caller.call",
        "arguments.x",
        "services.input",
        "promise.x",
        "answer.x",
        "eval.x",
        "await.x",
      ],
    ];
    const text = harmless({ ...NOTHING, services: names.map((name) => service(name, true)) });
    for (const name of names) expect(text).toContain(`caller.call("${name}", input)`);
    // An object with a member `then` would be taken for a promise.
    expect(text).not.toMatch(/^ +(readonly )?then:/m);
  });

  it("escapes the wire names of events and points, should a host ever have such", () => {
    const name = 'x.y"]: any }\nexport const owned = 1; //';
    harmless({ ...NOTHING, events: [{ type: name, data: true }], points: [service(name, true)] });
  });

  it.each([
    ["http", { $ref: "http://127.0.0.1:1/schema.json" }],
    ["a file", { properties: { a: { items: { $ref: "file:///etc/passwd" } } } }],
    ["a path", { anyOf: [{ $ref: "other.json#/x" }] }],
    ["an anchor", { $ref: "#node" }],
    ["a dynamic one", { additionalProperties: { $dynamicRef: "https://example.com/x" } }],
    ["no text", { $ref: { type: "string" } }],
  ])("refuses a reference to elsewhere: %s", (_what, input) => {
    const declared = { ...NOTHING, services: [service("evil.x", input)] };
    expect(() => clientFile(declared)).toThrow(/^the input of evil\.x, at #.*\$(ref|dynamicRef): .* is not looked up; write "#\/…"/);
  });

  it.each([
    ["nowhere", { $ref: "#/$defs/none" }, /at #\/\$ref: there is no #\/\$defs\/none/],
    ["to what objects inherit", { $ref: "#/constructor/prototype" }, /there is no/],
    ["around itself", { $ref: "#" }, /circle/],
    ["around", { $ref: "#/$defs/a", $defs: { a: { anyOf: [{ $ref: "#/$defs/b" }] }, b: { allOf: [{ $ref: "#/$defs/a" }] } } }, /circle/],
    [
      "through too many",
      {
        $ref: "#/$defs/0",
        $defs: Object.fromEntries([...Array(100).keys()].map((i) => [i, i === 99 ? {} : { $ref: `#/$defs/${i + 1}` }])),
      },
      /more than 64 references/,
    ],
  ])("refuses a reference that leads %s", (_where, input, message) => {
    expect(() => clientFile({ ...NOTHING, services: [service("evil.x", input)] })).toThrow(message);
  });

  const nested = (depth: number): unknown => JSON.parse(`${'{"items":'.repeat(depth)}{}${"}".repeat(depth)}`);
  it.each([
    ["bytes", { description: "x".repeat(70_000) }, /the input of evil\.x has 70018 bytes, more than 65536/],
    ["values", { enum: Array(5_000).fill(1) }, /more than 4000 values/],
    ["depth", nested(200_000), /values more than 64 deep/],
  ])("refuses a schema with too many %s before anything looks into it", (_what, input, message) => {
    expect(() => chosenFrom({ ...NOTHING, services: [service("evil.x", input)] }, [])).toThrow(message);
  });

  it("refuses too many at once, and schemas that are too large together", () => {
    const many = (count: number, input: unknown): Declarations => ({
      ...NOTHING,
      services: [...Array(count).keys()].map((i) => service(`evil.x${i}`, input)),
    });
    expect(() => chosenFrom(many(513, undefined), [])).toThrow(/there are 513 .*; the limit is 512 at a time: name some/);
    expect(() => chosenFrom(many(20, { description: "x".repeat(60_000) }), [])).toThrow(/bytes together; the limit is 1048576/);
    expect(chosenFrom(many(513, undefined), ["evil.x7"]).services).toHaveLength(1);
  });

  it("refuses what would be written without end, or compared without end", () => {
    const ofOne = (input: unknown) => () => clientFile(chosenFrom({ ...NOTHING, services: [service("evil.x", input)] }, []));
    // Each level is referred to and holds all that are below it.
    const others = Object.fromEntries([...Array(60).keys()].map((i) => [`k${i}`, {}]));
    const levels = [...Array(26).keys()];
    const nested = levels.reduce<object>((below) => ({ properties: { ...others, a: below } }), {});
    const each = levels.map((i) => ({ $ref: `#/$defs/x${"/properties/a".repeat(i)}` }));
    expect(ofOne({ items: { anyOf: each }, $defs: { x: nested } })).toThrow(/makes more than 8000 types/);

    const pair = (i: number): object => ({ anyOf: [{ properties: { [`a${i}`]: {} } }, { properties: { [`b${i}`]: {} } }] });
    expect(ofOne({ allOf: [...Array(20).keys()].map(pair) })).toThrow(
      /at #: its parts make 1048576 alternatives together; the limit is 1000/,
    );
    const $defs = Object.fromEntries(
      [...Array(20).keys()].map((i) => [`d${i}`, { ...pair(i), ...(i === 0 ? {} : { $ref: `#/$defs/d${i - 1}` }) }]),
    );
    expect(ofOne({ properties: { a: { $ref: "#/$defs/d19" } }, $defs })).toThrow(/alternatives/);
  });
});
