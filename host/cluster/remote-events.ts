// Plain events from host to host: at most once, after those who listen here have them, and to hosts only whose plugins subscribe to them. What came from another host
// is told to nobody else.

import { requireEvent } from "../bounds/published.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { compilePattern, isOwnName, type Matcher, printable } from "../core/names.ts";
import type { Permissions } from "../core/permissions.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Bytes, CloudEvent } from "../core/types.ts";
import type { Peers } from "../seams.ts";
import { decodeFrame, encodeFrame } from "./frames.ts";
import type { Member, Membership } from "./membership.ts";
import { readEvent } from "./words.ts";

const OF_PLUGINS = "/plugins/";
/** What the host says of itself stays where it is. */
const TRAVELS = /^\/(plugins|adapters|providers)\//;

export interface RemoteEventsPorts {
  readonly core: () => Host;
  readonly log: LogSink;
  readonly peers: Peers;
  readonly membership: Membership;
  permissionsOf(plugin: string): Permissions | undefined;
}

export class RemoteEvents {
  readonly #ports: RemoteEventsPorts;
  readonly #fromOthers = new WeakSet<CloudEvent>();
  #wanted: readonly Matcher[] | undefined;
  #hasTold = false;

  constructor(ports: RemoteEventsPorts) {
    this.#ports = ports;
  }

  /** Returns its undo. */
  start(): () => void {
    const { core, peers, membership } = this.#ports;
    const undo = [
      membership.onChange(() => {
        this.#wanted = undefined;
      }),
      core().observe({ event: (event) => this.#tellOthers(event) }),
      peers.hear("events", (from, message) => void this.#heard(from, message)),
    ];
    return () => {
      for (const one of undo) one();
    };
  }

  #tellOthers(event: CloudEvent): void {
    if (this.#fromOthers.has(event) || !TRAVELS.test(event.source) || !this.#isWanted(event.type)) return;
    const { id, source, type, time, traceparent, contentType, data } = event;
    this.#ports.peers.broadcast("events", encodeFrame({ id, source, type, time, traceparent, contentType }, data));
  }

  #isWanted(type: string): boolean {
    this.#wanted ??= [...new Set([...this.#ports.membership.members.values()].flatMap(({ announced }) => announced.hears))].map(
      compilePattern,
    );
    return this.#wanted.some((matches) => matches(type));
  }

  async #heard(from: string, message: Bytes): Promise<void> {
    if (from === this.#ports.peers.host) return;
    try {
      const frame = decodeFrame(message);
      const { id, source, type, time, traceparent, contentType } = readEvent(frame);
      const event: CloudEvent = { id, source, type, time, traceparent, contentType, data: frame.payload.slice() };
      const checking = requireEvent(event);
      if (checking instanceof Promise) await checking;
      this.#requireSource(event, this.#ports.membership.members.get(from));
      this.#fromOthers.add(event);
      await this.#ports.core().handOut(event);
    } catch (thrown) {
      this.#refused(from, toHostError(thrown));
    }
  }

  /** Throws HostError `permission-denied` for an event that its source does not publish on that host, or may not by what is granted here. */
  #requireSource({ source, type }: CloudEvent, member: Member | undefined): void {
    if (member === undefined) throw new HostError("permission-denied", "it is not known here");
    if (!source.startsWith(OF_PLUGINS)) return;
    const plugin = source.slice(OF_PLUGINS.length);
    if (!member.announced.plugins.includes(plugin)) throw new HostError("permission-denied", `${printable(plugin)} does not run there`);
    if (isOwnName(plugin, type)) return;
    if (this.#ports.permissionsOf(plugin)?.allows("events.publish", type) === true) return;
    throw new HostError("permission-denied", `${printable(plugin)} may not publish ${type} here`);
  }

  // One line, however many there are.
  #refused(from: string, { message }: HostError): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    const rest = "this is told once";
    this.#ports.log.write({
      level: "warning",
      plugin: "host",
      message: `an event of the host ${printable(from)} is dropped: ${message}; ${rest}`,
    });
  }
}
