// `defineFunction`: functions of the program that Extism plugins import, with their types and the permission that a plugin needs for them.

import { HostError } from "../core/errors.ts";
import { isDottedName } from "../core/names.ts";
import type { Bytes, MaybePromise } from "../core/types.ts";

const TYPES = ["i32", "i64", "f32", "f64"] as const;
/** Number types of WebAssembly. The handle of a block, which Extism calls a pointer, is an i64. */
export type NumberType = (typeof TYPES)[number];
type ValueOf<T extends NumberType> = T extends "i64" ? bigint : number;

/** The bytes of a block. */
export interface Block {
  bytes(): Bytes;
  /** As UTF-8. */
  text(): string;
  /** As JSON; throws SyntaxError. */
  json<T = unknown>(): T;
}

/** What a function knows of the call that it answers. */
export interface FunctionContext {
  /** The plugin that calls. Stamped by the host. */
  readonly plugin: string;
  /** Aborts at the deadline of the turn, or when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The block of a handle that was handed over with this call; null for what is no handle of a block, 0 for one. */
  read(handle: bigint): Block | null;
  /** The handle of a new block, to be returned: the plugin finds these bytes there. At most `limits.payloadMiB`. */
  store(data: string | Bytes): bigint;
}

export interface FunctionDeclaration<P extends readonly NumberType[], R extends readonly NumberType[]> {
  /** In order, as the plugin's import has them. */
  readonly params: P;
  /** One type, or none. */
  readonly results: R;
  /** What a plugin has to ask for and be granted, as the resource of `functions.call`: names with dots, such as `orders.read`. */
  readonly permission: string;
  readonly description?: string | undefined;
}

type Arguments<P extends readonly NumberType[]> = { [K in keyof P]: ValueOf<P[K]> };
type Answer<R extends readonly NumberType[]> = R extends readonly [infer T extends NumberType]
  ? MaybePromise<ValueOf<T>>
  : MaybePromise<void>;

/** What `createHost` takes as `functions`: module → name → function, as `createPlugin` of @extism/extism does. */
export type HostFunctions = Readonly<Record<string, Readonly<Record<string, DeclaredFunction>>>>;

/** Made by `defineFunction`. */
export interface DeclaredFunction {
  readonly params: readonly NumberType[];
  readonly results: readonly NumberType[];
  readonly permission: string;
  readonly description?: string | undefined;
  readonly run: (context: FunctionContext, ...args: never[]) => MaybePromise<number | bigint> | MaybePromise<void>;
}

/**
 * Declares a function for plugins to import. What `run` throws as a HostError ends the turn that called with its code, `refused` with one of the reasons that everybody
 * has; anything else as `plugin-failed`, with the cause in the host's log. Throws HostError `invalid-message` for types or a permission that cannot be.
 */
export function defineFunction<const P extends readonly NumberType[], const R extends readonly NumberType[]>(
  { params, results, permission, description }: FunctionDeclaration<P, R>,
  run: (context: FunctionContext, ...args: Arguments<P>) => Answer<R>,
): DeclaredFunction {
  const odd = [...params, ...results].find((type) => !TYPES.includes(type));
  if (odd !== undefined) throw new HostError("invalid-message", `"${String(odd)}" is no type of a function; write ${TYPES.join(", ")}`);
  if (results.length > 1) throw new HostError("invalid-message", "a function has one result at most");
  if (!isDottedName(permission))
    throw new HostError("invalid-message", `"${permission}" is no permission of a function; write names with dots, such as orders.read`);
  return Object.freeze({ params, results, permission, description, run: run as DeclaredFunction["run"] });
}
