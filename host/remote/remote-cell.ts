// The cell of one remote plugin: as long as nobody has connected for it, it cannot be loaded; what is loaded lives as long as the session. The executor is that of every
// cell, in the host's own thread, since nothing of the plugin runs there.

import { LogLimit } from "../bounds/log-limit.ts";
import { digestOfModule } from "../bounds/module-digest.ts";
import { Executor } from "../cell/inside/executor.ts";
import { CellClient } from "../cell/outside/client.ts";
import type { KeepingCell } from "../cell/outside/hibernating-cell.ts";
import { connect } from "../cell/outside/inline-cell.ts";
import type { Channel, ToCell } from "../cell/wire/protocol.ts";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Turn } from "../core/ports/cell.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { StorageDriver } from "../core/ports/storage.ts";
import { type Bytes, NO_USAGE, type PluginImage } from "../core/types.ts";
import type { Hello } from "./remote_pb.ts";
import { type Peer, remoteEngine } from "./remote-engine.ts";
import type { Session, SessionLimits } from "./session.ts";

export interface RemoteCellPorts {
  readonly name: string;
  readonly clock: Clock;
  readonly log: LogSink;
  openStorage(image: PluginImage): StorageDriver;
  /** Somebody is there for it, and waits. */
  onArrival(plugin: string): void;
}

/** Steps of its life are the plugin's own affair. */
const LIFE: ReadonlySet<string> = new Set(["on_load", "on_start", "on_stop", "on_unload"]);
/** How often somebody may say Hello for it in a minute. */
const HELLOS_PER_MINUTE = 120;
const MINUTE_MS = 60_000;

interface Life {
  readonly peer: Peer;
  readonly client: CellClient;
  readonly channel: Channel<ToCell, unknown>;
}

export class RemoteCell implements KeepingCell {
  readonly #ports: RemoteCellPorts;
  /** What was to be loaded last. */
  #image: PluginImage | undefined;
  /** Whether a peer has been there for it: another comes soon. */
  #wasThere = false;
  /** Who has connected, whether it is loaded or waits. */
  #peer: Peer | undefined;
  #life: Life | undefined;
  #ended = Promise.withResolvers<HostError>();
  #log: LogLimit | undefined;
  #hellos: number[] = [];
  #arrived: (() => void) | undefined;

  constructor(ports: RemoteCellPorts) {
    this.#ports = ports;
  }

  get ended(): Promise<HostError> {
    return this.#ended.promise;
  }

  get isConnected(): boolean {
    return this.#peer !== undefined;
  }

  /** Takes the session of a peer. Throws HostError with what the peer and the log are told. */
  admit(hello: Hello, session: Session): SessionLimits {
    const { name, clock } = this.#ports;
    const image = this.#image;
    if (image === undefined) throw new HostError("plugin-not-running", `${name} does not run on this host at present`);
    const now = clock.monotonicMs();
    this.#hellos = this.#hellos.filter((at) => now - at < MINUTE_MS);
    if (this.#hellos.length >= HELLOS_PER_MINUTE)
      throw new HostError("rate-limited", `somebody has connected for ${name} ${HELLOS_PER_MINUTE} times in a minute, which is the limit`);
    this.#hellos.push(now);
    requireSame(hello, image);
    if (this.#peer !== undefined && !this.#peer.session.isSilent)
      throw new HostError("conflict", `${name} has a session already; one that is silent makes room`);
    this.#peer?.session.cut(new HostError("conflict", "it was silent, and another took its place"));
    const peer = { session, entryPoints: new Set(hello.entryPoints) };
    this.#peer = peer;
    session.onLost((why) => this.#lost(peer, why));
    this.#arrived?.();
    this.#ports.onArrival(name);
    const { payloadBytes, hostCalls } = image.limits;
    return { payloadBytes, hostCalls };
  }

  /** Ends the session, if there is one. */
  cut(error: HostError): void {
    this.#peer?.session.cut(error);
  }

  /** Rejects with `plugin-not-running` while nobody has connected for it. */
  async load(image: PluginImage): Promise<undefined> {
    if (this.#image !== undefined && digestOfModule(this.#image.module) !== digestOfModule(image.module))
      this.#peer?.session.drain(`${image.name} is exchanged for ${printable(image.name)} of another manifest`);
    this.#image = image;
    this.#log ??= new LogLimit(this.#ports.clock, image.limits.logBytesPerMinute);
    const peer = this.#peer ?? (await this.#arrival(image));
    this.#wasThere = true;
    this.#ended = Promise.withResolvers();
    const life = this.#begin(peer);
    this.#life = life;
    await life.client.load(image);
  }

  run(turn: Turn): void {
    if (this.#life !== undefined) this.#life.client.run(turn);
    else queueMicrotask(() => turn.end({ ok: false, error: waits(turn.plugin), usage: NO_USAGE }));
  }

  async capture(): Promise<Bytes | undefined> {
    return undefined;
  }

  /** The peer is told, and its session ends. */
  async unload(plugin: string): Promise<undefined> {
    const life = this.#life;
    this.#life = undefined;
    await life?.client.unload(plugin);
    await life?.client[Symbol.asyncDispose]();
    life?.peer.session.drain(`${plugin} was stopped by its host`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#image = undefined;
    await this.unload(this.#ports.name);
    this.#peer?.session.drain("the host stops");
    this.#ended.resolve(new HostError("plugin-not-running", "the cell was closed"));
  }

  /** One that was there before has a moment to come again: it was told to, or was restarted. */
  async #arrival({ name, limits }: PluginImage): Promise<Peer> {
    const { clock } = this.#ports;
    if (this.#wasThere)
      await new Promise<void>((resolve) => {
        const cancel = clock.after(limits.startMs, resolve);
        this.#arrived = () => {
          cancel();
          resolve();
        };
      });
    this.#arrived = undefined;
    if (this.#peer === undefined) throw waits(name);
    return this.#peer;
  }

  #begin(peer: Peer): Life {
    const { clock, openStorage } = this.#ports;
    const [hostEnd, cellEnd] = connect();
    new Executor({ channel: cellEnd, engine: async () => remoteEngine(peer), clock, openStorage, onClose: () => {} });
    const client = new CellClient({ channel: hostEnd, clock, log: this.#boundedLog(), ended: async () => {} });
    return { peer, client, channel: hostEnd };
  }

  // A new session is no new budget.
  #boundedLog(): LogSink {
    const { log } = this.#ports;
    return {
      write: (line) => {
        if (this.#log?.judge(line.message) !== "drop") log.write(line);
      },
    };
  }

  #lost(peer: Peer, why: HostError): void {
    if (this.#peer === peer) this.#peer = undefined;
    const life = this.#life;
    if (life?.peer !== peer) return;
    this.#life = undefined;
    const { name } = this.#ports;
    // Turns that have not begun are refused, and may come again; the one that runs has failed.
    life.channel.send({ kind: "close", id: 0 });
    life.client.die(new HostError("plugin-failed", `the peer of ${name} is gone: ${why.message}`));
    // After those have heard of it whose turns these were.
    const { resolve } = this.#ended;
    queueMicrotask(() => resolve(waits(name, why.message)));
  }
}

function waits(name: string, why?: string): HostError {
  const since = why === undefined ? "nothing has connected for it" : `the last session ended: ${why}`;
  return new HostError("plugin-not-running", `${name} waits for its peer; ${since}`);
}

/** Throws HostError for a peer that is not the plugin that the operator consented to. */
function requireSame(hello: Hello, { name, version, api, module, entryPoints }: PluginImage & { readonly version?: string }): void {
  if (api !== undefined && hello.api !== api)
    throw new HostError("incompatible-api", `it speaks api "${printable(hello.api)}", and the manifest of ${name} says "${api}"`);
  const digest = digestOfModule(module);
  const offered = Buffer.from(hello.manifestSha256).toString("hex");
  if (offered !== digest)
    throw new HostError(
      "admission-refused",
      `it has another plugin.json than the one that was installed for ${name}: SHA-256 ${printable(offered)}, not ${digest}`,
    );
  if (version !== undefined && hello.version !== version)
    throw new HostError("admission-refused", `it says that it is ${name} ${printable(hello.version)}; ${version} is installed`);
  const offers = new Set(hello.entryPoints);
  const missing = entryPoints.find((entryPoint) => !offers.has(entryPoint) && !LIFE.has(entryPoint));
  if (missing !== undefined)
    throw new HostError("admission-refused", `it does not offer the entry point ${missing}, which the manifest of ${name} names`);
}
