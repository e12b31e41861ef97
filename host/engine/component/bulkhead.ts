// The interfaces of wit/ for components. A value takes the same way as a module's: into blocks, through the table of host functions with its checks, and
// back, so that a component can neither do nor pass what a module could not.

import { HostError } from "../../core/errors.ts";
import type { Bytes, Limits, StorageSide } from "../../core/types.ts";
import { API_VERSIONS, type ApiVersion, type WitFunction } from "../../core/wit.ts";
import type { GuestEnvironment } from "../engine.ts";
import { decodeError, decodeResult, encodeArguments, encodeError, errorFor } from "../guest/blocks.ts";
import { cellFunction, FREE_BYTES, FREE_FUNCTIONS } from "../guest/cell-functions.ts";
import { SHAPES, type Shape } from "../guest/wit-shapes.ts";
import { type ComponentHost, type Interfaces, lowerCamelCase } from "./component-host.ts";
import { err, ok } from "./resources.ts";

export const PACKAGE = "bulkhead:plugin";

/** Room for the arguments beside a payload: names, keys, media types. */
const MAX_NAMES_BYTES = 4_096;

/** The functions that suspend the guest, by the names that jco gives them. */
export const suspendingFunctions = (storage: StorageSide): readonly string[] =>
  Object.keys(SHAPES)
    .filter((name) => cellFunction(name, storage) === undefined)
    .map((name) => `${PACKAGE}/${name.replace(".", "#")}`);

/** `imports` are those of the component, with versions: each interface speaks the one it is imported in, the oldest of several. */
export function bulkheadInterfaces(host: ComponentHost, imports: readonly string[]): Interfaces {
  const versionOf = (face: string) => API_VERSIONS.find((api) => imports.includes(`${PACKAGE}/${face}@${api}.0`));
  const interfaces: Record<string, Record<string, unknown>> = {};
  for (const name of Object.keys(SHAPES) as WitFunction[]) {
    const [face = "", func = ""] = name.split(".");
    interfaces[`${PACKAGE}/${face}`] = {
      ...interfaces[`${PACKAGE}/${face}`],
      [lowerCamelCase(func)]: hostFunction(name, host, versionOf(face)),
    };
  }
  return interfaces;
}

function hostFunction(name: WitFunction, host: ComponentHost, api: ApiVersion | undefined): unknown {
  const { params } = SHAPES[name];
  const toHost = params.map(numbersOf);
  const inCell = cellFunction(name, host.environment.storage);
  const hostValues = (values: readonly unknown[]): unknown[] => values.map((value, i) => toHost[i]?.(value) ?? value);
  const resultOf = (block: Bytes): unknown => resultValue(name, block, host, api);
  if (inCell !== undefined) {
    const isFree = FREE_FUNCTIONS.has(name);
    return (...values: unknown[]) => {
      const block = refusing(() => inCell(host.environment.scope, encodeArguments(name, hostValues(values))));
      if (isFree && block.length <= FREE_BYTES) host.free();
      else host.count();
      return resultOf(block);
    };
  }
  return async (...values: unknown[]) => {
    host.count();
    const asked = refusing(() => host.asker()(name, hostValues(values)));
    return resultOf(asked instanceof Uint8Array ? asked : await host.wait(asked));
  };
}

/** The blocks of a question to the host. Throws HostError `quota-exceeded` for more than a payload, before anything leaves the cell. */
export function argumentsOf({ limits }: GuestEnvironment, name: WitFunction, values: readonly unknown[]): Bytes[] {
  const blocks = encodeArguments(name, values);
  const size = blocks.reduce((sum, { length }) => sum + length, 0);
  checkSize(limits, name, size);
  return blocks;
}

/** Throws HostError `quota-exceeded`. */
export function checkSize({ payloadBytes }: Limits, name: WitFunction, size: number): void {
  if (size <= payloadBytes + MAX_NAMES_BYTES) return;
  const message = `the arguments of ${name} have ${size} bytes; the limit is ${payloadBytes} (limits.payloadMiB)`;
  throw new HostError("quota-exceeded", message);
}

function refusing<T>(work: () => T): T | Bytes {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof HostError) return encodeError(thrown);
    throw thrown;
  }
}

function resultValue(name: WitFunction, block: Bytes, { control }: ComponentHost, api: ApiVersion | undefined): unknown {
  const { fails } = SHAPES[name];
  if (block[0] === 0) {
    const value = bigintsOf(SHAPES[name].result)?.(decodeResult(name, block)) ?? decodeResult(name, block);
    const own = value instanceof Uint8Array ? value.slice() : value;
    return fails ? ok(own) : own;
  }
  const error = decodeError(block);
  if (fails) return err(errorFor(api, error));
  control.doom(new HostError("internal", `${name} cannot fail and did: ${error.message}`));
  throw new WebAssembly.RuntimeError("ended by the host");
}

type Convert = (value: unknown) => unknown;

/** The glue has u64 as bigint, our codecs have numbers: what makes the one of the other, or undefined where there is none. */
function numbersOf(shape: Shape): Convert | undefined {
  return converted(shape, (value) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number))
      throw new HostError("invalid-message", `a u64 is ${String(value)}; the limit is ${Number.MAX_SAFE_INTEGER}`);
    return number;
  });
}

const bigintsOf = (shape: Shape): Convert | undefined => converted(shape, (value) => BigInt(value as number));

function converted(shape: Shape, convert: Convert): Convert | undefined {
  if (shape === "u64" || shape === "s64") return convert;
  if (typeof shape === "string" || "enum" in shape) return undefined;
  if ("option" in shape) {
    const inner = converted(shape.option, convert);
    return inner && ((value) => (value === undefined ? undefined : inner(value)));
  }
  if ("list" in shape) {
    const inner = converted(shape.list, convert);
    return inner && ((value) => (value as unknown[]).map(inner));
  }
  const fields = shape.record.flatMap(([, name, field]) => {
    const inner = converted(field, convert);
    return inner === undefined ? [] : [[name, inner] as const];
  });
  if (fields.length === 0) return undefined;
  return (value) => {
    const record = value as Readonly<Record<string, unknown>>;
    return { ...record, ...Object.fromEntries(fields.map(([name, inner]) => [name, inner(record[name])])) };
  };
}
