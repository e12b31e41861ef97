// Holds a plugin to what its manifest declares of its data: what its services take and answer, what its events carry, and what it asks and is answered at its extension points. Checked in its cell, on its time. So a
// cell that is broken can lie about its own data, and about nobody else's.

import { PAID, payloadProblem } from "../../bounds/json-schema/payload.ts";
import { JsonSchema } from "../../bounds/json-schema/schema.ts";
import { isJson } from "../../core/cloud-event.ts";
import { HostError, toHostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { Bytes, DataSchemas, TurnInput } from "../../core/types.ts";
import type { WitParams } from "../../core/wit.ts";
import { decodeAll, decodeResult, encodeResultView } from "../../engine/guest/blocks.ts";

const EMPTY_OBJECT = {};
const ASK = "extensions.ask";

interface Sides {
  readonly input: JsonSchema | undefined;
  readonly output: JsonSchema | undefined;
}

interface ServiceData extends Sides {
  readonly service: string;
}

const sidesOf = ({ input, output }: { readonly input?: unknown; readonly output?: unknown }): Sides => ({
  input: input === undefined ? undefined : new JsonSchema(input),
  output: output === undefined ? undefined : new JsonSchema(output),
});

/** What is wrong with data is answered, never thrown. */
export class DeclaredData {
  /** By entry point. */
  readonly #services: ReadonlyMap<string, ServiceData>;
  /** By type. */
  readonly #events: ReadonlyMap<string, JsonSchema>;
  /** By name. */
  readonly #points: ReadonlyMap<string, Sides>;

  /** Compiles the patterns of all schemas: a process loads what that takes before it gives up its files. Throws HostError for a schema that no manifest has. */
  constructor({ entryPoints = {}, events = {}, points = {} }: DataSchemas = {}) {
    this.#services = new Map(
      Object.entries(entryPoints).map(([entryPoint, { service, ...sides }]) => [entryPoint, { service, ...sidesOf(sides) }]),
    );
    this.#points = new Map(Object.entries(points).map(([point, sides]) => [point, sidesOf(sides)]));
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

  /**
   * Why a host function may not be called with that: an event whose data, or a question that is not what was declared, `invalid-message` or
   * `quota-exceeded`.
   */
  callProblem(functionName: string, args: readonly Bytes[]): HostError | undefined {
    try {
      if (functionName === "events.publish" && this.#events.size > 0) return this.#eventProblem(...decodeAll(functionName, args));
      if (functionName === ASK && this.#points.size > 0) return this.#questionProblem(decodeAll(ASK, args));
      return undefined;
    } catch (thrown) {
      return toHostError(thrown);
    }
  }

  /** The point that this call asks, when it is known what may be answered there. */
  pointAsked(functionName: string, args: readonly Bytes[]): string | undefined {
    if (functionName !== ASK || this.#points.size === 0) return undefined;
    const [point] = decodeAll(ASK, args);
    return this.#points.get(point)?.output === undefined ? undefined : point;
  }

  /** The block of answers to a question without those that the point does not take. Each has an equal share of what a check may take; no answer counts as null. */
  fittingAnswers(point: string, answer: Bytes): Bytes {
    const schema = this.#points.get(point)?.output;
    if (schema === undefined || answer[0] !== 0) return answer;
    const all = decodeResult(ASK, answer);
    const limits = { maxValues: Math.floor(PAID.maxValues / all.length), maxSteps: Math.floor(PAID.maxSteps / all.length) };
    const refused = (message: string): HostError => new HostError("plugin-failed", message);
    const fitting = all.filter(
      ({ plugin, output }) =>
        payloadProblem(schema, { what: `what ${plugin} answers`, data: output, empty: null }, limits, refused) === undefined,
    );
    return fitting.length === all.length ? answer : encodeResultView(ASK, fitting).slice();
  }

  #questionProblem([point, input]: WitParams<typeof ASK>): HostError | undefined {
    const schema = this.#points.get(point)?.input;
    if (schema === undefined) return undefined;
    const refused = (message: string): HostError => new HostError("invalid-message", message);
    return payloadProblem(schema, { what: `what ${point} is asked`, data: input }, PAID, refused);
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
