// Holds a plugin to what its manifest declares of its data: what its services take and answer, and what its events carry. Checked in its cell, on its time. So a
// cell that is broken can lie about its own data, and about nobody else's.

import { PAID, payloadProblem } from "../../bounds/json-schema/payload.ts";
import { JsonSchema } from "../../bounds/json-schema/schema.ts";
import { isJson } from "../../core/cloud-event.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Bytes, DataSchemas, TurnInput } from "../../core/types.ts";
import { decodeAll } from "../../engine/guest/blocks.ts";

const EMPTY_OBJECT = {};

interface ServiceData {
  readonly service: string;
  readonly input: JsonSchema | undefined;
  readonly output: JsonSchema | undefined;
}

/** What is wrong with data is answered, never thrown. */
export class DeclaredData {
  /** By entry point. */
  readonly #services: ReadonlyMap<string, ServiceData>;
  /** By type. */
  readonly #events: ReadonlyMap<string, JsonSchema>;

  /** Compiles the patterns of all schemas: a process loads what that takes before it gives up its files. Throws HostError for a schema that no manifest has. */
  constructor({ entryPoints = {}, events = {} }: DataSchemas = {}) {
    this.#services = new Map(
      Object.entries(entryPoints).map(([entryPoint, { service, input, output }]) => [
        entryPoint,
        {
          service,
          input: input === undefined ? undefined : new JsonSchema(input),
          output: output === undefined ? undefined : new JsonSchema(output),
        },
      ]),
    );
    this.#events = new Map(Object.entries(events).map(([type, schema]) => [type, new JsonSchema(schema)]));
  }

  /** Whether anything is known of what enters there. */
  takes(entryPoint: string): boolean {
    return this.#services.get(entryPoint)?.input !== undefined;
  }

  /** Why a service does not take it: `refused` with `invalid-input`, or `quota-exceeded` for what takes too long to check. No input counts as `{}`, as in the SDKs. */
  inputProblem(entryPoint: string, input: TurnInput): HostError | undefined {
    const { service = "", input: schema } = this.#services.get(entryPoint) ?? {};
    if (schema === undefined) return undefined;
    const refused = (message: string): HostError => new HostError("refused", message, { reason: "invalid-input" });
    return payloadProblem(schema, { what: `the input of ${service}`, data: input, empty: EMPTY_OBJECT }, PAID, refused);
  }

  /** Why a service may not have answered that: `plugin-failed`, in any case. No output counts as null. */
  outputProblem(entryPoint: string, output: Bytes): HostError | undefined {
    const { service = "", output: schema } = this.#services.get(entryPoint) ?? {};
    if (schema === undefined) return undefined;
    const failed = (message: string): HostError => new HostError("plugin-failed", message);
    const problem = payloadProblem(schema, { what: `what ${service} answers`, data: output, empty: null }, PAID, failed);
    return problem === undefined ? undefined : new HostError("plugin-failed", `${problem.message}; its own schema says otherwise`);
  }

  /** Why a host function may not be called with that: an event whose data is not what was declared, `invalid-message` or `quota-exceeded`. */
  callProblem(functionName: string, args: readonly Bytes[]): HostError | undefined {
    if (functionName !== "events.publish" || this.#events.size === 0) return undefined;
    try {
      const [type, contentType, data] = decodeAll("events.publish", args);
      return this.#eventProblem(type, contentType, data);
    } catch (thrown) {
      return toHostError(thrown);
    }
  }

  #eventProblem(type: string, contentType: string, data: Bytes): HostError | undefined {
    const schema = this.#events.get(type);
    if (schema === undefined) return undefined;
    const refused = (message: string): HostError => new HostError("invalid-message", message);
    const what = `the data of ${type}`;
    if (!isJson(contentType))
      return refused(`${what} is ${printable(contentType)}, and was declared by a JSON Schema; publish application/json`);
    return payloadProblem(schema, { what, data }, PAID, refused);
  }
}
