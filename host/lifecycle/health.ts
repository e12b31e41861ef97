// Whether the host is alive and ready, for whoever watches it: a service manager, a balancer, an orchestrator.

import type { Clock } from "../core/ports/clock.ts";
import type { PluginState } from "../core/types.ts";
import type { Health } from "../seams.ts";

const BEAT_MS = 250;
/** A loop of events that has not turned for so long does nothing for anybody. */
const SILENT_MS = 2_000;
/** Whoever asks is not known, and reading them takes a query. */
const REQUIRED_MS = 1_000;

export interface HealthPorts {
  /** Undefined for a plugin that is not there. */
  readonly stateOf: (plugin: string) => PluginState | undefined;
  readonly clock: Clock;
  /** In words, what keeps the host itself from working: for example a full disk. */
  readonly faults: () => readonly string[];
  /** The plugins without which the host is not ready. */
  readonly required: () => readonly string[];
  readonly isStopping: () => boolean;
}

export class HostHealth implements Health, Disposable {
  readonly #ports: HealthPorts;
  #turnedAt: number;
  #cancel = (): void => {};
  #required: { readonly at: number; readonly names: readonly string[] } | undefined;

  constructor(ports: HealthPorts) {
    this.#ports = ports;
    this.#turnedAt = ports.clock.monotonicMs();
    this.#beat();
  }

  isAlive(): boolean {
    return this.#ports.clock.monotonicMs() - this.#turnedAt < SILENT_MS;
  }

  unready(): readonly string[] {
    const { isStopping, faults } = this.#ports;
    return [...(isStopping() ? ["the host is stopping"] : []), ...faults(), ...this.#names().flatMap((name) => this.#lack(name) ?? [])];
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #lack(name: string): string | undefined {
    const state = this.#ports.stateOf(name);
    return state === "running" ? undefined : `the plugin ${name}, which is required, is ${state ?? "not there"}`;
  }

  #names(): readonly string[] {
    const now = this.#ports.clock.monotonicMs();
    if (this.#required === undefined || now - this.#required.at >= REQUIRED_MS) this.#required = { at: now, names: this.#ports.required() };
    return this.#required.names;
  }

  #beat(): void {
    this.#cancel = this.#ports.clock.after(BEAT_MS, () => {
      this.#turnedAt = this.#ports.clock.monotonicMs();
      this.#beat();
    });
  }
}
