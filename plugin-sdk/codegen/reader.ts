// Reads the part of WIT that wit/ uses. Whatever else WIT has is refused with file and line, so that nothing is silently left out.

import {
  type Contract,
  type Docs,
  type Enum,
  type Field,
  type Func,
  type Interface,
  type Member,
  PRIMITIVES,
  type RecordType,
  resolve,
  type Type,
  type World,
} from "./model.ts";

interface Token {
  readonly text: string;
  readonly line: number;
  readonly docs: Docs;
}

const TOKEN = /\/\/\/[^\n]*|\/\/[^\n]*|->|%?[a-z][a-z0-9-]*|[a-z0-9-]+:[a-z0-9-]+@[0-9.]+|[0-9.]+|[{}()<>,;:=@_.*/]|\S/g;
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** File name → text in, the whole package out. Throws Error `file:line: what is wrong`. */
export function readWit(files: ReadonlyMap<string, string>): Contract {
  const readers = [...files].map(([file, text]) => new FileReader(file, text));
  const parts = readers.map((reader) => reader.read());
  const names = new Set(parts.map((part) => part.package));
  if (names.size !== 1) throw new Error(`wit/ must be one package; it is ${[...names].join(", ")}`);
  const interfaces = new Map<string, Interface>();
  for (const { file, interfaces: found } of parts) {
    for (const face of found) {
      if (interfaces.has(face.name)) throw new Error(`${file}: the interface ${face.name} is there twice`);
      interfaces.set(face.name, face);
    }
  }
  const contract = { package: [...names].join(), interfaces, worlds: parts.flatMap(({ worlds }) => worlds) };
  for (const world of contract.worlds) {
    for (const name of [...world.imports, ...world.exports])
      if (!interfaces.has(name)) throw new Error(`the world ${world.name} names ${name}, which is no interface of wit/`);
  }
  for (const face of interfaces.values()) checkNames(contract, face);
  return contract;
}

function checkNames(contract: Contract, face: Interface): void {
  const check = (type: Type | undefined): void => {
    if (type === undefined) return;
    if (type.kind === "named") resolve(contract, face, type.name);
    else if (type.kind === "list" || type.kind === "option") check(type.of);
    else if (type.kind === "tuple") type.items.forEach(check);
    else if (type.kind === "result") [type.ok, type.error].forEach(check);
  };
  for (const item of face.items) {
    if (item.kind === "record") for (const { type } of item.fields) check(type);
    else if (item.kind === "func") for (const type of [...item.params.map((param) => param.type), item.result]) check(type);
  }
  for (const name of face.uses.keys()) resolve(contract, face, name);
}

class FileReader {
  readonly #file: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(file: string, text: string) {
    this.#file = file;
    let docs: string[] = [];
    for (const [index, line] of text.split("\n").entries()) {
      for (const [found] of line.matchAll(TOKEN)) {
        if (found.startsWith("///")) docs.push(found.slice(3).replace(/^ /, "").trimEnd());
        else if (!found.startsWith("//")) {
          this.#tokens.push({ text: found, line: index + 1, docs });
          docs = [];
        }
      }
    }
  }

  read(): { file: string; package: string; interfaces: Interface[]; worlds: World[] } {
    this.#expect("package");
    let name = "";
    while (!this.#is(";")) name += this.#next().text;
    this.#expect(";");
    const interfaces: Interface[] = [];
    const worlds: World[] = [];
    while (this.#at < this.#tokens.length) {
      const docs = this.#docs();
      if (this.#take("interface")) interfaces.push(this.#interface(docs));
      else if (this.#take("world")) worlds.push(this.#world(docs));
      else this.#fail("interface or world");
    }
    return { file: this.#file, package: name, interfaces, worlds };
  }

  #interface(docs: Docs): Interface {
    const name = this.#name();
    const uses = new Map<string, string>();
    const items: (Enum | RecordType | Func)[] = [];
    this.#expect("{");
    while (!this.#take("}")) {
      const itemDocs = this.#docs();
      if (this.#take("use")) this.#use(uses);
      else if (this.#take("enum")) items.push(this.#enum(itemDocs));
      else if (this.#take("record")) items.push(this.#record(itemDocs));
      else items.push(this.#func(itemDocs));
    }
    for (const [index, item] of items.entries())
      if (items.findIndex((one) => one.name === item.name) !== index) throw new Error(`${this.#file}: ${name}.${item.name} is there twice`);
    return { name, docs, uses, items };
  }

  #use(uses: Map<string, string>): void {
    const from = this.#name();
    this.#expect(".");
    this.#expect("{");
    for (const name of this.#list("}", () => this.#name())) uses.set(name, from);
    this.#expect(";");
  }

  #enum(docs: Docs): Enum {
    const name = this.#name();
    this.#expect("{");
    const cases = this.#list("}", (): Member => ({ docs: this.#docs(), name: this.#name() }));
    return { kind: "enum", name, docs, cases };
  }

  #record(docs: Docs): RecordType {
    const name = this.#name();
    this.#expect("{");
    const fields = this.#list("}", (): Field => ({ docs: this.#docs(), ...this.#named() }));
    return { kind: "record", name, docs, fields };
  }

  #func(docs: Docs): Func {
    const name = this.#name();
    this.#expect(":");
    this.#expect("func");
    this.#expect("(");
    const params = this.#list(")", () => this.#named());
    const result = this.#take("->") ? this.#type() : undefined;
    this.#expect(";");
    return { kind: "func", name, docs, params, result };
  }

  #world(docs: Docs): World {
    const name = this.#name();
    const imports: string[] = [];
    const exports: string[] = [];
    this.#expect("{");
    while (!this.#take("}")) {
      if (this.#take("import")) imports.push(this.#name());
      else if (this.#take("export")) exports.push(this.#name());
      else this.#fail("import or export");
      this.#expect(";");
    }
    return { name, docs, imports, exports };
  }

  #named(): { name: string; type: Type } {
    const name = this.#name();
    this.#expect(":");
    return { name, type: this.#type() };
  }

  #type(): Type {
    const name = this.#name();
    const primitive = PRIMITIVES.find((one) => one === name);
    if (primitive !== undefined) return { kind: "primitive", name: primitive };
    if (name === "list" || name === "option") {
      this.#expect("<");
      const of = this.#type();
      this.#expect(">");
      return { kind: name, of };
    }
    if (name === "tuple") {
      this.#expect("<");
      return { kind: name, items: this.#list(">", () => this.#type()) };
    }
    if (name === "result") return this.#result();
    return { kind: "named", name };
  }

  #result(): Type {
    if (!this.#take("<")) return { kind: "result", ok: undefined, error: undefined };
    const ok = this.#take("_") ? undefined : this.#type();
    const error = this.#take(",") ? this.#type() : undefined;
    this.#expect(">");
    return { kind: "result", ok, error };
  }

  #list<T>(end: string, one: () => T): T[] {
    const found: T[] = [];
    while (!this.#take(end)) {
      found.push(one());
      if (!this.#is(end)) this.#expect(",");
    }
    return found;
  }

  #name(): string {
    const { text } = this.#next();
    if (!NAME.test(text)) this.#fail("a name", -1);
    return text;
  }

  #docs = (): Docs => this.#tokens[this.#at]?.docs ?? [];
  #is = (text: string): boolean => this.#tokens[this.#at]?.text === text;

  #take(text: string): boolean {
    const is = this.#is(text);
    if (is) this.#at += 1;
    return is;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail(`"${text}"`);
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) return this.#fail("more");
    this.#at += 1;
    return token;
  }

  #fail(expected: string, back = 0): never {
    const token = this.#tokens[this.#at + back];
    const line = token?.line ?? this.#tokens.at(-1)?.line ?? 1;
    throw new Error(`${this.#file}:${line}: ${expected} is expected here, not ${token === undefined ? "the end" : `"${token.text}"`}`);
  }
}
