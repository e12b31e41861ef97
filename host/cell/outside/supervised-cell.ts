// Keeps a cell alive: pings it, replaces it when it is silent or dead, loads its plugins again and has their mailboxes hold the turns that come
// meanwhile. What was in flight is answered with the cell's error, since it may have run.

import { HostError, toHostError } from "../../core/errors.ts";
import type { Cell, ProfiledStack, Turn } from "../../core/ports/cell.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { Bytes, PluginImage } from "../../core/types.ts";
import { NO_USAGE } from "../../core/types.ts";

/** One life of a cell. */
export interface LiveCell extends Cell {
  /** Resolves when the cell has answered. */
  ping(): Promise<void>;
  /** Ends it at once; whoever waits for it is answered with the error. */
  kill(error: HostError): void;
  load(image: PluginImage, hold?: () => () => void, state?: Bytes): Promise<undefined>;
  capture(plugin: string): Promise<Bytes | undefined>;
  /** Of its process; undefined where it has none of its own, or the system does not say. */
  residentBytes?(): number | undefined;
}

export interface SupervisedCellPorts {
  readonly clock: Clock;
  readonly log: LogSink;
  /** Begins a life that is for these plugins, which are loaded next. */
  spawn(plugins: readonly PluginImage[]): LiveCell;
}

const PING_INTERVAL_MS = 250;
// Eight slices of guests, a garbage collection and a busy machine lie between a ping and its answer.
const PING_TIMEOUT_MS = 2_000;
// Until it answers for the first time it has no module and is only booting, which takes long while plugins that hang use every core.
const BOOT_TIMEOUT_MS = 20_000;
// Its pings say that its event loop runs, and nothing of whether it means to answer. The largest module compiles in a tenth of this on a busy machine.
const LOAD_TIMEOUT_MS = 120_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;
// A cell that has lived this long starts its count of deaths anew.
const STABLE_MS = 60_000;
// With more deaths in a row the plugins of the cell are failed; who restarts them restarts it.
const MAX_DEATHS = 6;

export class SupervisedCell implements Cell {
  readonly #ports: SupervisedCellPorts;
  readonly #loaded = new Map<string, { readonly image: PluginImage; readonly hold: (() => () => void) | undefined }>();
  #ended = Promise.withResolvers<HostError>();
  #live: LiveCell | undefined;
  /** Lets the mailboxes go on; there while a life that will begin in a moment is waited for. */
  #release: (() => void) | undefined;
  #deaths = 0;
  #bornAt = 0;
  /** When the next life begins; undefined while there is one, or none is needed. */
  #restartAt: number | undefined;
  #cancelRestart: () => void = () => {};
  /** Resolves when the next life has begun, or is not waited for any more. */
  #restarted: PromiseWithResolvers<void> | undefined;
  /** Why it is down for good, or until somebody loads a plugin again. */
  #closed: HostError | undefined;
  #disposed = false;
  #restarts = 0;

  constructor(ports: SupervisedCellPorts) {
    this.#ports = ports;
  }

  get ended(): Promise<HostError> {
    return this.#ended.promise;
  }

  /** How often the cell was replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Of the process that it runs in now. */
  get residentBytes(): number | undefined {
    return this.#live?.residentBytes?.();
  }

  /** With `state` it goes on from there, or is not loaded; after a death of the cell it begins anew. */
  async load(image: PluginImage, hold?: () => () => void, state?: Bytes): Promise<undefined> {
    // A life that it began beside the one that is about to begin would be left alone by it, with the plugin in both.
    while (this.#restarted !== undefined) await this.#restarted.promise;
    if (this.#disposed) throw this.#closed;
    if (this.#closed !== undefined) this.#beginAnew();
    if (this.#loaded.has(image.name)) throw new HostError("conflict", `${image.name} is loaded in this cell already`);
    this.#loaded.set(image.name, { image, hold });
    try {
      await this.#loadInto(this.#live ?? this.#spawn(), image, state);
    } catch (thrown) {
      this.#loaded.delete(image.name);
      if (this.#loaded.size === 0) await this.#endLife();
      throw toHostError(thrown);
    }
  }

  run(turn: Turn): void {
    if (this.#live !== undefined && this.#restartAt === undefined) this.#live.run(turn);
    else this.#refuse(turn);
  }

  async profile(plugin: string, on: boolean): Promise<readonly ProfiledStack[]> {
    return this.#live?.profile?.(plugin, on) ?? [];
  }

  async replay(plugin: string, played: Bytes): Promise<void> {
    if (this.#live?.replay === undefined) throw new HostError("plugin-not-running", `the cell of ${plugin} is down`);
    await this.#live.replay(plugin, played);
  }

  async capture(plugin: string): Promise<Bytes | undefined> {
    return this.#live?.capture(plugin);
  }

  async unload(plugin: string): Promise<undefined> {
    if (!this.#loaded.delete(plugin)) return;
    if (this.#live !== undefined) await this.#live.unload(plugin);
    if (this.#loaded.size === 0) await this.#endLife();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#close(new HostError("plugin-not-running", "the cell was closed"));
    await this.#endLife();
  }

  // Without plugins there is nothing to keep alive; the next load begins a new life.
  async #endLife(): Promise<void> {
    const live = this.#live;
    this.#live = undefined;
    this.#endWaiting();
    await live?.[Symbol.asyncDispose]();
  }

  // For the next life: it has begun, or will not.
  #endWaiting(): void {
    this.#cancelRestart();
    this.#restartAt = undefined;
    this.#restarted?.resolve();
    this.#restarted = undefined;
    this.#release?.();
  }

  // After it has given up, its plugins have failed; whoever loads one again wants another try.
  #beginAnew(): void {
    this.#closed = undefined;
    this.#deaths = 0;
    this.#loaded.clear();
    this.#ended = Promise.withResolvers();
  }

  #spawn(): LiveCell {
    const live = this.#ports.spawn([...this.#loaded.values()].map(({ image }) => image));
    this.#live = live;
    this.#bornAt = this.#ports.clock.monotonicMs();
    void live.ended.then((error) => this.#onDeath(live, error));
    this.#watch(live);
    return live;
  }

  #watch(live: LiveCell): void {
    const { clock } = this.#ports;
    let answered = true;
    let patienceMs = BOOT_TIMEOUT_MS;
    let askedAt = clock.monotonicMs();
    let lookedAt = askedAt;
    // The first question goes out before any module does, so its answer is the cell's own.
    const ask = (): void => {
      answered = false;
      live.ping().then(
        () => {
          answered = true;
          patienceMs = PING_TIMEOUT_MS;
        },
        () => {},
      );
    };
    const look = (): void => {
      if (this.#live !== live) return;
      const now = clock.monotonicMs();
      // A host that was held up itself, or a machine that slept, says nothing about the cell.
      const lateMs = now - lookedAt - PING_INTERVAL_MS;
      lookedAt = now;
      if (lateMs > PING_INTERVAL_MS) askedAt += lateMs;
      if (answered) {
        askedAt = now;
        ask();
      } else if (now - askedAt > patienceMs) {
        live.kill(new HostError("plugin-failed", `the cell of this plugin did not answer for ${patienceMs} ms and was killed`));
        return;
      }
      clock.after(PING_INTERVAL_MS, look);
    };
    ask();
    clock.after(PING_INTERVAL_MS, look);
  }

  #onDeath(live: LiveCell | undefined, error: HostError): void {
    if (this.#live !== live) return;
    this.#live = undefined;
    const { clock, log } = this.#ports;
    if (clock.monotonicMs() - this.#bornAt > STABLE_MS) this.#deaths = 0;
    this.#deaths += 1;
    const names = [...this.#loaded.keys()].join(", ");
    log.write({
      level: "error",
      plugin: "host",
      about: names,
      message: `the cell of ${names} died: ${error.message}`,
      cause: error.detail ?? error.cause,
    });
    if (this.#loaded.size === 0 || this.#closed !== undefined) return;
    if (this.#deaths > MAX_DEATHS) {
      this.#close(new HostError("plugin-failed", `the cell of this plugin died ${this.#deaths} times in a row; last: ${error.message}`));
      return;
    }
    const backoff = this.#deaths === 1 ? 0 : Math.min(FIRST_BACKOFF_MS * 2 ** (this.#deaths - 1), MAX_BACKOFF_MS);
    const delayMs = backoff * (0.5 + Math.random() / 2);
    this.#restartAt = clock.monotonicMs() + delayMs;
    this.#restarted ??= Promise.withResolvers();
    // A replacement is a matter of a tenth of a second; what would have to wait longer is refused, so that callers do not hang.
    if (delayMs <= FIRST_BACKOFF_MS) this.#holdAll();
    else this.#release?.();
    this.#cancelRestart = clock.after(delayMs, () => void this.#restart());
  }

  async #restart(): Promise<void> {
    this.#restarts += 1;
    this.#bornAt = this.#ports.clock.monotonicMs();
    let live: LiveCell;
    try {
      live = this.#spawn();
    } catch (thrown) {
      // No room, or no file left: nobody waits for this, so the host would end by it.
      this.#onDeath(undefined, toHostError(thrown));
      return;
    }
    this.#holdAll();
    const loading = [...this.#loaded.values()].map(({ image }) =>
      this.#loadInto(live, image).catch((thrown) => {
        const cause = toHostError(thrown);
        this.#ports.log.write({
          level: "error",
          plugin: image.name,
          message: `it was not loaded again: ${cause.message}`,
          cause: cause.detail,
        });
        // Nobody shares it, so it is tried again, and in the end its plugin fails: else that would seem to run with nothing loaded.
        if (this.#live === live && this.#loaded.size === 1) live.kill(cause);
      }),
    );
    await Promise.all(loading);
    if (this.#live === live) this.#endWaiting();
  }

  async #loadInto(live: LiveCell, image: PluginImage, state?: Bytes): Promise<void> {
    const message = `the cell did not load ${image.name} within ${LOAD_TIMEOUT_MS} ms and was killed`;
    const cancel = this.#ports.clock.after(LOAD_TIMEOUT_MS, () => live.kill(new HostError("plugin-failed", message)));
    await live.load(image, undefined, state).finally(cancel);
  }

  #holdAll(): void {
    if (this.#release !== undefined) return;
    const releases = [...this.#loaded.values()].flatMap(({ hold }) => (hold === undefined ? [] : [hold()]));
    this.#release = () => {
      this.#release = undefined;
      for (const release of releases) release();
    };
  }

  #waitMs(): number {
    return Math.max(0, (this.#restartAt ?? Number.POSITIVE_INFINITY) - this.#ports.clock.monotonicMs());
  }

  #close(error: HostError): void {
    this.#closed ??= error;
    this.#ended.resolve(error);
    this.#endWaiting();
  }

  // Later, as for every other turn: a plugin hands over its next turn as soon as one ends.
  #refuse(turn: Turn): void {
    const wait = this.#waitMs();
    const when = Number.isFinite(wait) ? `; it starts again in ${Math.ceil(wait)} ms` : "";
    const error = this.#closed ?? new HostError("plugin-not-running", `the cell of ${turn.plugin} is down${when}`);
    queueMicrotask(() => turn.end({ ok: false, error, usage: NO_USAGE }));
  }
}
