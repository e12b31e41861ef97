// Parses a module into the model of module.ts. It refuses what is malformed or unknown; what is well-formed but wrong
// (a type mismatch, an index that leads nowhere) is for WebAssembly.validate, and sizes are for admission.

import { HostError } from "../../core/errors.ts";
import { readGlobalType, readKind, readSizeLimits, readTag } from "./external-type.ts";
import { readConstantExpression } from "./instruction-reader.ts";
import { featureOf, OP } from "./instructions.ts";
import {
  type FunctionBody,
  type GlobalType,
  type ModuleExport,
  type ModuleImport,
  SECTION,
  SECTION_ORDER,
  type SizeLimits,
  STORED_EXCEPTIONS,
  type Table,
  type WasmModule,
} from "./module.ts";
import { malformed, Reader } from "./reader.ts";
import { readTypeSection, type TypeDefinition } from "./type-section.ts";
import { bytesOfLocal, readValueType } from "./value-type.ts";

const HEADER: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const TABLE_WITH_INITIAL_VALUE = 0x40;
const FUNCTION_ELEMENTS = 0x00;

export interface ParseOptions {
  /** All but the custom sections that are dropped; a larger module is refused before its content is read. */
  readonly maxModuleBytes: number;
  readonly maxNameBytes: number;
}

/** Throws `admission-refused` with the offset of whatever cannot be read. */
export function parseModule(bytes: Uint8Array, options: ParseOptions): WasmModule {
  if (HEADER.some((byte, at) => bytes[at] !== byte)) {
    throw new HostError("admission-refused", "not a WebAssembly core module of version 1");
  }
  return new ModuleParser(bytes, options).parse();
}

class ModuleParser {
  readonly #bytes: Uint8Array;
  readonly #options: ParseOptions;
  readonly #sections = new Map<number, Uint8Array>();
  readonly #imports: ModuleImport[] = [];
  readonly #functionTypes: number[] = [];
  readonly #tables: Table[] = [];
  readonly #memories: SizeLimits[] = [];
  readonly #exports: ModuleExport[] = [];
  readonly #bodies: FunctionBody[] = [];
  readonly #tags: number[] = [];
  readonly #features = new Set<string>();
  #types: TypeDefinition[] = [];
  #nameSection: Uint8Array | undefined;
  #droppedBytes = 0;
  #importedFunctions = 0;
  readonly #globals: GlobalType[] = [];
  #start: number | undefined;
  #elementSegments = 0;
  #elementEntries = 0;
  readonly #referenced = new Set<number>();
  #dataSegments = 0;
  #constantArrayElements = 0;

  constructor(bytes: Uint8Array, options: ParseOptions) {
    this.#bytes = bytes;
    this.#options = options;
  }

  parse(): WasmModule {
    this.#findSections();
    this.#checkSize();
    for (const [id, content] of this.#sections) {
      const from = content.byteOffset - this.#bytes.byteOffset;
      this.#section(id, new Reader(this.#bytes, from, from + content.length));
    }
    if (this.#bodies.length !== this.#functionTypes.length - this.#importedFunctions) {
      throw malformed("the function and code sections differ in length", this.#bytes.length);
    }
    return this.#module();
  }

  #findSections(): void {
    const reader = new Reader(this.#bytes, HEADER.length);
    let lastPlace = -1;
    while (reader.offset < reader.end) {
      const at = reader.offset;
      const id = reader.byte();
      const size = reader.count();
      const from = reader.offset;
      reader.skip(size);
      if (id === SECTION.custom) {
        this.#custom(at, new Reader(this.#bytes, from, reader.offset));
        continue;
      }
      const place = SECTION_ORDER.indexOf(id);
      if (place < 0) throw malformed(`unknown section ${id}`, at);
      if (place <= lastPlace) throw malformed(`section ${id} is out of order`, at);
      lastPlace = place;
      this.#sections.set(id, this.#bytes.subarray(from, reader.offset));
    }
  }

  #checkSize(): void {
    const size = this.#bytes.length - this.#droppedBytes;
    const { maxModuleBytes } = this.#options;
    if (size <= maxModuleBytes) return;
    const detail = `the size without what is dropped is ${size}; the limit is ${maxModuleBytes} (limits.moduleMiB)`;
    throw new HostError("admission-refused", `the module is refused: ${detail}`, { detail });
  }

  #module(): WasmModule {
    return {
      bytes: this.#bytes,
      sections: this.#sections,
      nameSection: this.#nameSection,
      types: this.#types,
      imports: this.#imports,
      importedFunctions: this.#importedFunctions,
      functionTypes: this.#functionTypes,
      tables: this.#tables,
      memories: this.#memories,
      tags: this.#tags,
      globals: this.#globals.length,
      globalTypes: this.#globals,
      exports: this.#exports,
      start: this.#start,
      elementSegments: this.#elementSegments,
      elementEntries: this.#elementEntries,
      referenced: this.#referenced,
      dataSegments: this.#dataSegments,
      bodies: this.#bodies,
      constantArrayElements: this.#constantArrayElements,
      features: this.#features,
    };
  }

  #custom(at: number, reader: Reader): void {
    if (reader.name(reader.end - reader.offset) === "name" && this.#nameSection === undefined) {
      this.#nameSection = this.#bytes.subarray(at, reader.end);
    } else this.#droppedBytes += reader.end - at;
  }

  #section(id: number, reader: Reader): void {
    switch (id) {
      case SECTION.type:
        this.#types = readTypeSection(reader);
        break;
      case SECTION.start:
        this.#start = reader.u32();
        break;
      case SECTION.dataCount:
        this.#features.add("bulk-memory");
        reader.u32();
        break;
      default:
        for (let left = reader.count(); left > 0; left--) this.#item(id, reader);
    }
    if (reader.offset !== reader.end) throw malformed(`section ${id} is longer than its content`, reader.offset);
  }

  #item(id: number, reader: Reader): void {
    switch (id) {
      case SECTION.import:
        this.#import(reader);
        return;
      case SECTION.function:
        this.#functionTypes.push(reader.u32());
        return;
      case SECTION.table:
        this.#table(reader);
        return;
      case SECTION.memory:
        this.#memories.push(readSizeLimits(reader));
        return;
      case SECTION.tag:
        this.#tags.push(readTag(reader));
        return;
      case SECTION.global:
        this.#global(reader);
        this.#constant(reader);
        return;
      case SECTION.export:
        this.#exports.push({ name: this.#name(reader), kind: readKind(reader), index: reader.u32() });
        return;
      case SECTION.element:
        this.#element(reader);
        return;
      case SECTION.data:
        this.#data(reader);
        return;
      case SECTION.code:
        this.#body(reader);
        return;
    }
  }

  #name(reader: Reader): string {
    return reader.name(this.#options.maxNameBytes);
  }

  #import(reader: Reader): void {
    const module = this.#name(reader);
    const name = this.#name(reader);
    const kind = readKind(reader);
    let typeIndex: number | undefined;
    let limits: SizeLimits | undefined;
    switch (kind) {
      case "function":
        typeIndex = reader.u32();
        this.#functionTypes.push(typeIndex);
        this.#importedFunctions++;
        break;
      case "table":
        readValueType(reader);
        limits = readSizeLimits(reader);
        break;
      case "memory":
        limits = readSizeLimits(reader);
        break;
      case "global":
        this.#global(reader);
        break;
      case "tag":
        this.#tags.push(readTag(reader));
        break;
    }
    this.#imports.push({ module, name, kind, typeIndex, limits });
  }

  #global(reader: Reader): void {
    const global = readGlobalType(reader);
    this.#globals.push(global);
    this.#noteStored(global.type);
  }

  #noteStored(type: string): void {
    if (type.includes("exn")) this.#features.add(STORED_EXCEPTIONS);
  }

  #table(reader: Reader): void {
    const from = reader.offset;
    const hasInitialValue = reader.peek() === TABLE_WITH_INITIAL_VALUE;
    if (hasInitialValue) {
      reader.offset++;
      if (reader.byte() !== 0) throw malformed("unknown form of table", from);
    }
    this.#noteStored(readValueType(reader));
    const head = reader.bytes.subarray(from, reader.offset);
    const limits = readSizeLimits(reader);
    const after = reader.offset;
    if (hasInitialValue) this.#constant(reader);
    this.#tables.push({ limits, head, tail: reader.bytes.subarray(after, reader.offset) });
  }

  #constant(reader: Reader): void {
    // A length is only known when the instruction before the array is its constant.
    let constant = Number.POSITIVE_INFINITY;
    readConstantExpression(reader, (instruction) => {
      const { key } = instruction;
      if (key === OP.refFunc) this.#referenced.add(instruction.index);
      if (key === OP.arrayNew || key === OP.arrayNewDefault) this.#constantArrayElements += constant;
      constant = key === OP.i32Const ? instruction.index >>> 0 : Number.POSITIVE_INFINITY;
      const isArithmetic = key >= OP.i32Add && featureOf(key) === "mvp";
      this.#features.add(isArithmetic ? "extended-constants" : featureOf(key));
    });
  }

  #element(reader: Reader): void {
    this.#elementSegments++;
    const at = reader.offset;
    const flags = reader.u32();
    if (flags > 7) throw malformed(`unknown form of element segment ${flags}`, at);
    const isActive = (flags & 1) === 0;
    const isExplicit = (flags & 2) !== 0;
    const hasExpressions = (flags & 4) !== 0;
    if (isActive && isExplicit) reader.u32();
    if (isActive) this.#constant(reader);
    if (!isActive || isExplicit) {
      if (hasExpressions) readValueType(reader);
      else if (reader.byte() !== FUNCTION_ELEMENTS) throw malformed("unknown kind of elements", reader.offset - 1);
    }
    for (let left = reader.count(); left > 0; left--) {
      this.#elementEntries++;
      if (hasExpressions) this.#constant(reader);
      else this.#referenced.add(reader.u32());
    }
  }

  #data(reader: Reader): void {
    this.#dataSegments++;
    const at = reader.offset;
    const flags = reader.u32();
    if (flags > 2) throw malformed(`unknown form of data segment ${flags}`, at);
    if (flags === 2) reader.u32();
    if (flags !== 1) this.#constant(reader);
    reader.skip(reader.count());
  }

  #body(outer: Reader): void {
    const size = outer.count();
    const start = outer.offset;
    outer.skip(size);
    const reader = new Reader(outer.bytes, start, outer.offset);
    const localRuns = reader.count();
    const runsAt = reader.offset;
    let declaredLocals = 0;
    let localBytes = 0;
    for (let left = localRuns; left > 0; left--) {
      const count = reader.u32();
      declaredLocals += count;
      localBytes += count * bytesOfLocal(readValueType(reader));
    }
    if (reader.sawExceptionType) this.#features.add("exceptions");
    const typeIndex = this.#functionTypes[this.#importedFunctions + this.#bodies.length];
    if (typeIndex === undefined) throw malformed("a body without a function", start);
    const codeAt = reader.offset;
    this.#bodies.push({ typeIndex, declaredLocals, localBytes, localRuns, start, runsAt, codeAt, end: reader.end });
  }
}
