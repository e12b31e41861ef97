// The read model of a running host: what there is, put together from the core and the manifests, for every adapter to project from.

import type { ToolWordsStore } from "../admin/tool-words.ts";
import { toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { PluginView } from "../core/types.ts";
import { OPERATE, READ } from "../manifest/auth.ts";
import type { KnownManifests } from "../manifest/known-manifests.ts";
import { knownTraits } from "../manifest/service-traits.ts";
import type { Catalog, CatalogEvent, CatalogPlugin, CatalogPoint, CatalogService, Contribution, Principal } from "../seams.ts";

/** Reads the section of an adapter. Throws HostError `invalid-manifest`. */
export type ContributionParser = (plugin: string, section: unknown) => unknown;

/** What the host's own code declares. */
interface NativeCatalog {
  readonly services: readonly CatalogService[];
  readonly events: readonly CatalogEvent[];
  readonly points: readonly Omit<CatalogPoint, "answeredBy">[];
}

export interface CatalogPorts {
  readonly core: Host;
  /** Of all plugins, whether they run or not. */
  readonly manifests: KnownManifests;
  /** By the adapter's name. */
  readonly parsers: ReadonlyMap<string, ContributionParser>;
  readonly native: NativeCatalog;
  /** Which plugins' words the operator has read. */
  readonly words: Pick<ToolWordsStore, "holds" | "onChange">;
  readonly log: LogSink;
  /** What other hosts provide. */
  readonly elsewhere?: { readonly services: readonly CatalogService[]; onChange(listener: () => void): () => void } | undefined;
}

/** An event while what is known of it is put together. */
interface FoundEvent {
  readonly type: string;
  readonly publishers: string[];
  readonly subscribers: string[];
  description: string | undefined;
  data: unknown;
}

export class LiveCatalog implements Catalog {
  readonly #ports: CatalogPorts;
  readonly #listeners = new Set<() => void>();
  /** What a section was read as; undefined for one that is malformed. */
  readonly #read = new WeakMap<object, unknown>();
  #version = 0;

  constructor(ports: CatalogPorts) {
    this.#ports = ports;
    const changed = (): void => {
      this.#version += 1;
      for (const listener of this.#listeners) listener();
    };
    ports.core.observe({ plugins: changed, state: changed });
    ports.manifests.onChange(changed);
    ports.words.onChange(changed);
    ports.elsewhere?.onChange(changed);
  }

  get version(): number {
    return this.#version;
  }

  get plugins(): readonly CatalogPlugin[] {
    return this.#ports.core.plugins.map((plugin) => this.#plugin(plugin));
  }

  get services(): readonly CatalogService[] {
    const { own } = this;
    const others = this.#ports.elsewhere?.services ?? [];
    if (others.length === 0) return own;
    const here = new Set(own.map(({ name }) => name));
    return [...own, ...others.filter(({ name }) => !here.has(name))];
  }

  /** The services that this host provides itself. */
  get own(): readonly CatalogService[] {
    const { core, manifests, native, words } = this.#ports;
    const ofPlugins = core.plugins.flatMap(({ name: provider, definition }) => {
      const manifest = manifests.get(provider);
      const isRead = manifest !== undefined && words.holds(manifest);
      return definition.services.map(({ name, rates = {} }) => {
        const { description, input, output, errors = {}, ...traits } = manifest?.services[name] ?? {};
        return { name, provider, description, input, output, errors, rates, isRead, ...knownTraits(traits) };
      });
    });
    return [...native.services, ...ofPlugins];
  }

  get events(): readonly CatalogEvent[] {
    const { core, manifests, native } = this.#ports;
    const found = new Map<string, FoundEvent>();
    const of = (type: string): FoundEvent => {
      const event = found.get(type) ?? { type, publishers: [], subscribers: [], description: undefined, data: undefined };
      found.set(type, event);
      return event;
    };
    for (const event of native.events) found.set(event.type, { ...event, publishers: [...event.publishers], subscribers: [] });
    for (const { name, definition } of core.plugins) {
      for (const [type, { description, data }] of Object.entries(manifests.get(name)?.events ?? {})) {
        of(type).publishers.push(name);
        Object.assign(of(type), { description, data });
      }
      for (const { permission, resource } of definition.permissions)
        if (permission === "events.publish" && !of(resource).publishers.includes(name)) of(resource).publishers.push(name);
      for (const { type } of definition.subscriptions) of(type).subscribers.push(name);
    }
    return [...found.values()];
  }

  get points(): readonly CatalogPoint[] {
    const { core, manifests, native } = this.#ports;
    const answering = (point: string): string[] =>
      core.plugins.filter(({ definition }) => definition.extensions?.some((one) => one.point === point)).map(({ name }) => name);
    const ofPlugins = core.plugins.flatMap(({ name: provider }) =>
      Object.entries(manifests.get(provider)?.extensionPoints ?? {}).map(([name, { description, input, output }]) => ({
        ...{ name, provider, description, input, output },
      })),
    );
    return [...native.points, ...ofPlugins].map((point) => ({ ...point, answeredBy: answering(point.name) }));
  }

  /** Whether a service says of itself that it only reads. */
  isReadOnly(service: string): boolean {
    const [provider = ""] = service.split(".", 1);
    const { manifests, native, elsewhere } = this.#ports;
    const isIt = ({ name }: CatalogService): boolean => name === service;
    const declared = manifests.get(provider)?.services[service] ?? native.services.find(isIt) ?? elsewhere?.services.find(isIt);
    return declared?.readOnly === true;
  }

  contributions(adapter: string): readonly Contribution[] {
    const found: Contribution[] = [];
    for (const [plugin, { contributes }] of this.#ports.manifests) {
      const section = Object.hasOwn(contributes, adapter) ? this.#section(adapter, plugin, contributes[adapter]) : undefined;
      if (section !== undefined) found.push({ plugin, section });
    }
    return found;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  for(principal: Principal): Catalog {
    return narrowed(this, principal);
  }

  // A section that was malformed when its plugin was installed refused it; one from a time before the adapter could tell only counts for nothing.
  #section(adapter: string, plugin: string, section: unknown): unknown {
    const parse = this.#ports.parsers.get(adapter);
    if (parse === undefined || typeof section !== "object" || section === null) return section;
    if (!this.#read.has(section)) this.#read.set(section, this.#parsed(parse, plugin, section));
    return this.#read.get(section);
  }

  #parsed(parse: ContributionParser, plugin: string, section: object): unknown {
    try {
      return parse(plugin, section);
    } catch (thrown) {
      const { message, detail } = toHostError(thrown);
      this.#ports.log.write({ level: "error", plugin: "host", about: plugin, message, cause: detail });
      return undefined;
    }
  }

  #plugin({ name, state, failure, queued, definition }: PluginView): CatalogPlugin {
    const { version, permissions, grants, limits } = definition;
    const description = this.#ports.manifests.get(name)?.description;
    return { name, version, description, state, failure, queued, permissions, grants, limits };
  }
}

function narrowed(catalog: Catalog, principal: Principal): Catalog {
  const may = (permission: string, resource: string): boolean => principal.allows(permission, resource);
  return {
    get version() {
      return catalog.version;
    },
    get plugins() {
      if (may(OPERATE, "admin.list")) return catalog.plugins;
      const shown = new Set(this.services.map(({ provider }) => provider));
      return catalog.plugins.filter(({ name }) => shown.has(name) || may("services.call", name));
    },
    get services() {
      return catalog.services.filter(({ name, readOnly }) => may("services.call", name) || (readOnly && may(READ, name)));
    },
    get events() {
      return catalog.events.filter(({ type }) => may("events.subscribe", type));
    },
    get points() {
      return catalog.points;
    },
    contributions: (adapter) => catalog.contributions(adapter),
    onChange: (listener) => catalog.onChange(listener),
    for: (other) => narrowed(catalog, other),
  };
}
