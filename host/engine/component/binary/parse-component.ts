// Reads the binary of a component by an allow-list of sections, definitions and canonical functions, and counts what it instantiates. What is not known here is
// refused, though jco may know it. Whether indexes into the spaces of core modules lead somewhere is left to jco's validator.

import { HostError } from "../../../core/errors.ts";
import { malformed, Reader } from "../../wasm/reader.ts";
import { refused } from "../refused.ts";
import { readCanonical } from "./canonical.ts";
import { InstanceCount } from "./instance-count.ts";
import type { CoreModule, InstanceType, Item, ParsedComponent } from "./model.ts";
import { readDescription, readExternalName, readName, readType } from "./read-types.ts";
import { at, Scope } from "./scope.ts";

const PREAMBLE: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const SORT = { core: 0x00, function: 0x01, type: 0x03, component: 0x04, instance: 0x05 } as const;
const CORE_SORT = { function: 0x00, module: 0x11 } as const;
/** A large real one, CPython's, has 1,800; each costs the transpiler some lines of glue. */
const MAX_DEFINITIONS = 50_000;

/** Throws HostError `admission-refused` with what cannot be read, or is not allowed, and where it stands. */
export function parseComponent(bytes: Uint8Array<ArrayBuffer>): ParsedComponent {
  if (PREAMBLE.some((byte, i) => bytes[i] !== byte)) throw new HostError("admission-refused", "not a WebAssembly component");
  try {
    return new ComponentParser(new Reader(bytes, PREAMBLE.length), undefined, { modules: [], definitions: 0 }).parse();
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    throw refused([thrown.detail ?? thrown.message]);
  }
}

interface Shared {
  readonly modules: CoreModule[];
  definitions: number;
}

class ComponentParser {
  readonly #reader: Reader;
  readonly #shared: Shared;
  readonly #scope: Scope;
  readonly #imports: [string, Item][] = [];
  readonly #exports = new Map<string, Item>();
  readonly #count: InstanceCount;

  constructor(reader: Reader, parent: Scope | undefined, shared: Shared) {
    this.#reader = reader;
    this.#shared = shared;
    this.#scope = new Scope(parent, reader.offset);
    this.#count = new InstanceCount();
  }

  parse(): ParsedComponent {
    const outer = this.#reader;
    while (outer.offset < outer.end) {
      const id = outer.byte();
      const size = outer.count();
      const from = outer.offset;
      outer.skip(size);
      const section = new Reader(outer.bytes, from, outer.offset);
      if (id !== 0) this.#section(id, section);
      if (id !== 0 && section.offset !== section.end) throw malformed(`section ${id} is longer than its content`, section.offset);
    }
    return { imports: this.#imports, exports: this.#exports, modules: this.#shared.modules, instances: this.#count.sum() };
  }

  #section(id: number, reader: Reader): void {
    if (id === 1) return this.#module(reader);
    if (id === 4) return this.#component(reader);
    const read = this.#readers[id];
    if (read === undefined) throw malformed(`the component has a section ${id}, which is not allowed`, reader.offset);
    for (let left = reader.count(); left > 0; left--) {
      this.#shared.definitions++;
      if (this.#shared.definitions > MAX_DEFINITIONS)
        throw malformed(`the component has more than ${MAX_DEFINITIONS} definitions`, reader.offset);
      read(reader);
    }
  }

  readonly #readers: Readonly<Record<number, (reader: Reader) => void>> = {
    2: (reader) => this.#coreInstance(reader),
    5: (reader) => this.#instance(reader),
    6: (reader) => this.#alias(reader),
    7: (reader) => void this.#scope.types.push(readType(reader, this.#scope)),
    8: (reader) => this.#canonical(reader),
    10: (reader) => this.#import(reader),
    11: (reader) => this.#export(reader),
  };

  #module(reader: Reader): void {
    const module = { bytes: reader.bytes.slice(reader.offset, reader.end) as Uint8Array<ArrayBuffer> };
    reader.skip(reader.end - reader.offset);
    this.#scope.modules.push(module);
    this.#shared.modules.push(module);
  }

  #component(reader: Reader): void {
    const offset = reader.offset;
    if (PREAMBLE.some((byte) => reader.byte() !== byte)) throw malformed("a nested component without a component's header", offset);
    const { exports, instances } = new ComponentParser(reader, this.#scope, this.#shared).parse();
    this.#scope.components.push({ exports, instances });
  }

  #coreInstance(reader: Reader): void {
    const offset = reader.offset;
    const form = reader.byte();
    if (form === 0x00) {
      this.#count.addModule(at(this.#scope.modules, reader.u32(), "core module", offset), offset);
      for (let left = reader.count(); left > 0; left--) {
        readName(reader);
        if (reader.byte() !== 0x12) throw malformed("a core module is given something that is no instance", reader.offset - 1);
        reader.u32();
      }
    } else if (form === 0x01) {
      for (let left = reader.count(); left > 0; left--) {
        readName(reader);
        this.#coreExternal(reader);
      }
    } else throw malformed(`a core instance of an unknown form 0x${form.toString(16)}`, offset);
  }

  /** A function, table, memory or global: what instances of core modules are made of. */
  #coreExternal(reader: Reader): void {
    const sort = reader.byte();
    if (sort > 0x03) throw malformed(`a core export of an unknown sort 0x${sort.toString(16)}`, reader.offset - 1);
    reader.u32();
  }

  #instance(reader: Reader): void {
    const offset = reader.offset;
    const form = reader.byte();
    const items = new Map<string, Item>();
    if (form === 0x00) {
      const component = at(this.#scope.components, reader.u32(), "component", offset);
      for (let left = reader.count(); left > 0; left--) {
        readName(reader);
        this.#item(reader);
      }
      this.#count.addComponent(component.instances, offset);
      for (const [name, item] of component.exports) items.set(name, item);
    } else if (form === 0x01) {
      for (let left = reader.count(); left > 0; left--) items.set(readExternalName(reader), this.#item(reader));
    } else throw malformed(`an instance of an unknown form 0x${form.toString(16)}`, offset);
    this.#scope.instances.push({ items, resources: [] });
  }

  #item(reader: Reader): Item {
    const offset = reader.offset;
    const sort = reader.byte();
    const index = reader.u32();
    if (sort === SORT.function) return { sort: "function", text: at(this.#scope.functions, index, "function", offset) };
    if (sort === SORT.type) return { sort: "type", type: at(this.#scope.types, index, "type", offset) };
    if (sort === SORT.instance) return { sort: "instance", instance: at(this.#scope.instances, index, "instance", offset) };
    throw malformed(`something of an unknown sort 0x${sort.toString(16)} (functions, types and instances are known)`, offset);
  }

  #alias(reader: Reader): void {
    const offset = reader.offset;
    const sort = reader.byte();
    const coreSort = sort === SORT.core ? reader.byte() : undefined;
    const form = reader.byte();
    const index = reader.u32();
    if (form === 0x01 && coreSort !== undefined && coreSort <= 0x03) readName(reader);
    else if (form === 0x00 && coreSort === undefined)
      this.#aliasOfExport(at(this.#scope.instances, index, "instance", offset), sort, reader);
    else if (form === 0x02) this.#aliasOfOuter(this.#scope.outer(index, offset), sort, coreSort, reader);
    else throw malformed(`an alias of an unknown form 0x${form.toString(16)}`, offset);
  }

  #aliasOfExport(instance: InstanceType, sort: number, reader: Reader): void {
    const offset = reader.offset;
    const item = instance.items.get(readName(reader));
    if (item === undefined || SORT[item.sort] !== sort) throw malformed("an alias of an export that is not there", offset);
    this.#scope.add(item);
  }

  #aliasOfOuter(outer: Scope, sort: number, coreSort: number | undefined, reader: Reader): void {
    const offset = reader.offset;
    const index = reader.u32();
    if (sort === SORT.type) this.#scope.types.push(at(outer.types, index, "type", offset));
    else if (sort === SORT.component) this.#scope.components.push(at(outer.components, index, "component", offset));
    else if (coreSort === CORE_SORT.module) this.#scope.modules.push(at(outer.modules, index, "core module", offset));
    else throw malformed("an outer alias of something that is no type, component or core module", offset);
  }

  #canonical(reader: Reader): void {
    const lifted = readCanonical(reader);
    if (lifted !== undefined) this.#scope.functions.push(this.#scope.functionText(lifted, reader.offset));
  }

  #import(reader: Reader): void {
    const name = readExternalName(reader);
    const { item } = readDescription(reader, this.#scope, name);
    this.#imports.push([name, item]);
    this.#scope.add(item);
  }

  #export(reader: Reader): void {
    const offset = reader.offset;
    const name = readExternalName(reader);
    const item = this.#item(reader);
    const isAscribed = reader.byte();
    if (isAscribed > 1) throw malformed("an export of an unknown form", offset);
    const given = isAscribed === 1 ? readDescription(reader, this.#scope, name).item : item;
    if (given.sort !== item.sort || this.#exports.has(name)) throw malformed("an export of two sorts, or one name twice", offset);
    this.#exports.set(name, given);
    this.#scope.add(given);
  }
}
