// Wakes plugins when keys of the shared state change that they watch and may read.

import { encodeEvent } from "../../core/cloud-event.ts";
import { EVENTS, type Host } from "../../core/host.ts";
import { compilePattern, type Matcher } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { StateChange } from "../../core/ports/state.ts";
import { startTrace } from "../../core/trace.ts";
import type { TurnOutcome, WatchDefinition } from "../../core/types.ts";

// How long a plugin whose queue is full is left alone.
const PAUSE_MS = 100;

interface Watching {
  readonly plugin: Plugin;
  readonly matches: Matcher;
  readonly queue: ChangeQueue;
}

/** Wakes the plugins of a host, those that come later too. Returns its undo. */
export function watchState(core: Host, clock: Clock): () => void {
  let watching = new Map<string, readonly Watching[]>();
  const look = ({ name }: { readonly name: string }): void => {
    const plugin = core.plugin(name);
    const watches = plugin?.definition.watches ?? [];
    if (plugin === undefined || watches.length === 0) watching.delete(name);
    else
      watching.set(
        name,
        watches.map((watch) => watchingFor(core, clock, plugin, watch)),
      );
  };
  for (const plugin of core.plugins) look(plugin);
  const unobserve = core.observe({ plugins: look });
  const unwatch = core.state.watch((change) => {
    for (const watches of watching.values())
      for (const { plugin, matches, queue } of watches) if (plugin.hears && matches(change.key)) queue.changed(change);
  });
  return () => {
    unobserve();
    unwatch();
    watching = new Map();
  };
}

function watchingFor(core: Host, clock: Clock, plugin: Plugin, { keys, entryPoint }: WatchDefinition): Watching {
  const queue = new ChangeQueue({
    clock,
    // Asked when its time comes: a grant may be taken away while a change waits.
    isWanted: ({ key }) => plugin.permissions.allows("state.read", key),
    submit({ key, revision, deleted }, done) {
      const traceparent = startTrace();
      const data = new TextEncoder().encode(JSON.stringify({ key, revision, deleted }));
      const event = core.stamp({ type: "host.state-changed", contentType: "application/json", source: "/host/state", traceparent, data });
      const deadline = clock.monotonicMs() + plugin.definition.limits.deadlineMs;
      plugin.submit(entryPoint, encodeEvent(event), { caller: EVENTS, traceparent, deadline, waiting: [], authorities: [] }, done);
    },
  });
  return { plugin, matches: compilePattern(keys), queue };
}

interface ChangeQueuePorts {
  readonly clock: Clock;
  isWanted(change: StateChange): boolean;
  /** Asks for a turn and calls `done` once with how it ended. */
  submit(change: StateChange, done: (outcome: TurnOutcome) => void): void;
}

/** One turn after the other, with the latest change of each key: values in between may be missed, the last never. */
class ChangeQueue {
  readonly #ports: ChangeQueuePorts;
  /** By key, so there are never more than there are keys. */
  readonly #pending = new Map<string, StateChange>();
  #isBusy = false;

  constructor(ports: ChangeQueuePorts) {
    this.#ports = ports;
  }

  changed(change: StateChange): void {
    this.#pending.set(change.key, change);
    if (!this.#isBusy) this.#next();
  }

  #next(): void {
    const change = this.#take();
    this.#isBusy = change !== undefined;
    if (change !== undefined) this.#ports.submit(change, (outcome) => this.#ended(change, outcome));
  }

  #take(): StateChange | undefined {
    for (const [key, change] of this.#pending) {
      this.#pending.delete(key);
      if (this.#ports.isWanted(change)) return change;
    }
    return undefined;
  }

  #ended(change: StateChange, outcome: TurnOutcome): void {
    const code = outcome.ok ? undefined : outcome.error.code;
    // Whoever starts again reads what is there.
    if (code === "plugin-not-running") this.#pending.clear();
    if (code !== "queue-full") return this.#next();
    if (!this.#pending.has(change.key)) this.#pending.set(change.key, change);
    this.#ports.clock.after(PAUSE_MS, () => this.#next());
  }
}
