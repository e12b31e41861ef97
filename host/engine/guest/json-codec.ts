// JSON values of a WIT type, checked strictly: a guest may send anything, so what is not exactly of the shape is refused.

import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import type { Shape } from "./wit-shapes.ts";

export interface JsonCodec {
  /** Throws HostError `invalid-message`, which says where in the argument; it costs less with an empty `where`, and then says less. */
  read(value: unknown, where: string): unknown;
  /** What JSON.stringify takes. */
  write(value: unknown): unknown;
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  // Beyond these a JSON number is not the one that was sent.
  u64: [0, Number.MAX_SAFE_INTEGER],
  s32: [-0x8000_0000, 0x7fff_ffff],
  s64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

const isText = (value: unknown): value is string => typeof value === "string" && value.isWellFormed();
const same = (value: unknown): unknown => value;

function refuse(where: string, wanted: string): never {
  throw new HostError("invalid-message", `${where} is not the JSON form of ${wanted}`);
}

const checked = (wanted: string, accepts: (value: unknown) => boolean): JsonCodec => ({
  read: (value, where) => (accepts(value) ? value : refuse(where, wanted)),
  write: same,
});

function integer(name: string, [least, most]: readonly [number, number]): JsonCodec {
  return checked(name, (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most);
}

const toBase64 = ({ buffer, byteOffset, byteLength }: Bytes): string => Buffer.from(buffer, byteOffset, byteLength).toString("base64");

const base64: JsonCodec = {
  read(value, where) {
    if (!isText(value)) return refuse(where, "list<u8>, which is base64 text");
    const bytes = Buffer.from(value, "base64");
    // What is not base64 is passed over by Buffer, so only a text that comes back is one.
    return bytes.toString("base64") === value ? bytes : refuse(where, "list<u8>, which is base64 text");
  },
  write: (value) => toBase64(value as Bytes),
};

// Only a refusal needs the path, so it is not made for an empty `where`.
const below = (where: string, step: string | number): string =>
  where === "" ? "" : `${where}${typeof step === "number" ? `[${step}]` : `.${step}`}`;

function list(of: JsonCodec): JsonCodec {
  return {
    read: (value, where) => (Array.isArray(value) ? value.map((item, i) => of.read(item, below(where, i))) : refuse(where, "a list")),
    write: (value) => (value as unknown[]).map(of.write),
  };
}

const option = (of: JsonCodec): JsonCodec => ({
  read: (value, where) => (value === null || value === undefined ? undefined : of.read(value, where)),
  write: (value) => (value === undefined ? null : of.write(value)),
});

function record(fields: readonly (readonly [wit: string, host: string, codec: JsonCodec])[]): JsonCodec {
  const names: ReadonlySet<string> = new Set(fields.map(([wit]) => wit));
  const wanted = `a record of ${[...names].join(", ")}`;
  return {
    read(value, where) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(where, wanted);
      for (const name of Object.keys(value)) if (!names.has(name)) return refuse(where, wanted);
      const given = value as Readonly<Record<string, unknown>>;
      const made: Record<string, unknown> = {};
      for (const [wit, host, codec] of fields)
        made[host] = codec.read(Object.hasOwn(given, wit) ? given[wit] : undefined, below(where, wit));
      return made;
    },
    write(value) {
      const given = value as Readonly<Record<string, unknown>>;
      const made: Record<string, unknown> = {};
      for (const [wit, host, codec] of fields) made[wit] = codec.write(given[host]);
      return made;
    },
  };
}

export function jsonCodec(shape: Shape): JsonCodec {
  if (typeof shape === "string") {
    const range = RANGES[shape];
    if (range !== undefined) return integer(shape, range);
    if (shape === "bytes") return base64;
    if (shape === "string") return checked("string", isText);
    if (shape === "bool") return checked("bool", (value) => typeof value === "boolean");
    if (shape === "f64") return checked("f64", Number.isFinite);
    return checked("nothing", (value) => value === null);
  }
  if ("enum" in shape) return checked(`one of ${shape.enum.join(", ")}`, (value) => isText(value) && shape.enum.includes(value));
  if ("list" in shape) return list(jsonCodec(shape.list));
  if ("option" in shape) return option(jsonCodec(shape.option));
  return record(shape.record.map(([wit, host, inner]) => [wit, host, jsonCodec(inner)]));
}
