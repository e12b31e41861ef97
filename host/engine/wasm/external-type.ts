// Reads the types of what is imported, exported or declared: tables, memories, globals and tags.

import { EXTERNAL_KINDS, type ExternalKind, type GlobalType, type SizeLimits } from "./module.ts";
import { malformed, type Reader } from "./reader.ts";
import { readValueType } from "./value-type.ts";

const CUSTOM_PAGE_SIZE = 8;

export function readKind(reader: Reader): ExternalKind {
  const code = reader.byte();
  const kind = EXTERNAL_KINDS[code];
  if (kind === undefined) throw malformed(`unknown kind of import or export ${code}`, reader.offset - 1);
  return kind;
}

export function readSizeLimits(reader: Reader): SizeLimits {
  const at = reader.offset;
  const flags = reader.byte();
  if ((flags & CUSTOM_PAGE_SIZE) !== 0 && flags < 16)
    throw malformed("a memory has pages of its own size (proposal custom-page-sizes), which this host does not serve", at);
  if (flags > 7) throw malformed(`unknown kind of limits 0x${flags.toString(16)}`, at);
  const minimum = reader.u64();
  const maximum = (flags & 1) === 0 ? undefined : reader.u64();
  return { minimum, maximum, isShared: (flags & 2) !== 0, is64Bit: (flags & 4) !== 0 };
}

export function readGlobalType(reader: Reader): GlobalType {
  const type = readValueType(reader);
  const mutability = reader.byte();
  if (mutability > 1) throw malformed(`unknown mutability ${mutability}`, reader.offset - 1);
  return { type, isMutable: mutability === 1 };
}

export function readTag(reader: Reader): number {
  const attribute = reader.byte();
  if (attribute !== 0) throw malformed(`unknown tag attribute ${attribute}`, reader.offset - 1);
  return reader.u32();
}
