// Opens, starts and stops the adapters of a configuration: those that come with the host, and those of others.

import { ADAPTERS } from "../adapters/index.ts";
import type { OwnListeners } from "../bounds/own-listeners.ts";
import { printable } from "../core/names.ts";
import type { CapabilityFunctions } from "../core/ports/capability.ts";
import type { Guard, Observer } from "../core/ports/policy.ts";
import { parseAuthenticating } from "../manifest/authenticate.ts";
import type { Configuration } from "../manifest/configuration.ts";
import type { Adapter, AdapterContext, Opened, Opening } from "../seams.ts";
import type { ContributionParser } from "./catalog.ts";
import { foreign, openOurs } from "./foreign.ts";
import { FORMER_ADAPTERS, optionsOf, sectionOf } from "./sections.ts";

/** The adapters of a configuration, opened, and what they offer to the core besides. */
export interface OpenedAdapters {
  readonly functions: CapabilityFunctions;
  readonly guards: readonly Guard[];
  readonly observers: readonly Observer[];
  /** Starts all, in the order of the configuration; resolves with where each can be reached. Rejects with HostError, and has stopped nothing then. */
  start(
    contextOf: (adapter: string) => AdapterContext,
    listeners: Pick<OwnListeners, "addAddress">,
    booting: AsyncDisposableStack,
  ): Promise<ReadonlyMap<string, string>>;
}

export async function openAdapters(configuration: Configuration, opening: Opening, booting: AsyncDisposableStack): Promise<OpenedAdapters> {
  const ready: { readonly adapter: Adapter; readonly options: unknown; readonly opened: Opened | undefined }[] = [];
  for (const name of adapterNames(configuration)) {
    const section = sectionOf(configuration, "adapters", name);
    if (section.value === false) continue;
    const adapter = await loadAdapter(name, configuration);
    const options = optionsOf(adapter.options, section);
    const open = async (): Promise<Opened | undefined> => adapter.open?.(opening, options);
    const object = await (Object.hasOwn(ADAPTERS, name) ? openOurs(adapter, open) : open());
    ready.push({ adapter, options, opened: object === undefined ? undefined : booting.use(object) });
  }
  const offers = ready.map((one) => one.opened).filter((one) => one !== undefined);
  return {
    functions: Object.assign({}, ...offers.map(({ functions }) => functions)) as CapabilityFunctions,
    guards: offers.map(({ guard }) => guard).filter((one) => one !== undefined),
    observers: offers.map(({ observer }) => observer).filter((one) => one !== undefined),
    async start(contextOf, listeners, stack) {
      const addresses = new Map<string, string>();
      for (const one of ready) {
        const running = stack.use(await one.adapter.start(contextOf(one.adapter.name), one.options, one.opened));
        if (running.address === undefined) continue;
        listeners.addAddress(running.address);
        addresses.set(one.adapter.name, running.address);
      }
      return addresses;
    },
  };
}

/** What reads the `contributes` sections of the adapters that there are, by adapter. */
export async function contributionParsers(configuration: Configuration): Promise<ReadonlyMap<string, ContributionParser>> {
  const parsers = new Map<string, ContributionParser>([["authenticate", parseAuthenticating]]);
  for (const [name, { parser }] of Object.entries(ADAPTERS)) if (parser !== undefined) parsers.set(name, await parser());
  for (const name of adapterNames(configuration)) {
    if (Object.hasOwn(ADAPTERS, name) || configuration.adapters[name] === false) continue;
    const adapter = await loadAdapter(name, configuration);
    if (adapter.parseContribution !== undefined)
      parsers.set(adapter.name, (plugin, section) => adapter.parseContribution?.(plugin, section));
  }
  return parsers;
}

function adapterNames({ adapters }: Configuration): readonly string[] {
  const ours = Object.keys(ADAPTERS).filter((name) => ADAPTERS[name]?.isDefault === true || Object.hasOwn(adapters, name));
  const others = Object.keys(adapters).filter((name) => !Object.hasOwn(ADAPTERS, name) && !FORMER_ADAPTERS.has(name));
  return [...ours, ...others];
}

async function loadAdapter(name: string, configuration: Configuration): Promise<Adapter> {
  const row = Object.hasOwn(ADAPTERS, name) ? ADAPTERS[name] : undefined;
  return row === undefined ? foreign<Adapter>(name, configuration, `adapters.${printable(name)}`, "adapter") : row.load();
}
