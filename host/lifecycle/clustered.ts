// Which driver a section of the configuration chooses where hosts share NATS servers: cluster.nats says once for all of them where those are.

import { HostError } from "../core/errors.ts";
import { type NatsOptions, natsOptions } from "../drivers/nats/options.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { chosenDriver, optionsOf, type Section } from "./sections.ts";

const NATS = "nats";

/** `alone` is what nobody has to name on a host of its own, `together` where `cluster.nats` is given. Throws HostError `invalid-message`. */
export function chosenInCluster(
  { cluster }: Pick<Configuration, "cluster">,
  section: Section,
  { alone, together }: { readonly alone: string; readonly together: string },
): ReturnType<typeof chosenDriver> {
  const servers = cluster?.nats;
  const { name, options } = chosenDriver(section, servers === undefined ? alone : together);
  if (name !== NATS || servers === undefined) return { name, options };
  const key = section.value === undefined ? "cluster.nats" : options.key;
  return { name, options: { key, value: { ...servers, ...Object(options.value) } } };
}

/** How the servers of `cluster.nats` are reached. Throws HostError `invalid-message`, also where there is none. */
export function serversOfCluster({ cluster }: Pick<Configuration, "cluster">): NatsOptions {
  if (cluster?.nats !== undefined) return optionsOf(natsOptions, { key: "cluster.nats", value: cluster.nats });
  throw new HostError(
    "invalid-message",
    'the configuration names no NATS servers; write "cluster": {"host": "…", "nats": {"servers": ["nats://127.0.0.1:4222"]}}',
  );
}
