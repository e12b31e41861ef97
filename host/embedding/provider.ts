// `defineProvider`: services, events and extension points of a TypeScript program that embeds the host, declared once, with their types.

import { isDeclarable } from "../bounds/refusals.ts";
import { HostError } from "../core/errors.ts";
import { isPluginName } from "../core/names.ts";
import type { Caller } from "../core/types.ts";
import type { InputOf, OutputOf, Schema } from "./schema.ts";

/** What a service knows of the call that it answers. */
export interface CallContext {
  /** The plugin, adapter or part of the host that asks. Stamped by the host. */
  readonly caller: Caller;
  readonly traceparent: string;
  /** Aborts at the call's deadline, or when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Calls another service on behalf of this one, within its deadline; a plugin that waits for this very call is refused as a `call-loop`. */
  call<T = unknown>(service: string, input?: unknown): Promise<T>;
}

export interface ServiceDeclaration<In extends Schema, Out extends Schema> {
  readonly input: In;
  readonly output: Out;
  readonly description?: string | undefined;
  /** Reasons with which it refuses besides those that everybody has, with what each means. */
  readonly errors?: Readonly<Record<string, string>> | undefined;
  /** What calling it does, and whether doors show it, as in a plugin's manifest. */
  readonly readOnly?: boolean | undefined;
  readonly idempotent?: boolean | undefined;
  readonly deprecated?: boolean | undefined;
  readonly public?: boolean | undefined;
  /**
   * What it throws as a HostError reaches the caller with its code, what `refusal` makes as `refused` with its reason; anything else, and a reason that is not
   * declared, as `plugin-failed`, with the cause in the host's log.
   */
  run(input: OutputOf<In>, context: CallContext): InputOf<Out> | Promise<InputOf<Out>>;
}

export interface ExtensionPointDeclaration<In extends Schema, Out extends Schema> {
  readonly input: In;
  readonly output: Out;
  readonly description?: string | undefined;
}

export interface EventHandle<Data extends Schema> {
  readonly type: string;
  /** Resolves with the event's id once the host has it. Rejects with HostError `invalid-message` for what its schema refuses. */
  publish(data: InputOf<Data>): Promise<string>;
}

export interface AskOptions {
  /** Of the whole question; the limit of each plugin holds when it is shorter. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The call in which it is asked: its deadline holds too, and no plugin that waits for it is asked. */
  readonly within?: CallContext | undefined;
  /** Told of each that was asked and did not answer, too late, too much or wrongly. */
  readonly onFailure?: ((plugin: string, error: HostError) => void) | undefined;
}

export interface PointHandle<In extends Schema, Out extends Schema> {
  readonly name: string;
  /** Asks all plugins that extend it and may, side by side, and gives what they answer in the order of their priority. */
  ask(input: InputOf<In>, options?: AskOptions): AsyncIterable<{ readonly plugin: string; readonly result: OutputOf<Out> }>;
}

// biome-ignore-start lint/suspicious/noExplicitAny: a schema of anything, whatever it takes and makes.
export type AnySchema = Schema<any, any>;
// biome-ignore-end lint/suspicious/noExplicitAny: see above.
type Schemas = Readonly<Record<string, AnySchema>>;

interface InOut {
  readonly input: AnySchema;
  readonly output: AnySchema;
  readonly description?: string | undefined;
}
type InOuts = Readonly<Record<string, InOut>>;

export interface ProviderDeclaration<SI extends Schemas, SO extends Schemas, P extends InOuts, E extends Schemas> {
  // In this form the compiler infers what `run` takes from the schemas beside it.
  readonly services?: { readonly [K in keyof SI & keyof SO]: ServiceDeclaration<SI[K], SO[K]> };
  readonly extensionPoints?: P;
  readonly events?: E;
}

/** What the program holds: a handle for each event and extension point, by the name that it was declared by. */
export type Provider<P extends InOuts = InOuts, E extends Schemas = Schemas> = {
  readonly [K in keyof E]: EventHandle<E[K]>;
} & { readonly [K in keyof P]: PointHandle<P[K]["input"], P[K]["output"]> };

/** A running host, as a provider's handles use it. */
export interface Bound {
  publish(type: string, schema: AnySchema, data: unknown): Promise<string>;
  ask(
    name: string,
    point: ExtensionPointDeclaration<AnySchema, AnySchema>,
    input: unknown,
    options: AskOptions,
  ): AsyncIterable<{ readonly plugin: string; readonly result: never }>;
}

/** What the host reads of a provider. */
export interface ProviderParts {
  readonly name: string;
  readonly services: Readonly<Record<string, ServiceDeclaration<AnySchema, AnySchema>>>;
  readonly extensionPoints: Readonly<Record<string, ExtensionPointDeclaration<AnySchema, AnySchema>>>;
  readonly events: Schemas;
  /** Lets the handles work until the undo is called. Throws HostError `conflict` for a provider that is in a host already. */
  bind(bound: Bound): () => void;
}

const parts = new WeakMap<object, ProviderParts>();

/** Throws HostError `invalid-message` for what `defineProvider` has not made. */
export function partsOf(provider: object): ProviderParts {
  const found = parts.get(provider);
  if (found === undefined) throw new HostError("invalid-message", "that is no provider; make one with defineProvider");
  return found;
}

/** `orderPlaced` of `shop` is `shop.order-placed` for plugins. */
export const wireName = (provider: string, name: string): string =>
  `${provider}.${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Declares what plugins can call, answer and hear of under `name`. Members are named in camelCase here and in kebab-case there. Throws HostError
 * `invalid-message` for a name that cannot be one.
 */
export function defineProvider<
  SI extends Schemas = Record<never, never>,
  SO extends Schemas = Record<never, never>,
  P extends InOuts = Record<never, never>,
  E extends Schemas = Record<never, never>,
>(name: string, declaration: ProviderDeclaration<SI, SO, P, E>): Provider<P, E> {
  if (!isPluginName(name))
    throw new HostError("invalid-message", `"${name}" is no name for a provider: 1 to 63 lower-case letters, digits and hyphens`);
  const { services = {}, extensionPoints = {}, events = {} } = declaration as Partial<Omit<ProviderParts, "name" | "bind">>;
  for (const member of [services, extensionPoints, events].flatMap((kind) => Object.keys(kind)))
    if (!/^[a-z][a-zA-Z0-9]*$/.test(member))
      throw new HostError("invalid-message", `${name}.${member}: write letters and digits, the first one small`);
  for (const [key, { errors = {} }] of Object.entries(services)) {
    const odd = Object.keys(errors).find((reason) => !isDeclarable(reason));
    if (odd !== undefined)
      throw new HostError("invalid-message", `${name}.${key}.errors: "${odd}" is no reason; write kebab-case, such as out-of-stock`);
  }
  const both = Object.keys(events).find((event) => Object.hasOwn(extensionPoints, event));
  if (both !== undefined) throw new HostError("invalid-message", `${name}.${both} is both an event and an extension point`);
  let bound: Bound | undefined;
  const binding = (): Bound => {
    if (bound === undefined) throw new HostError("conflict", `${name} is in no running host; give it to createHost`);
    return bound;
  };
  const handles: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(events)) {
    const type = wireName(name, key);
    handles[key] = Object.freeze({ type, publish: async (data: unknown) => binding().publish(type, schema, data) });
  }
  for (const [key, point] of Object.entries(extensionPoints)) {
    const wire = wireName(name, key);
    handles[key] = Object.freeze({
      name: wire,
      ask: (input: unknown, options: AskOptions = {}) => binding().ask(wire, point, input, options),
    });
  }
  const provider = Object.freeze(handles) as unknown as Provider<P, E>;
  parts.set(provider, {
    name,
    services,
    extensionPoints,
    events,
    bind(to) {
      if (bound !== undefined) throw new HostError("conflict", `${name} is in a host already`);
      bound = to;
      return () => {
        bound = undefined;
      };
    },
  });
  return provider;
}
