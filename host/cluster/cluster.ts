// This host among others: it tells them what it provides, asks them for what it does not, and answers what they ask. Knows no way by which that is carried.

import type { Host } from "../core/host.ts";
import { type PermissionPorts, Permissions } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { ProvidedService } from "../core/service-registry.ts";
import type { CatalogService, Peers } from "../seams.ts";
import { OwnServices } from "./announcing.ts";
import { Answering } from "./answering.ts";
import { Directory, type RemoteService } from "./directory.ts";
import { Membership } from "./membership.ts";
import { RemoteEvents } from "./remote-events.ts";
import { RemoteProvider } from "./remote-provider.ts";

export interface ClusterPorts {
  readonly core: () => Host;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly permissions: PermissionPorts;
  readonly beatMs: number;
  /** Of plugins that are not here, patterns of the services that they may call. */
  readonly callers: Readonly<Record<string, readonly string[]>>;
  /** Those that this host provides itself. */
  readonly services: () => readonly CatalogService[];
  readonly random?: (() => number) | undefined;
}

export class Cluster implements AsyncDisposable {
  readonly membership: Membership;
  readonly #ports: ClusterPorts;
  readonly #directory: Directory;
  readonly #own: OwnServices;
  readonly #callers: ReadonlyMap<string, Permissions>;
  readonly #provided = new WeakMap<RemoteService, ProvidedService>();
  readonly #undo: (() => void)[] = [];

  constructor(ports: ClusterPorts) {
    const { core, peers, clock, log, services, beatMs, callers, permissions } = ports;
    this.#ports = ports;
    const load = (): number => core().plugins.reduce((sum, { queued }) => sum + queued, 0);
    this.membership = new Membership({ peers, clock, log, beatMs, load });
    this.#directory = new Directory(this.membership);
    this.#own = new OwnServices({ core, log, services, maxBytes: peers.maxBytes });
    this.#callers = new Map(Object.entries(callers).map(([name, resources]) => [name, permissionsOf(name, resources, permissions)]));
  }

  /** Where a service is that this host does not provide. */
  readonly elsewhere = (service: string): ProvidedService | undefined => {
    const found = this.#directory.find(service);
    if (found === undefined) return undefined;
    const known = this.#provided.get(found) ?? this.#providedBy(found);
    this.#provided.set(found, known);
    return known;
  };

  /** Those of other hosts. */
  get services(): readonly CatalogService[] {
    return this.#directory.catalog();
  }

  /** Tells when other hosts come, go or provide something else; returns its undo. */
  onChange(listener: () => void): () => void {
    return this.membership.onChange(listener);
  }

  /** Begins to answer and to be known. When it is disposed of nobody new asks; what was asked for is still answered, and this host can still ask. */
  start(): Disposable {
    const { core, clock, log, peers } = this.#ports;
    const changed = (): void => {
      this.#own.changed();
      this.membership.announce();
    };
    const permissionsFor = (plugin: string): Permissions | undefined => core().plugin(plugin)?.permissions ?? this.#callers.get(plugin);
    const ports = { core, clock, log, peers, membership: this.membership, own: this.#own, permissionsOf: permissionsFor };
    const answering = new Answering(ports);
    this.#undo.push(
      peers.answer((from, request, signal) => answering.answer(from, request, signal)),
      core().observe({ plugins: changed, state: changed }),
      new RemoteEvents(ports).start(),
    );
    this.membership.start();
    return { [Symbol.dispose]: () => this.membership.leave() };
  }

  /** Says that this host is gone. Calls that others have not answered by then are lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.membership.stop();
    for (const one of this.#undo.splice(0)) one();
  }

  #providedBy(service: RemoteService): ProvidedService {
    const { peers, clock, random = Math.random } = this.#ports;
    const calling = { peers, clock, random, membership: this.membership, directory: this.#directory };
    // Its turns enter under the name by which it is asked for.
    return { provider: new RemoteProvider(service, calling), definition: { name: service.name, entryPoint: service.name } };
  }
}

function permissionsOf(name: string, services: readonly string[], ports: PermissionPorts): Permissions {
  const grants = services.map((resource) => ({ permission: "services.call", resource }));
  return new Permissions(name, grants, grants, ports);
}
