// Which optional packages a configuration needs and does not find, before anything tries to load them.

import { GRAPHQL_PACKAGE } from "../adapters/gateway/graphql/package.ts";
import { MCP_PACKAGE } from "../adapters/gateway/mcp/package.ts";
import { ADAPTERS } from "../adapters/index.ts";
import { EVENT_DRIVERS, LEASE_DRIVERS, PEERS_DRIVERS, STATE_DRIVERS, STORAGE_DRIVERS_OF_HOST } from "../drivers/index.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { REMOTE_PACKAGES } from "../manifest/remote-plugins.ts";
import { installCommand } from "./foreign.ts";
import { chosenDriver, sectionOf } from "./sections.ts";

/** Packages by name, with their ranges. */
type Packages = Readonly<Record<string, string>>;

export interface MissingPackages {
  /** What of the configuration needs them. */
  readonly key: string;
  readonly names: readonly string[];
  readonly command: string;
}

const OTHER_DRIVERS: Readonly<Record<string, Readonly<Record<string, () => Promise<{ readonly packages?: Packages | undefined }>>>>> = {
  state: STATE_DRIVERS,
  events: EVENT_DRIVERS,
  leases: LEASE_DRIVERS,
};
const EXTISM: Packages = { "@extism/extism": "2.0.0-rc13" };
const OIDC: Packages = { "openid-client": "^6.9.0" };

export async function missingPackages(
  configuration: Configuration,
  isThere: (name: string) => boolean = resolves,
): Promise<readonly MissingPackages[]> {
  const needed = [...(await ofAdapters(configuration)), ...(await ofDrivers(configuration)), ...ofOthers(configuration)];
  return needed.flatMap(([key, packages]) => {
    const names = Object.keys(packages).filter((name) => !isThere(name));
    return names.length === 0 ? [] : [{ key, names, command: installCommand(packages) }];
  });
}

type Needed = readonly (readonly [key: string, packages: Packages])[];

async function ofAdapters({ adapters }: Configuration): Promise<Needed> {
  const chosen = Object.keys(ADAPTERS).filter((name) => ADAPTERS[name]?.isDefault === true || Object.hasOwn(adapters, name));
  const loaded = await Promise.all(
    chosen.filter((name) => adapters[name] !== false).map(async (name) => [name, (await ADAPTERS[name]?.load())?.packages ?? {}] as const),
  );
  const http = Object(adapters.http) as { readonly mcp?: boolean; readonly graphql?: boolean };
  return [
    ...loaded.map(([name, packages]) => [`adapters.${name}`, packages] as const),
    ...(http.mcp === true ? [["adapters.http.mcp", { [MCP_PACKAGE.name]: MCP_PACKAGE.range }] as const] : []),
    ...(http.graphql === true ? [["adapters.http.graphql", { [GRAPHQL_PACKAGE.name]: GRAPHQL_PACKAGE.range }] as const] : []),
  ];
}

async function ofDrivers(configuration: Configuration): Promise<Needed> {
  const sections = [
    sectionOf(configuration, "drivers", "storage"),
    ...Object.entries(configuration.plugins).map(([name, { storage }]) => ({ key: `plugins.${name}.storage`, value: storage })),
  ];
  const chosen = sections.map((section) => [section, STORAGE_DRIVERS_OF_HOST] as const);
  const others = Object.entries(OTHER_DRIVERS).map(([port, table]) => [sectionOf(configuration, "drivers", port), table] as const);
  const { peers, nats } = configuration.cluster ?? {};
  const ofCluster = [
    [{ key: "cluster.peers", value: peers ?? "" }, PEERS_DRIVERS] as const,
    [{ key: "cluster.nats", value: nats === undefined ? "" : "nats" }, PEERS_DRIVERS] as const,
  ];
  return Promise.all(
    [...chosen, ...others, ...ofCluster].map(async ([section, table]) => {
      const { name } = chosenDriver(section, "");
      const load = Object.hasOwn(table, name) ? table[name] : undefined;
      return [section.key, (await load?.())?.packages ?? {}] as const;
    }),
  );
}

function ofOthers({ auth, plugins, remotePlugins }: Configuration): Needed {
  const extism = Object.keys(plugins).filter((name) => plugins[name]?.engine === "extism");
  return [
    ...(auth.oidc === undefined ? [] : [["auth.oidc", OIDC] as const]),
    ...(remotePlugins === undefined ? [] : [["remotePlugins", REMOTE_PACKAGES] as const]),
    ...extism.map((name) => [`plugins.${name}.engine`, EXTISM] as const),
  ];
}

function resolves(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
