// Values on their way into a sandbox and out of it: plain data as JSON, by the same rules in both directions (docs/sandbox.md).

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Bytes } from "../core/types.ts";

const MAX_DEPTH = 64;
const FORBIDDEN_KEY = "__proto__";
const encoder = new TextEncoder();

/** Nothing is `undefined`. Throws HostError `invalid-message` with the path of what is no plain data. */
export function encodeValue(value: unknown, what: string): Bytes {
  if (value === undefined) return new Uint8Array(0);
  checkPlain(value, what, 0);
  return encoder.encode(JSON.stringify(value));
}

/** What a stranger's JSON was parsed to, which has no keys that a careless copy would make a prototype of. Throws HostError `invalid-message`. */
export function checkKeys(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (Object.hasOwn(value, FORBIDDEN_KEY)) throw new HostError("invalid-message", `the value has a key ${FORBIDDEN_KEY}`);
  for (const member of Object.values(value)) checkKeys(member);
}

function checkPlain(value: unknown, path: string, depth: number): void {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refused(path, `is ${value}, which JSON has not`);
    return;
  }
  if (typeof value === "bigint") throw refused(path, "is a bigint; write String(value)");
  if (typeof value !== "object") throw refused(path, `is a ${typeof value}; only plain data crosses`);
  if (depth >= MAX_DEPTH) throw refused(path, `nests deeper than ${MAX_DEPTH}, or in a circle`);
  if (Array.isArray(value)) {
    // Not forEach, which leaves holes out.
    for (let i = 0; i < value.length; i += 1) {
      if (value[i] === undefined) throw refused(`${path}[${i}]`, "is undefined, which JSON has not; write null");
      checkPlain(value[i], `${path}[${i}]`, depth + 1);
    }
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Date) throw refused(path, "is a Date; write toISOString()");
  if (prototype !== null && prototype !== Object.prototype)
    throw refused(path, `is a ${value.constructor?.name ?? "class's object"}; only plain objects and lists cross`);
  for (const [key, member] of Object.entries(value)) {
    if (key === FORBIDDEN_KEY) throw refused(`${path}.${key}`, "is a key that nothing may have");
    if (member !== undefined) checkPlain(member, `${path}.${key}`, depth + 1);
  }
}

const refused = (path: string, why: string): HostError => new HostError("invalid-message", `${printable(path)} ${why}`);
