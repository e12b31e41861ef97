// How a host ends: asked to, in order and with time for what is queued; or because its own code failed, as far as it comes in two seconds.

import { setTimeout as delay } from "node:timers/promises";
import { escapeControls } from "../core/names.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Configuration } from "../manifest/configuration.ts";

/** For everything, when the host's own code has failed, and of it for what is queued. */
const CRASH_MS = 2_000;
const CRASH_DRAIN_MS = 500;
const MAX_ERROR_LENGTH = 500;

export interface EndingPorts {
  configuration(): Pick<Configuration, "drainMs" | "shutdownDelayMs">;
  readonly log: LogSink;
}

export class Ending {
  readonly #ports: EndingPorts;
  readonly #hurry = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(ports: EndingPorts) {
    this.#ports = ports;
  }

  get isStopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** What a plugin gets for its queue. */
  get drainMs(): number {
    const { drainMs } = this.#ports.configuration();
    return this.#hurry.signal.aborted ? Math.min(drainMs, CRASH_DRAIN_MS) : drainMs;
  }

  /** Doors go on for `shutdownDelayMs`, in which the host says that it is not ready; then all is closed in the order opposite to that of the start. */
  stop(running: AsyncDisposable): Promise<void> {
    this.#stopped ??= this.#stop(running);
    return this.#stopped;
  }

  /** Tells of it and stops. Resolves within two seconds, also where something does not end. Never rejects. */
  async crash(
    cause: unknown,
    running: AsyncDisposable,
    record: (action: string, subject: string, detail: Readonly<Record<string, unknown>>) => void,
  ): Promise<void> {
    this.#ports.log.write({ level: "error", plugin: "host", message: "the host's own code failed, and the host stops", cause });
    record("crash", "host", { error: escapeControls(String(cause)).slice(0, MAX_ERROR_LENGTH) });
    this.#hurry.abort();
    const tell = (why: unknown): void =>
      this.#ports.log.write({ level: "error", plugin: "host", message: "it does not stop cleanly", cause: why });
    await Promise.race([this.stop(running).catch(tell), delay(CRASH_MS)]);
  }

  async #stop(running: AsyncDisposable): Promise<void> {
    // The crash does not wait.
    await delay(this.#ports.configuration().shutdownDelayMs, undefined, { signal: this.#hurry.signal }).catch(() => {});
    await running[Symbol.asyncDispose]();
  }
}
