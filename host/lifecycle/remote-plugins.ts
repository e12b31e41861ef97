// Remote plugins of a running host: the door by which they come, and what their coming does. Loaded where the configuration wants it.

import type { RemoteTokenStore } from "../admin/remote-tokens.ts";
import { isLoopback } from "../bounds/loopback.ts";
import type { OwnListeners } from "../bounds/own-listeners.ts";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { REMOTE_PACKAGES } from "../manifest/remote-plugins.ts";
import type { RemotePeers } from "../remote/peers.ts";
import type { RemoteServer } from "../remote/server.ts";
import type { Tls } from "../seams.ts";
import { openOurs } from "./foreign.ts";

export interface RemotePluginsPorts {
  readonly configuration: Pick<Configuration, "remotePlugins" | "tls">;
  readonly clock: Clock;
  readonly log: LogSink;
}

export interface RemotePlugins {
  readonly peers: RemotePeers;
  /** Begins to listen, once the plugins are there. Rejects with HostError. */
  start(ports: StartPorts): Promise<RemoteServer>;
}

interface StartPorts {
  readonly core: Host;
  readonly tls: Tls | undefined;
  readonly tokens: Pick<RemoteTokenStore, "check" | "onRevoked">;
  readonly listeners: OwnListeners;
  /** Starts a plugin that waits for its peer. Rejects with HostError. */
  startPlugin(name: string): Promise<void>;
  isReady(): boolean;
}

/** Undefined where the configuration has no remotePlugins. Rejects with HostError `invalid-message` where it may not listen, or packages are missing. */
export async function openRemotePlugins({ configuration, clock, log }: RemotePluginsPorts): Promise<RemotePlugins | undefined> {
  const options = configuration.remotePlugins;
  if (options === undefined) return undefined;
  requireListenable(options.host, configuration);
  const [{ RemotePeers }, { startRemoteServer }] = await openOurs({ name: "remotePlugins", packages: REMOTE_PACKAGES }, () =>
    Promise.all([import("../remote/peers.ts"), import("../remote/server.ts")]),
  );
  const peers = new RemotePeers({ clock, log });
  return {
    peers,
    async start({ core, tls, tokens, listeners, startPlugin, isReady }) {
      peers.onArrival = (name) => {
        // One that was taken out while its certificate lives on.
        if (core.plugin(name) === undefined) peers.cut(name, new HostError("plugin-not-running", `${name} is not here any more`));
        else void startWaiting(name, { core, log, startPlugin });
      };
      const server = await startRemoteServer({
        ...{ options, clock, log, tls, peers, isReady },
        check: (token) => tokens.check(token),
        onRevoked: (listener) => tokens.onRevoked(listener),
      });
      listeners.addAddress(server.url);
      return server;
    },
  };
}

/** Who waits for its peer is `failed` with `plugin-not-running`; whoever failed otherwise is another's affair. */
async function startWaiting(
  name: string,
  { core, log, startPlugin }: Pick<StartPorts, "core" | "startPlugin"> & { readonly log: LogSink },
): Promise<void> {
  const plugin = core.plugin(name);
  await plugin?.settled();
  if (plugin?.state !== "failed" || plugin.failure?.code !== "plugin-not-running") return;
  await startPlugin(name).catch((thrown: unknown) =>
    log.write({ level: "error", plugin: "host", about: name, message: `${name} is not started: ${toHostError(thrown).message}` }),
  );
}

/** Tokens that cross a network in the clear are everybody's. Throws HostError `invalid-message` with what to write. */
function requireListenable(host: string, { tls }: Pick<Configuration, "tls">): void {
  if (tls !== undefined || isLoopback(host)) return;
  throw new HostError("invalid-message", `the host does not wait for remote plugins on ${host} without TLS (remotePlugins.host)`, {
    detail: [
      'write "tls": { "cert": "host.crt", "key": "host.key" } in the configuration, with "clientCa" if plugins show certificates,',
      'or let it listen on this machine only, with "remotePlugins": { "host": "127.0.0.1" }',
    ].join("\n"),
  });
}
