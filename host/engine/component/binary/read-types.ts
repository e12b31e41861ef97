// Reads the types of components by an allow-list: the values, functions, resources and instances of WIT 0.2. Streams, futures, error contexts, lists of fixed
// length, maps, asynchronous functions, and types of components and modules are refused.

import { malformed, type Reader } from "../../wasm/reader.ts";
import { oddNames } from "../glue.ts";
import type { InstanceType, Item, TypeEntry } from "./model.ts";
import { at, Scope } from "./scope.ts";

const PRIMITIVES: ReadonlyMap<number, string> = new Map([
  ...([
    [0x7f, "bool"],
    [0x7e, "s8"],
    [0x7d, "u8"],
    [0x7c, "s16"],
    [0x7b, "u16"],
    [0x7a, "s32"],
    [0x79, "u32"],
  ] as const),
  ...([
    [0x78, "s64"],
    [0x77, "u64"],
    [0x76, "f32"],
    [0x75, "f64"],
    [0x74, "char"],
    [0x73, "string"],
  ] as const),
]);
const INSTANCE_TYPE = 0x42;
const RESOURCE = 0x3f;
const FUNCTION = 0x40;
const I32 = 0x7f;
const NOT_ALLOWED =
  " (streams, futures, error contexts, asynchronous functions and the like are not allowed; build it with its toolchain's synchronous ABI)";
/** What types are made of is written out in the text of each, which doubles with every level for one that has another twice. */
const MAX_TEXT = 16_384;
const MAX_NAME_BYTES = 4_096;
/** Text is only as good as its names: one with a brace in it could make two types alike. */
const LABEL = /^[A-Za-z][A-Za-z0-9-]*$/;

/** Any of them may come to stand in a string of the glue. */
export function readName(reader: Reader): string {
  const offset = reader.offset;
  const name = reader.name(MAX_NAME_BYTES);
  const [odd] = oddNames([name]);
  if (odd !== undefined) throw malformed(odd, offset);
  return name;
}

/** The name of an import or export, without the byte before it, whose two values mean the same. */
export function readExternalName(reader: Reader): string {
  const offset = reader.offset;
  const form = reader.byte();
  if (form > 1) throw malformed(`a name of an unknown form 0x${form.toString(16)}`, offset);
  return readName(reader);
}

export function readType(reader: Reader, scope: Scope): TypeEntry {
  const offset = reader.offset;
  const code = reader.peek();
  if (code === FUNCTION) return { kind: "function", text: readFunction(reader, scope) };
  if (code === INSTANCE_TYPE) return { kind: "instance", instance: readInstanceType(reader, scope) };
  if (code !== RESOURCE) return { kind: "value", text: readDefinedValue(reader, scope) };
  reader.offset++;
  if (reader.byte() !== I32) throw malformed("a resource that is not represented by an i32", offset);
  if (readFlag(reader)) reader.u32();
  return { kind: "resource", name: `#${offset}` };
}

/** What an import, or an export in the type of an instance, is, and whether that is a resource that nobody declared before. */
export function readDescription(reader: Reader, scope: Scope, name: string): { readonly item: Item; readonly declares: boolean } {
  const offset = reader.offset;
  const sort = reader.byte();
  switch (sort) {
    case 0x01:
      return { item: { sort: "function", text: scope.functionText(reader.u32(), offset) }, declares: false };
    case 0x05:
      return { item: { sort: "instance", instance: scope.instanceType(reader.u32(), offset) }, declares: false };
    case 0x03:
      return readTypeBound(reader, scope, name);
    default:
      throw malformed(`an import or export of an unknown sort 0x${sort.toString(16)} (functions, types and instances are known)`, offset);
  }
}

function readTypeBound(reader: Reader, scope: Scope, name: string): { readonly item: Item; readonly declares: boolean } {
  const offset = reader.offset;
  const bound = reader.byte();
  if (bound === 0x00) return { item: { sort: "type", type: at(scope.types, reader.u32(), "type", offset) }, declares: false };
  if (bound !== 0x01) throw malformed(`an unknown bound of a type 0x${bound.toString(16)}`, offset);
  const own = scope.namesResources ? label(name, offset) : `#${offset}`;
  return { item: { sort: "type", type: { kind: "resource", name: own } }, declares: true };
}

function readInstanceType(reader: Reader, parent: Scope): InstanceType {
  reader.offset++;
  const scope = new Scope(parent, reader.offset, true);
  const items = new Map<string, Item>();
  const resources: string[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const offset = reader.offset;
    const form = reader.byte();
    if (form === 0x01) scope.types.push(readType(reader, scope));
    else if (form === 0x02) scope.types.push(readOuterType(reader, scope));
    else if (form === 0x04) {
      const name = readExternalName(reader);
      const { item, declares } = readDescription(reader, scope, name);
      if (items.has(name)) throw malformed("an instance exports one name twice", offset);
      if (declares) resources.push(name);
      items.set(name, item);
      scope.add(item);
    } else throw malformed(`an unknown declaration 0x${form.toString(16)} of an instance`, offset);
  }
  return { items, resources };
}

function readOuterType(reader: Reader, scope: Scope): TypeEntry {
  const offset = reader.offset;
  if (reader.byte() !== 0x03 || reader.byte() !== 0x02) throw malformed("an alias that is none of an outer type", offset);
  const outer = scope.outer(reader.u32(), offset);
  return at(outer.types, reader.u32(), "type", offset);
}

function readFunction(reader: Reader, scope: Scope): string {
  const offset = reader.offset++;
  const params = listed(reader, offset, () => {
    readLabel(reader);
    return readValue(reader, scope);
  });
  const form = reader.byte();
  if (form === 0x00) return bounded(`(${params}) -> ${readValue(reader, scope)}`, scope, offset);
  if (form !== 0x01 || reader.byte() !== 0x00) throw malformed("a function with results of an unknown form", offset);
  return bounded(`(${params})`, scope, offset);
}

function readValue(reader: Reader, scope: Scope): string {
  const offset = reader.offset;
  const code = reader.peek();
  const primitive = PRIMITIVES.get(code);
  if (primitive === undefined) {
    const index = reader.s33();
    if (index < 0) throw malformed(`an unknown type of values 0x${code.toString(16)}${NOT_ALLOWED}`, offset);
    return scope.valueText(index, offset);
  }
  reader.offset++;
  return primitive;
}

function readDefinedValue(reader: Reader, scope: Scope): string {
  const offset = reader.offset;
  const code = reader.byte();
  const value = (): string => readValue(reader, scope);
  switch (code) {
    case 0x72:
      return bounded(`record{${some(reader, offset, () => `${readLabel(reader)}:${value()}`)}}`, scope, offset);
    case 0x71:
      return bounded(`variant{${some(reader, offset, () => readCase(reader, scope))}}`, scope, offset);
    case 0x70:
      return bounded(`list<${value()}>`, scope, offset);
    case 0x6f:
      return bounded(`tuple<${some(reader, offset, value)}>`, scope, offset);
    case 0x6e:
      return bounded(`flags{${some(reader, offset, () => readLabel(reader))}}`, scope, offset);
    case 0x6d:
      return bounded(`enum{${some(reader, offset, () => readLabel(reader))}}`, scope, offset);
    case 0x6b:
      return bounded(`option<${value()}>`, scope, offset);
    case 0x6a:
      return bounded(`result<${readFlag(reader) ? value() : "_"},${readFlag(reader) ? value() : "_"}>`, scope, offset);
    case 0x69:
      return `own<${scope.resourceName(reader.u32(), offset)}>`;
    case 0x68:
      return `borrow<${scope.resourceName(reader.u32(), offset)}>`;
    default: {
      const primitive = PRIMITIVES.get(code);
      if (primitive === undefined) throw malformed(`an unknown type 0x${code.toString(16)}${NOT_ALLOWED}`, offset);
      return primitive;
    }
  }
}

function readCase(reader: Reader, scope: Scope): string {
  const name = readLabel(reader);
  const text = readFlag(reader) ? `${name}(${readValue(reader, scope)})` : name;
  if (reader.byte() !== 0x00) throw malformed("a case that refines another", reader.offset - 1);
  return text;
}

/** At least one. */
function some(reader: Reader, offset: number, read: () => string): string {
  const text = listed(reader, offset, read);
  if (text === "") throw malformed("a type of nothing", offset);
  return text;
}

function listed(reader: Reader, offset: number, read: () => string): string {
  const texts: string[] = [];
  let length = 0;
  for (let left = reader.count(); left > 0; left--) {
    const text = read();
    length += text.length + 1;
    if (length > MAX_TEXT) throw malformed(`a type is too large: the limit is ${MAX_TEXT} characters of text`, offset);
    texts.push(text);
  }
  return texts.join(",");
}

function readFlag(reader: Reader): boolean {
  const offset = reader.offset;
  const flag = reader.byte();
  if (flag > 1) throw malformed(`0x${flag.toString(16)} where only 0 and 1 are known`, offset);
  return flag === 1;
}

const readLabel = (reader: Reader): string => label(readName(reader), reader.offset);

function label(name: string, offset: number): string {
  if (!LABEL.test(name)) throw malformed("a name that is not made of letters, digits and hyphens", offset);
  return name;
}

function bounded(text: string, scope: Scope, offset: number): string {
  if (text.length > MAX_TEXT)
    throw malformed(`a type is too large: it has ${text.length} characters of text; the limit is ${MAX_TEXT}`, offset);
  scope.write(text.length, offset);
  return text;
}
