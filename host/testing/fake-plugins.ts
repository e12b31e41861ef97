// The other plugins of a test: functions in the place of guests, in a cell of their own. Who may call them is the core's affair, as ever.

import { HostError } from "../core/errors.ts";
import { isDottedName, isPluginName, printable } from "../core/names.ts";
import type { Cell, Turn } from "../core/ports/cell.ts";
import { type Caller, NO_USAGE, type PluginDefinition, type TurnInput, type TurnOutcome } from "../core/types.ts";
import { DEFAULT_LIMITS } from "../manifest/limits.ts";
import { bytesOf, type Content, Payload } from "./payload.ts";
import type { TestClock } from "./test-clock.ts";

/** Stands for another plugin's service. What it throws is what the caller is told: `plugin-failed` with the message, a HostError with its code, a `refusal` with its reason. */
export type FakedService = (payload: Payload, caller: Caller) => Content | undefined | Promise<Content | undefined> | Promise<void>;

export type FakedServices = Readonly<Record<string, FakedService>>;

/** Points by their names, with what other plugins answer by the plugins' names, in their order. One that throws has not answered. */
export type FakedPoints = Readonly<Record<string, Readonly<Record<string, FakedService>>>>;

/** What the entry point of a faked plugin is called that answers a point. */
const answering = (plugin: string, point: string): string => `${plugin} answers ${point}`;

/** What is faked of other plugins. */
export interface Fakes {
  readonly services: FakedServices;
  readonly points: FakedPoints;
}

/**
 * The plugins that these services and answers belong to, and those that `own` depends on, each service with its own name as its entry point.
 * Throws HostError `invalid-message` for a name that no other plugin could have or give a service.
 */
export function fakedPlugins({ services, points }: Fakes, own: string, dependencies: readonly string[]): PluginDefinition[] {
  const byPlugin = new Map<string, string[]>(dependencies.map((name) => [name, []]));
  for (const [point, answers] of Object.entries(points)) {
    for (const plugin of Object.keys(answers)) {
      if (!isDottedName(point) || !isPluginName(plugin) || plugin === own)
        throw new HostError(
          "invalid-message",
          `extensionPoints fakes what "${printable(plugin)}" answers to "${printable(point)}"; write points such as shop.discount, and other plugins`,
        );
      byPlugin.set(plugin, byPlugin.get(plugin) ?? []);
    }
  }
  for (const service of Object.keys(services)) {
    const [plugin = ""] = service.split(".");
    if (!isDottedName(service) || !isPluginName(plugin) || plugin === own)
      throw new HostError(
        "invalid-message",
        `services fakes "${printable(service)}"; write services of other plugins, such as greeter.greet`,
      );
    byPlugin.set(plugin, [...(byPlugin.get(plugin) ?? []), service]);
  }
  return [...byPlugin].map(([name, names]) => {
    const extensions = Object.entries(points).flatMap(([point, answers]) => {
      const place = Object.keys(answers).indexOf(name);
      return place < 0 ? [] : [{ point, entryPoint: answering(name, point), priority: -place }];
    });
    const grants = extensions.map(({ point }) => ({ permission: "extensions.answer", resource: point, reason: "a fake" }));
    return {
      name,
      version: "0.0.0",
      module: new Uint8Array(0),
      entryPoints: [...names, ...extensions.map(({ entryPoint }) => entryPoint)],
      services: names.map((service) => ({ name: service, entryPoint: service })),
      subscriptions: [],
      extensions,
      permissions: grants,
      grants,
      dependencies: [],
      config: {},
      limits: DEFAULT_LIMITS,
    };
  });
}

/** Answers turns with the function that has the entry point's name. One that takes too long is answered for and goes on for itself. */
export class FakeCell implements Cell {
  readonly ended: Promise<HostError> = new Promise(() => {});
  readonly #functions: ReadonlyMap<string, FakedService>;
  readonly #clock: TestClock;

  constructor({ services, points }: Fakes, clock: TestClock) {
    const answers = Object.entries(points).flatMap(([point, byPlugin]) =>
      Object.entries(byPlugin).map(([plugin, answer]) => [answering(plugin, point), answer] as const),
    );
    this.#functions = new Map([...Object.entries(services), ...answers]);
    this.#clock = clock;
  }

  async load(): Promise<undefined> {}

  run(turn: Turn): void {
    void this.#answer(turn).then((outcome) => turn.end(outcome));
  }

  async unload(): Promise<undefined> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async #answer({ entryPoint, input, caller, deadline }: Turn): Promise<TurnOutcome> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(Math.max(0, deadline - this.#clock.monotonicMs()), () =>
      reject(new HostError("deadline-exceeded", `${entryPoint} passed its deadline: the function that fakes it has not answered`)),
    );
    try {
      const answer = await Promise.race([this.#functions.get(entryPoint)?.(payloadOf(input), caller), late]);
      return { ok: true, output: bytesOf(answer === undefined ? undefined : answer), usage: NO_USAGE };
    } catch (thrown) {
      return { ok: false, error: failureOf(thrown, "plugin-failed"), usage: NO_USAGE };
    } finally {
      cancel();
    }
  }
}

/** What a fake threw, as its caller is told. */
export function failureOf(thrown: unknown, code: "plugin-failed" | "http-failed"): HostError {
  if (thrown instanceof HostError) return thrown;
  return new HostError(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}

const payloadOf = (input: TurnInput): Payload => new Payload(bytesOf(input));
