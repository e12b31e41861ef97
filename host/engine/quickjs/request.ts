// What the host asks of a sandbox in one turn, as bytes: who reads it has the sizes first. It comes from the host and is whole.

import type { Bytes } from "../../core/types.ts";

/** The module and names by which a sandbox reaches functions of the host's program (host/bounds/declared-call.ts): it begins a call, and waits for the next answer. */
export const SANDBOX_MODULE = "sandbox";
export const BEGIN = "begin";
export const NEXT = "next";
/** The key of a plugin's configuration that lists their names, in JSON. */
export const FUNCTIONS_KEY = "functions";

export interface EvaluateRequest {
  /** By which the host knows the calls of this evaluation. */
  readonly id: number;
  /** The name of the source in messages. */
  readonly file: Bytes;
  /** In JSON: `globals`, and `args` when what the source evaluates to is to be called. */
  readonly given: Bytes;
  readonly source: Bytes;
}

const HEAD_BYTES = 12;

export function encodeRequest({ id, file, given, source }: EvaluateRequest): Bytes {
  const all = new Uint8Array(HEAD_BYTES + file.length + given.length + source.length);
  const head = new DataView(all.buffer);
  head.setUint32(0, file.length, true);
  head.setUint32(4, given.length, true);
  head.setUint32(8, id, true);
  all.set(file, HEAD_BYTES);
  all.set(given, HEAD_BYTES + file.length);
  all.set(source, HEAD_BYTES + file.length + given.length);
  return all;
}

export function decodeRequest(bytes: Bytes): EvaluateRequest {
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const given = HEAD_BYTES + head.getUint32(0, true);
  const source = given + head.getUint32(4, true);
  return {
    id: head.getUint32(8, true),
    file: bytes.slice(HEAD_BYTES, given),
    given: bytes.slice(given, source),
    source: bytes.slice(source),
  };
}
