// This host among others, where the configuration says so; else nothing of it is loaded.

import type { Cluster } from "../cluster/cluster.ts";
import type { Host } from "../core/host.ts";
import type { PermissionPorts } from "../core/permissions.ts";
import { PEERS_DRIVERS } from "../drivers/index.ts";
import type { Configuration } from "../manifest/configuration.ts";
import type { CatalogService, Opening } from "../seams.ts";
import { chosenInCluster } from "./clustered.ts";
import { openDriver } from "./drivers.ts";

export interface ClusterParts {
  readonly core: () => Host;
  readonly permissions: PermissionPorts;
  /** Those that this host provides itself. */
  readonly services: () => readonly CatalogService[];
}

/** Reaches the other hosts, and asks and answers nobody yet. Undefined without `cluster` in the configuration. Rejects with HostError. */
export async function openCluster(
  configuration: Configuration,
  opening: Opening,
  parts: ClusterParts,
  booting: AsyncDisposableStack,
): Promise<Cluster | undefined> {
  if (configuration.cluster === undefined) return undefined;
  const { host, peers: value, beatMs, callers } = configuration.cluster;
  const section = chosenInCluster(configuration, { key: "cluster.peers", value }, { alone: "memory", together: "nats" });
  const peers = booting.use(await openDriver(PEERS_DRIVERS, section, configuration, { ...opening, host }));
  const { Cluster } = await import("../cluster/cluster.ts");
  return booting.use(new Cluster({ ...parts, peers, beatMs, callers, clock: opening.clock, log: opening.log }));
}
