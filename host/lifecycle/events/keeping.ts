// Which events are kept: what the operator names, and what a plugin subscribes to durably and is granted to. A manifest alone keeps nothing.

import type { Host } from "../../core/host.ts";
import { compilePattern, type Matcher } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin.ts";
import type { EventLog } from "../../core/ports/events.ts";
import type { CloudEvent } from "../../core/types.ts";

/** Types come from publishers, so the cache must not grow with them. */
const MAX_CACHED_TYPES = 1_000;

interface Rules {
  readonly always: boolean;
  /** Those who subscribe durably to the type; what they are granted is asked each time. */
  readonly plugins: readonly Plugin[];
}

export class Keeping {
  readonly #core: () => Host;
  readonly #log: Pick<EventLog, "append">;
  #always: readonly Matcher[] = [];
  /** Null for a type that nobody can keep, which is what most publishers ask. */
  readonly #byType = new Map<string, Rules | null>();

  /** `core` is asked once plugins are there, so it may be made later. */
  constructor(core: () => Host, log: Pick<EventLog, "append">, patterns: readonly string[]) {
    this.#core = core;
    this.#log = log;
    this.alwaysKeep(patterns);
  }

  /** From now on these, instead of those before. */
  alwaysKeep(patterns: readonly string[]): void {
    this.#always = patterns.map(compilePattern);
    this.forget();
  }

  /** Durable once resolved; undefined for what nobody keeps. */
  readonly keep = (event: CloudEvent): Promise<void> | undefined => {
    if (this.#byType.get(event.type) === null) return undefined;
    return this.keeps(event.type) ? this.#log.append([event]) : undefined;
  };

  keeps(type: string): boolean {
    const rules = this.#rulesFor(type);
    return rules !== null && (rules.always || rules.plugins.some((plugin) => mayHear(plugin, type)));
  }

  /** To be called when plugins come, change or go. */
  forget(): void {
    this.#byType.clear();
  }

  #rulesFor(type: string): Rules | null {
    const known = this.#byType.get(type);
    if (known !== undefined) return known;
    const isDurable = ({ definition }: Plugin): boolean =>
      definition.subscriptions.some((one) => one.durable !== undefined && compilePattern(one.type)(type));
    const always = this.#always.some((matches) => matches(type));
    const plugins = this.#core().plugins.filter(isDurable);
    const rules = always || plugins.length > 0 ? { always, plugins } : null;
    if (this.#byType.size >= MAX_CACHED_TYPES) this.#byType.clear();
    this.#byType.set(type, rules);
    return rules;
  }
}

/** Whether events of the type are kept for it. */
export const mayHear = ({ permissions }: Plugin, type: string): boolean =>
  permissions.allows("events.subscribe", type) && permissions.allows("events.durable", type);
