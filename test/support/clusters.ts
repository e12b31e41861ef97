// Hosts of a cluster in one process, whose plugins are JavaScript functions: everything is real but the guests.

import { Cluster, type ClusterPorts } from "../../host/cluster/cluster.ts";
import { Host } from "../../host/core/host.ts";
import type { Plugin } from "../../host/core/plugin.ts";
import type { Turn } from "../../host/core/ports/cell.ts";
import { startTrace } from "../../host/core/trace.ts";
import type { ServiceCall } from "../../host/core/turn.ts";
import type { PluginDefinition, ServiceDefinition } from "../../host/core/types.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { decodeResult, encodeArguments } from "../../host/engine/guest/blocks.ts";
import { knownTraits } from "../../host/manifest/service-traits.ts";
import type { CatalogService, Peers } from "../../host/seams.ts";
import { eventually } from "./eventually.ts";
import { hostPorts, PERMISSION_PORTS } from "./host-ports.ts";
import { memoryLog } from "./memory-log.ts";
import { definition, type Script, scriptedCell, textOf, utf8 } from "./scripted-cell.ts";

/** Of a process in which all hosts stand still together nobody is missed. */
const BEAT_MS = 50;

export interface HostInCluster extends AsyncDisposable {
  readonly name: string;
  readonly core: Host;
  readonly cluster: Cluster;
  readonly log: ReturnType<typeof memoryLog>;
  /** Adds a plugin and starts it; its services are `<name>.<entry point>`. */
  add(name: string, script: Script, rest?: PluginToAdd): Promise<Plugin>;
  /** Calls as the host's own program. */
  call(service: string, input?: string, rest?: Partial<ServiceCall>): Promise<string>;
  /** Tells the others that it leaves, and goes on answering. */
  leave(): void;
}

interface PluginToAdd extends Partial<PluginDefinition> {
  readonly idempotent?: boolean;
}

export async function hostInCluster(
  peers: Peers & AsyncDisposable,
  options: Partial<Pick<ClusterPorts, "callers" | "random">> = {},
): Promise<HostInCluster> {
  const log = memoryLog();
  const idempotent = new Set<string>();
  const scripts: Record<string, Script> = {};
  const cell = scriptedCell(scripts);
  const services = (): readonly CatalogService[] =>
    core.plugins.flatMap(({ name: provider, definition: { services: all } }) =>
      all.map(({ name }) => ({
        ...{ name, provider, description: undefined, input: undefined, output: undefined, errors: {}, rates: {}, isRead: false },
        ...knownTraits({ idempotent: idempotent.has(provider) }),
      })),
    );
  const common = { clock: systemClock, log };
  const cluster = new Cluster({
    ...{ ...common, core: (): Host => core, peers, services, permissions: PERMISSION_PORTS, beatMs: BEAT_MS },
    ...{ callers: {}, ...options },
  });
  const core = new Host(hostPorts({ ...common, elsewhere: cluster.elsewhere }));
  const running = cluster.start();
  return {
    ...{ name: peers.host, core, cluster, log },
    async add(name, script, { idempotent: isIdempotent = false, ...rest } = {}) {
      scripts[name] = script;
      if (isIdempotent) idempotent.add(name);
      const provided: ServiceDefinition[] = Object.keys(script).map((entryPoint) => ({ name: `${name}.${entryPoint}`, entryPoint }));
      const plugin = core.add(definition(name, script, { services: provided, ...rest }), cell);
      await core.start(name);
      return plugin;
    },
    async call(service, input = "", rest = {}) {
      const call = { service, payload: utf8(input), caller: { kind: "host", name: "program" } as const, traceparent: startTrace() };
      return textOf(await core.services.call({ ...call, ...rest }));
    },
    leave: () => running[Symbol.dispose](),
    async [Symbol.asyncDispose]() {
      running[Symbol.dispose]();
      await cluster[Symbol.asyncDispose]();
      await peers[Symbol.asyncDispose]();
    },
  };
}

/** Permissions of a plugin that calls, asked for and granted. */
export const mayCall = (...resources: readonly string[]): Pick<PluginDefinition, "permissions" | "grants"> => ({
  permissions: resources.map((resource) => ({ permission: "services.call", resource, reason: "test" })),
  grants: resources.map((resource) => ({ permission: "services.call", resource })),
});

/** What a guest does that calls a service. */
export async function callFrom(turn: Turn, service: string, input: string, deadlineMs?: number): Promise<string> {
  const block = await turn.answer("services.call", encodeArguments("services.call", [service, utf8(input), deadlineMs]));
  return textOf(decodeResult("services.call", block));
}

/** Until the first knows that the other provides it, or does no more. */
export const knows = (host: HostInCluster, service: string, places = 1): Promise<unknown> =>
  eventually(`${host.name} knows ${places} of ${service}`, () => {
    const found = host.cluster.services.find(({ name }) => name === service);
    return (found?.hosts?.length ?? 0) === places || undefined;
  });
