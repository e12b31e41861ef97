// A provider in a running host: its services answer calls like a plugin's, its events and questions go out by the core.

import { PROVIDER_LIMITS } from "../bounds/provider-limits.ts";
import { toldOnPurpose } from "../bounds/refusals.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { PermissionPorts } from "../core/permissions.ts";
import { Permissions } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Provider as CoreProvider } from "../core/service-registry.ts";
import { startTrace } from "../core/trace.ts";
import { type CallScope, failedTurn, type TurnContext } from "../core/turn.ts";
import { type Bytes, type Caller, NO_USAGE, type TurnOutcome } from "../core/types.ts";
import { PERMISSIONS } from "../manifest/resources.ts";
import type { ServiceErrors } from "../manifest/service-errors.ts";
import { type KnownTraits, knownTraits } from "../manifest/service-traits.ts";
import type { CatalogEvent, CatalogPoint, CatalogService } from "../seams.ts";
import { waitFor } from "./deadline.ts";
import { jsonBytes, MAX_JSON_BYTES, parseJsonBytes } from "./json.ts";
import {
  type AnySchema,
  type AskOptions,
  type Bound,
  type CallContext,
  type ExtensionPointDeclaration,
  type ProviderParts,
  type ServiceDeclaration,
  wireName,
} from "./provider.ts";
import { check, jsonSchemaOf } from "./schema.ts";

/** Calls of strangers that one provider answers at a time. */
const MAX_RUNNING = 256;

export interface BindingPorts {
  readonly core: Host;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly permissions: PermissionPorts;
}

/** What the context of a call knows of its turn. */
const scopes = new WeakMap<CallContext, CallScope>();

export class ProviderBinding implements CoreProvider, Bound {
  readonly name: string;
  readonly limits: CoreProvider["limits"] = PROVIDER_LIMITS;
  readonly #parts: ProviderParts;
  readonly #ports: BindingPorts;
  readonly #caller: Caller;
  /** It acts as the host itself; its own code is not asked. */
  readonly #permissions: Permissions;
  #running = 0;

  constructor(parts: ProviderParts, ports: BindingPorts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#ports = ports;
    this.#caller = Object.freeze({ kind: "host", name: parts.name });
    const all = PERMISSIONS.map((permission) => ({ permission, resource: "**" }));
    this.#permissions = new Permissions(parts.name, all, all, { compile: () => () => true, onCheck() {} });
  }

  /** Declares everything; all or nothing. Returns its undo. Throws HostError `conflict` for a name that is taken. */
  attach(): () => void {
    const { core } = this.#ports;
    const undo: (() => void)[] = [];
    const detach = (): void => {
      for (const one of undo.toReversed()) one();
    };
    try {
      undo.push(core.take(this.name));
      for (const key of Object.keys(this.#parts.services))
        undo.push(core.services.provide({ name: wireName(this.name, key), entryPoint: key }, this));
      for (const [key, point] of Object.entries(this.#parts.extensionPoints))
        undo.push(core.extensions.declare(this.#point(wireName(this.name, key), point)));
      undo.push(this.#parts.bind(this));
    } catch (thrown) {
      detach();
      throw thrown;
    }
    return detach;
  }

  async enter(entryPoint: string, input: Bytes, context: TurnContext): Promise<TurnOutcome> {
    const service = Object.hasOwn(this.#parts.services, entryPoint) ? this.#parts.services[entryPoint] : undefined;
    const wire = wireName(this.name, entryPoint);
    if (service === undefined) return failedTurn(new HostError("internal", `${wire} is not there`));
    // As a plugin's mailbox does: the program's code is not to begin what nobody waits for.
    if (context.cancelled?.aborted === true || context.deadline <= this.#ports.clock.monotonicMs())
      return failedTurn(new HostError("deadline-exceeded", `nobody waited for ${wire} any more before it began`));
    if (this.#running >= MAX_RUNNING)
      return failedTurn(new HostError("queue-full", `${this.name} answers ${this.#running} calls, which is its limit`));
    this.#running += 1;
    try {
      return { ok: true, output: await this.#run(wire, service, input, context), usage: NO_USAGE };
    } catch (thrown) {
      return failedTurn(this.#failureOf(wire, thrown, context, service.errors));
    } finally {
      this.#running -= 1;
    }
  }

  async publish(type: string, schema: AnySchema, data: unknown): Promise<string> {
    const checked = jsonBytes(check(schema, data, type) ?? null);
    const event = { type, contentType: "application/json", source: `/providers/${this.name}`, traceparent: startTrace(), data: checked };
    return (await this.#ports.core.publish(event, this.#caller)).id;
  }

  async *ask(
    name: string,
    { input: schema, output }: ExtensionPointDeclaration<AnySchema, AnySchema>,
    input: unknown,
    { deadlineMs, signal, within, onFailure }: AskOptions,
  ): AsyncGenerator<{ readonly plugin: string; readonly result: never }> {
    const scope = within === undefined ? undefined : scopes.get(within);
    const bytes = jsonBytes(check(schema, input, `what ${name} is asked`));
    const traceparent = scope?.context.traceparent ?? startTrace();
    const asked = this.#ports.core.extensions.ask({
      point: name,
      input: bytes,
      caller: this.#caller,
      traceparent,
      timeoutMs: deadlineMs,
      within: scope,
      cancelled: signal,
    });
    for (const { plugin, outcome } of asked) {
      const answer = await outcome;
      if (answer.ok) yield { plugin, result: check(output, parseJsonBytes(answer.output, name), name) as never };
      else {
        const error = HostError.fromShape(answer.error);
        this.#ports.log.write({
          level: "warning",
          plugin: "host",
          about: plugin,
          message: `${plugin} did not answer ${name}: ${error.message}`,
          traceparent,
        });
        onFailure?.(plugin, error);
      }
    }
  }

  async #run(
    wire: string,
    { input, output, run }: ServiceDeclaration<AnySchema, AnySchema>,
    payload: Bytes,
    context: TurnContext,
  ): Promise<Bytes> {
    const { clock } = this.#ports;
    const asked = check(input, parseJsonBytes(payload, `the payload of ${wire}`), `the payload of ${wire}`);
    const { deadline, cancelled } = context;
    const answer = await waitFor({ clock, deadline, cancelled, what: wire }, (signal) => run(asked, this.#callContext(context, signal)));
    return jsonBytes(checkedAnswer(output, answer, wire));
  }

  #callContext(context: TurnContext, signal: AbortSignal): CallContext {
    const { caller, traceparent } = context;
    const scope: CallScope = { plugin: { name: this.name, permissions: this.#permissions }, context };
    const call = async <T>(service: string, input?: unknown): Promise<T> => {
      const payload = jsonBytes(input);
      const answer = await this.#ports.core.services.call({
        service,
        payload,
        caller: this.#caller,
        traceparent,
        within: scope,
        cancelled: signal,
      });
      return parseJsonBytes(answer, `the answer of ${service}`, Number.POSITIVE_INFINITY) as T;
    };
    const made: CallContext = Object.freeze({ caller, traceparent, signal, call });
    scopes.set(made, scope);
    return made;
  }

  // What is not a refusal meant for the caller is the program's own fault, and its words are for the operator.
  #failureOf(wire: string, thrown: unknown, { traceparent }: TurnContext, errors: ServiceErrors = {}): HostError {
    const told = toldOnPurpose(thrown, Object.keys(errors));
    if (told !== undefined) return told;
    this.#ports.log.write({ level: "error", plugin: "host", message: `${wire} failed`, traceparent, cause: thrown });
    return new HostError("plugin-failed", `${wire} failed; the host's log has the cause`);
  }

  #point(name: string, { input, output }: ExtensionPointDeclaration<AnySchema, AnySchema>): Parameters<Host["extensions"]["declare"]>[0] {
    return {
      name,
      owner: this.name,
      checkInput: (bytes) => void check(input, parseJsonBytes(bytes, `what ${name} is asked`), `what ${name} is asked`),
      checkAnswer(bytes, plugin) {
        try {
          check(output, parseJsonBytes(bytes, "its answer", MAX_JSON_BYTES), "its answer");
        } catch (thrown) {
          const { message, detail } = toHostError(thrown);
          throw new HostError("plugin-failed", `${plugin} answers ${name} wrongly: ${message}`, { detail });
        }
      },
    };
  }
}

function checkedAnswer(output: AnySchema, answer: unknown, wire: string): unknown {
  try {
    return check(output, answer, `the answer of ${wire}`);
  } catch (thrown) {
    throw new HostError("internal", `${wire} answers what its own output refuses: ${toHostError(thrown).message}`);
  }
}

/** In a program bytes are values like all others. */
const traitsOf = ({ readOnly, idempotent, deprecated, public: isPublic }: ProviderParts["services"][string]): KnownTraits =>
  knownTraits({ readOnly, idempotent, deprecated, public: isPublic });

/** What adapters and `bulkhead types` are told of providers. */
export function catalogOf(providers: readonly ProviderParts[]): {
  readonly services: readonly CatalogService[];
  readonly events: readonly CatalogEvent[];
  readonly points: readonly Omit<CatalogPoint, "answeredBy">[];
} {
  const schemasOf = ({ input, output, description }: ExtensionPointDeclaration<AnySchema, AnySchema>) => ({
    description,
    input: jsonSchemaOf(input),
    output: jsonSchemaOf(output),
  });
  return {
    services: providers.flatMap(({ name, services }) =>
      Object.entries(services).map(([key, service]) => ({
        name: wireName(name, key),
        provider: name,
        ...schemasOf(service),
        errors: service.errors ?? {},
        rates: {},
        isRead: true,
        ...traitsOf(service),
      })),
    ),
    points: providers.flatMap(({ name, extensionPoints }) =>
      Object.entries(extensionPoints).map(([key, point]) => ({ name: wireName(name, key), provider: name, ...schemasOf(point) })),
    ),
    events: providers.flatMap(({ name, events }) =>
      Object.entries(events).map(([key, schema]) => ({
        type: wireName(name, key),
        publishers: [name],
        subscribers: [],
        description: undefined,
        data: jsonSchemaOf(schema),
      })),
    ),
  };
}
