// Reads the block that a host function returned: a tag byte, then the value or the error (docs/abi.md, host functions).

import * as abi from "./imports";
import { JsonReader } from "./json-reader";
import { decodeUtf8, endCall, readBlock, readView } from "./memory";
import { HostError, Nothing, Outcome, Result, done, ok } from "./result";
import { Some } from "./some";

class ErrorRecord {
  code: string = "";
  message: string = "";
  detail: string | null = null;
  reason: string | null = null;
  retryAfterMs: Some<u32> | null = null;

  __decode<R>(reader: R): i32 {
    if (reader.keyIs("code")) { this.code = reader.value<string>(); return 1; }
    if (reader.keyIs("message")) { this.message = reader.value<string>(); return 2; }
    if (reader.keyIs("detail")) { this.detail = reader.value<string | null>(); return 3; }
    if (reader.keyIs("reason")) { this.reason = reader.value<string | null>(); return 4; }
    if (reader.keyIs("retry-after-ms")) { this.retryAfterMs = reader.value<Some<u32> | null>(); return 5; }
    return 0;
  }

  __missing(_seen: u64): string {
    return "";
  }

  __encode<W>(_writer: W): void {}
}

// Each function below reads the whole answer and then gives the call's blocks back, so no block may be used afterwards.

@inline
function refused(block: u64): bool {
  return abi.load_u8(block) != 0;
}

function refusal<T>(block: u64): Result<T> {
  const record = new JsonReader(taken(block, 1)).whole<ErrorRecord>().value;
  const wait = record.retryAfterMs;
  const error = new HostError(record.code, record.message, record.detail, record.reason, wait === null ? 0 : wait.value);
  return new Result<Nothing>(new Nothing(), error).failure<T>();
}

function taken(block: u64, skip: i32): StaticArray<u8> {
  const bytes = readBlock(block, skip);
  endCall(block);
  return bytes;
}

function takenView(block: u64, skip: i32): Uint8Array {
  const bytes = readView(block, skip);
  endCall(block);
  return bytes;
}

/** Whether an option holds something; if not, the call is over. */
function some(block: u64): bool {
  if (abi.load_u8(block + 1)) return true;
  endCall(block);
  return false;
}

export function nothingFrom(block: u64): Outcome {
  if (refused(block)) return refusal<Nothing>(block);
  endCall(block);
  return done();
}

export function bytesFrom(block: u64): Result<Uint8Array> {
  return refused(block) ? refusal<Uint8Array>(block) : ok(takenView(block, 1));
}

export function textFrom(block: u64): Result<string> {
  if (refused(block)) return refusal<string>(block);
  const bytes = taken(block, 1);
  return ok(decodeUtf8(bytes, 0, bytes.length));
}

export function optionalBytesFrom(block: u64): Result<Uint8Array | null> {
  if (refused(block)) return refusal<Uint8Array | null>(block);
  return ok<Uint8Array | null>(some(block) ? takenView(block, 2) : null);
}

export function optionalTextFrom(block: u64): Result<string | null> {
  if (refused(block)) return refusal<string | null>(block);
  if (!some(block)) return ok<string | null>(null);
  const bytes = taken(block, 2);
  return ok<string | null>(decodeUtf8(bytes, 0, bytes.length));
}

/** A stored JSON text; what is not the JSON of T fails with invalid-message. */
export function optionalJsonFrom<T>(block: u64): Result<T | null> {
  if (refused(block)) return refusal<T | null>(block);
  if (!some(block)) return ok<T | null>(null);
  const parsed = new JsonReader(taken(block, 2)).whole<T>();
  return parsed.isOk ? ok<T | null>(parsed.value) : parsed.failure<T | null>();
}

export function jsonFrom<T>(block: u64): Result<T> {
  return refused(block) ? refusal<T>(block) : new JsonReader(taken(block, 1)).whole<T>();
}
