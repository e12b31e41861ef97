// Reads the block that a host function returned: a tag byte, then the value or the error (docs/abi.md, host functions).

import * as abi from "./imports";
import { JsonReader } from "./json-reader";
import { decodeUtf8, readBlock, readView } from "./memory";
import { HostError, Nothing, Outcome, Result, done, ok } from "./result";

@json
class ErrorRecord {
  code!: string;
  message!: string;
  detail: string | null = null;
}

@inline
function refused(block: u64): bool {
  return abi.load_u8(block) != 0;
}

function refusal<T>(block: u64): Result<T> {
  const record = new JsonReader(readBlock(block, 1)).whole<ErrorRecord>().value;
  return new Result<Nothing>(new Nothing(), new HostError(record.code, record.message, record.detail)).failure<T>();
}

export function nothingFrom(block: u64): Outcome {
  return refused(block) ? refusal<Nothing>(block) : done();
}

export function bytesFrom(block: u64): Result<Uint8Array> {
  return refused(block) ? refusal<Uint8Array>(block) : ok(readView(block, 1));
}

export function textFrom(block: u64): Result<string> {
  if (refused(block)) return refusal<string>(block);
  const bytes = readBlock(block, 1);
  return ok(decodeUtf8(bytes, 0, bytes.length));
}

export function optionalBytesFrom(block: u64): Result<Uint8Array | null> {
  if (refused(block)) return refusal<Uint8Array | null>(block);
  return ok<Uint8Array | null>(abi.load_u8(block + 1) ? readView(block, 2) : null);
}

export function optionalTextFrom(block: u64): Result<string | null> {
  if (refused(block)) return refusal<string | null>(block);
  if (!abi.load_u8(block + 1)) return ok<string | null>(null);
  const bytes = readBlock(block, 2);
  return ok<string | null>(decodeUtf8(bytes, 0, bytes.length));
}

/** A stored JSON text; what is not the JSON of T fails with invalid-message. */
export function optionalJsonFrom<T>(block: u64): Result<T | null> {
  if (refused(block)) return refusal<T | null>(block);
  if (!abi.load_u8(block + 1)) return ok<T | null>(null);
  const parsed = new JsonReader(readBlock(block, 2)).whole<T>();
  return parsed.isOk ? ok<T | null>(parsed.value) : parsed.failure<T | null>();
}

export function jsonFrom<T>(block: u64): Result<T> {
  return refused(block) ? refusal<T>(block) : new JsonReader(readBlock(block, 1)).whole<T>();
}
