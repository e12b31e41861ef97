// Bodies that adapters bring into blobs of plugins and have out of them: those of the plugin that provides the service which is called.

import { INCOMING } from "../capabilities/blobs/rules.ts";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import type { PluginDefinition } from "../core/types.ts";
import type { Gate } from "../gate/gate.ts";
import { KnownPrincipal } from "../gate/known.ts";
import type { AdapterBlobs, BlobTransfers, Catalog, Principal } from "../seams.ts";

export interface AdapterBlobsPorts {
  readonly core: Pick<Host, "plugin">;
  readonly gate: Pick<Gate, "requireCall">;
  readonly catalog: Pick<Catalog, "services">;
  readonly blobs: BlobTransfers;
}

export function adapterBlobs({ core, gate, catalog, blobs }: AdapterBlobsPorts): AdapterBlobs {
  const providerOf = (principal: Principal, service: string): PluginDefinition => {
    gate.requireCall(KnownPrincipal.of(principal), service);
    const provider = catalog.services.find(({ name }) => name === service)?.provider;
    if (provider === undefined) throw new HostError("no-such-service", `nobody provides ${printable(service)}`);
    const plugin = core.plugin(provider);
    if (plugin === undefined) throw new HostError("invalid-message", `${provider} is no plugin, so it has no blobs`);
    // Before its body is read: who does not run cannot be asked afterwards.
    if (plugin.state !== "running") throw new HostError("plugin-not-running", `${provider} is ${plugin.state}`);
    return plugin.definition;
  };
  return {
    async receive(principal, service, mediaType) {
      const { name: plugin, limits } = providerOf(principal, service);
      const name = INCOMING + crypto.randomUUID();
      const sink = await blobs.begin(plugin, { name, mediaType, metadata: [] }, limits);
      let etag: string | undefined;
      return {
        ...sink,
        async finish() {
          const blob = await sink.finish();
          ({ etag } = blob);
          return blob;
        },
        async release() {
          // What cannot be removed is removed when the plugin's blobs are opened next.
          if (etag !== undefined) await blobs.deleteIf(plugin, name, etag).catch(() => {});
        },
      };
    },
    source: async (principal, service, name) => blobs.source(providerOf(principal, service).name, name),
  };
}
