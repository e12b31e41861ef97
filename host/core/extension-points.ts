// Questions of one that any number of plugins answer, each within its own limits and none for the others: who may be asked, in which order, by when, and how
// much of it is heard. What a question means is its owner's affair.

import { HostError, toHostError } from "./errors.ts";
import { printable } from "./names.ts";
import { refuseLoop, type ServiceRegistry, waitingWith } from "./service-registry.ts";
import { childSpan } from "./trace.ts";
import { failedTurn, type Question, type TurnContext } from "./turn.ts";
import type { Bytes, ExtensionPoint, PluginDefinition, TurnOutcome } from "./types.ts";

/** More are not asked: the first ones by priority are. */
const MAX_ASKED = 32;
/** Of all answers to one question together; each may take an equal share. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** A plugin as a question sees it. */
export interface Answerer {
  readonly definition: PluginDefinition;
  readonly state: string;
  readonly permissions: { allows(permission: string, resource: string): boolean };
  enter(entryPoint: string, input: Bytes, context: TurnContext): Promise<TurnOutcome>;
}

export interface Asked {
  readonly plugin: string;
  /** Never rejects; an answer that is too long, or that the point's owner does not take, is a failure. */
  readonly outcome: Promise<TurnOutcome>;
}

export class ExtensionPoints {
  readonly #points = new Map<string, ExtensionPoint>();
  readonly #answerers: () => readonly Answerer[];
  readonly #services: ServiceRegistry;

  constructor(services: ServiceRegistry, answerers: () => readonly Answerer[]) {
    this.#services = services;
    this.#answerers = answerers;
  }

  /** Returns its undo. Throws `service-taken`. */
  declare(point: ExtensionPoint): () => void {
    if (this.#points.has(point.name)) throw new HostError("service-taken", `${point.name} is declared already`);
    this.#points.set(point.name, point);
    return () => void this.#points.delete(point.name);
  }

  /**
   * Asks all that run, extend the point and are granted `extensions.answer` on it, side by side; the order of the answers is that of their priorities,
   * highest first, then of their names. Throws `no-such-service`, `deadline-exceeded` when no time is left, and what the point refuses the input with.
   */
  ask(question: Question): readonly Asked[] {
    const { point: name, input, within, caller, cancelled, pace = (piece) => piece() } = question;
    const point = this.#points.get(name);
    if (point === undefined) throw new HostError("no-such-service", `nobody declares ${printable(name)}`);
    point.checkInput(input, caller);
    const latest = this.#services.deadlineOf(question.timeoutMs ?? Number.POSITIVE_INFINITY, within?.context);
    if (latest <= this.#services.deadlineOf(0, undefined)) throw new HostError("deadline-exceeded", `no time is left to ask ${name}`);
    const waiting = waitingWith(within);
    const asked = this.#answerers()
      .flatMap((plugin) => plugin.definition.extensions?.filter((one) => one.point === name).map((one) => ({ plugin, ...one })) ?? [])
      .filter(({ plugin }) => plugin.state === "running" && plugin.permissions.allows("extensions.answer", name))
      .sort((a, b) => b.priority - a.priority || (a.plugin.definition.name < b.plugin.definition.name ? -1 : 1))
      .slice(0, MAX_ASKED);
    const maxBytes = Math.floor(MAX_ANSWER_BYTES / Math.max(1, asked.length));
    return asked.map(({ plugin, entryPoint }) => {
      const { name: answerer, limits } = plugin.definition;
      const answered = async (): Promise<TurnOutcome> => {
        refuseLoop(name, answerer, waiting, limits.callDepth);
        const deadline = Math.min(latest, this.#services.deadlineOf(limits.deadlineMs, undefined));
        const step = { traceparent: childSpan(question.traceparent), parent: question.traceparent, subject: name };
        const context = { caller, ...step, deadline, waiting, authorities: [], cancelled: cancelled ?? within?.context.cancelled };
        const outcome = await plugin.enter(entryPoint, input, context);
        if (!outcome.ok) return outcome;
        const { length } = outcome.output;
        if (length > maxBytes)
          throw new HostError("quota-exceeded", `${answerer} answers ${name} with ${length} bytes; its share is ${maxBytes}`);
        await pace(async () => point.checkAnswer(outcome.output, answerer));
        return outcome;
      };
      return { plugin: answerer, outcome: answered().catch((thrown) => failedTurn(toHostError(thrown))) };
    });
  }
}
