// An admitted component as one byte string: the glue that jco made and the core modules that the meter rewrote. So a cell's image, the cache of
// admissions and the channels need not know whether a plugin is a module or a component.

import { HostError } from "../../core/errors.ts";

/** An exported function that can be entered. */
export interface ComponentEntry {
  /** The exported interface that has it; undefined for a function of the world itself. */
  readonly face?: string | undefined;
  readonly takes: "bytes" | "text" | "nothing";
}

export interface ComponentBundle {
  /** JavaScript: an expression's worth of it, see runGlue. */
  readonly glue: string;
  /** By the names under which the glue asks for them. */
  readonly modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** The interfaces that it imports, with their versions. */
  readonly imports: readonly string[];
  /** The exported functions that can be entered; empty when it exports `bulkhead:plugin/entry-points`. */
  readonly entries: Readonly<Record<string, ComponentEntry>>;
}

const COMPONENT_HEADER = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const MAGIC = new TextEncoder().encode("bulkhead-component-1\n");
const decoder = new TextDecoder();

const startsWith = (bytes: Uint8Array, prefix: ArrayLike<number>): boolean =>
  Array.prototype.every.call(prefix, (byte, i) => bytes[i] === byte);

/** Whether a stranger's binary says that it is a component; all that admission needs to know. */
export const isComponent = (bytes: Uint8Array): boolean => startsWith(bytes, COMPONENT_HEADER);

/** Whether an admitted image is that of a component. */
export const isBundle = (bytes: Uint8Array): boolean => startsWith(bytes, MAGIC);

export function encodeBundle({ glue, modules, imports, entries }: ComponentBundle): Uint8Array<ArrayBuffer> {
  const script = Buffer.from(glue);
  const sizes = [...modules].map(([name, { length }]) => [name, length]);
  const header = Buffer.from(`${JSON.stringify({ glue: script.length, sizes, imports, entries })}\n`);
  return new Uint8Array(Buffer.concat([MAGIC, header, script, ...modules.values()]));
}

/** Throws HostError `internal` for what encodeBundle did not make. */
export function decodeBundle(bytes: Uint8Array<ArrayBuffer>): ComponentBundle {
  const end = bytes.indexOf(10, MAGIC.length);
  if (!isBundle(bytes) || end < 0) throw new HostError("internal", "the bundle of a component is malformed");
  const header = JSON.parse(decoder.decode(bytes.subarray(MAGIC.length, end))) as {
    readonly glue: number;
    readonly sizes: readonly (readonly [name: string, size: number])[];
    readonly imports: readonly string[];
    readonly entries: Readonly<Record<string, ComponentEntry>>;
  };
  let at = end + 1;
  const take = (size: number): Uint8Array<ArrayBuffer> => {
    const part = bytes.slice(at, at + size);
    if (part.length !== size) throw new HostError("internal", "the bundle of a component is cut off");
    at += size;
    return part;
  };
  const glue = decoder.decode(take(header.glue));
  return {
    glue,
    modules: new Map(header.sizes.map(([name, size]) => [name, take(size)])),
    imports: header.imports,
    entries: header.entries,
  };
}
