// Hosts of one process as peers of each other, for programs that embed several and for tests, which cut and freeze them.

import { setImmediate } from "node:timers";
import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { Bytes } from "../../core/types.ts";
import type { Driver, PeerChannel, Peers, PeersOpening } from "../../seams.ts";

export interface MemoryPeersOptions {
  /** Hosts of the process that have the same one are a cluster. */
  readonly network: string;
}

/** As much as a server of NATS takes unless it is told otherwise. */
const MAX_BYTES = 1024 * 1024;

export const memory: Driver<Peers, MemoryPeersOptions, PeersOpening> = {
  name: "memory",
  options: z.strictObject({ network: z.string().min(1).max(128).default("default") }),
  open: async ({ host, clock, log }, { network }) => memoryNetwork(network).join(host, { clock, log }),
};

const networks = new Map<string, MemoryNetwork>();

/** The one with this name, while a host is in it or somebody keeps it. */
export function memoryNetwork(name: string): MemoryNetwork {
  const found = networks.get(name) ?? new MemoryNetwork(() => networks.delete(name));
  networks.set(name, found);
  return found;
}

type Answer = Parameters<Peers["answer"]>[0];

interface MemberPorts {
  readonly clock: Clock;
  readonly log: LogSink;
}

export class MemoryNetwork {
  readonly #members = new Map<string, MemoryPeers>();
  readonly #cut = new Set<string>();
  /** What waits for hosts that stand still, in order. */
  readonly #frozen = new Map<string, (() => void)[]>();
  readonly #onEmpty: () => void;
  #delayMs = 0;

  constructor(onEmpty: () => void = () => {}) {
    this.#onEmpty = onEmpty;
  }

  /** Throws HostError `conflict` for a name that is there already. */
  join(host: string, ports: MemberPorts): MemoryPeers {
    if (this.#members.has(host))
      throw new HostError("conflict", `a host ${host} is in the cluster already; give this one another name (cluster.host)`);
    const joined = new MemoryPeers(host, this, ports);
    this.#members.set(host, joined);
    return joined;
  }

  leave(host: string): void {
    this.#members.delete(host);
    this.#frozen.delete(host);
    if (this.#members.size === 0) this.#onEmpty();
  }

  others(host: string): MemoryPeers[] {
    return [...this.#members.values()].filter((one) => one.host !== host && !this.isCut(host, one.host));
  }

  member(host: string): MemoryPeers | undefined {
    return this.#members.get(host);
  }

  /** From now on nothing comes from one to the other, nor back; an answer that is under way is lost. */
  cut(one: string, other: string): void {
    this.#cut.add(linkOf(one, other));
  }

  heal(one: string, other: string): void {
    this.#cut.delete(linkOf(one, other));
  }

  isCut(one: string, other: string): boolean {
    return this.#cut.has(linkOf(one, other));
  }

  /** The host stands still: what it sends and what is sent to it waits until `thaw`. */
  freeze(host: string): void {
    if (!this.#frozen.has(host)) this.#frozen.set(host, []);
  }

  thaw(host: string): void {
    const waiting = this.#frozen.get(host) ?? [];
    this.#frozen.delete(host);
    for (const deliver of waiting) deliver();
  }

  /** Whatever is sent from now on takes so long, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Calls `deliver` later, unless the link is cut then. */
  carry(from: string, to: string, clock: Clock, deliver: () => void): void {
    const arrive = (): void => {
      const waiting = this.#frozen.get(from) ?? this.#frozen.get(to);
      if (waiting !== undefined) waiting.push(arrive);
      else if (!this.isCut(from, to) && this.#members.has(to)) deliver();
    };
    if (this.#delayMs > 0) clock.after(this.#delayMs, arrive);
    else setImmediate(arrive);
  }
}

const linkOf = (one: string, other: string): string => [one, other].sort().join(" ");

class MemoryPeers implements Peers, AsyncDisposable {
  readonly host: string;
  readonly maxBytes: number = MAX_BYTES;
  readonly #network: MemoryNetwork;
  readonly #ports: MemberPorts;
  readonly #listeners: Readonly<Record<PeerChannel, Set<Parameters<Peers["hear"]>[1]>>> = { beats: new Set(), events: new Set() };
  #answer: Answer | undefined;

  constructor(host: string, network: MemoryNetwork, ports: MemberPorts) {
    this.host = host;
    this.#network = network;
    this.#ports = ports;
  }

  broadcast(channel: PeerChannel, message: Bytes): void {
    if (message.length > MAX_BYTES) {
      this.#ports.log.write({
        level: "warning",
        plugin: "host",
        message: `${message.length} bytes for other hosts are dropped; the limit is ${MAX_BYTES}`,
      });
      return;
    }
    for (const other of this.#network.others(this.host)) {
      const copy = message.slice();
      this.#network.carry(this.host, other.host, this.#ports.clock, () => other.told(channel, this.host, copy));
    }
  }

  told(channel: PeerChannel, from: string, message: Bytes): void {
    for (const listener of this.#listeners[channel]) listener(from, message);
  }

  hear(channel: PeerChannel, listener: (from: string, message: Bytes) => void): () => void {
    this.#listeners[channel].add(listener);
    return () => this.#listeners[channel].delete(listener);
  }

  answer(give: Answer): () => void {
    this.#answer = give;
    return () => {
      if (this.#answer === give) this.#answer = undefined;
    };
  }

  async ask(host: string, request: Bytes, signal: AbortSignal): Promise<Bytes> {
    if (request.length > MAX_BYTES)
      throw new HostError("quota-exceeded", `a request to ${host} has ${request.length} bytes; the limit is ${MAX_BYTES}`);
    if (signal.aborted) throw gaveUp(host);
    const other = this.#network.member(host);
    if (other === undefined || this.#network.isCut(this.host, host) || other.#answer === undefined)
      throw new HostError("host-unreachable", `the host ${host} cannot be reached`);
    const { promise, resolve, reject } = Promise.withResolvers<Bytes>();
    const cancelled = new AbortController();
    const cancel = (): void => {
      this.#network.carry(this.host, host, this.#ports.clock, () => cancelled.abort());
      reject(gaveUp(host));
    };
    signal.addEventListener("abort", cancel, { once: true });
    const copy = request.slice();
    this.#network.carry(this.host, host, this.#ports.clock, () => void other.#asked(this, copy, cancelled.signal, { resolve, reject }));
    return promise.finally(() => signal.removeEventListener("abort", cancel));
  }

  async #asked(
    asker: MemoryPeers,
    request: Bytes,
    signal: AbortSignal,
    { resolve, reject }: Pick<PromiseWithResolvers<Bytes>, "resolve" | "reject">,
  ): Promise<void> {
    const give = this.#answer;
    const back = (deliver: () => void): void => this.#network.carry(this.host, asker.host, this.#ports.clock, deliver);
    if (give === undefined) {
      back(() => reject(new HostError("host-unreachable", `the host ${this.host} does not answer any more`)));
      return;
    }
    try {
      const answer = await give(asker.host, request, signal);
      if (answer.length > MAX_BYTES)
        throw new HostError("quota-exceeded", `an answer has ${answer.length} bytes; the limit is ${MAX_BYTES}`);
      const copy = answer.slice();
      back(() => resolve(copy));
    } catch (cause) {
      back(() => reject(new HostError("host-lost", `the host ${this.host} gave no answer`, { cause })));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#answer = undefined;
    this.#network.leave(this.host);
  }
}

const gaveUp = (host: string): HostError => new HostError("deadline-exceeded", `nobody waits for the host ${host} any more`);
