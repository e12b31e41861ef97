// The stores on the host's side: opens each driver once that a plugin's configuration names, and each plugin's part of it when it is first asked for.

import { Circuit, throughCircuit } from "../capabilities/storage/circuit.ts";
import type { PluginStores } from "../capabilities/storage/functions.ts";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import type { RemoteStorage, RemoteStorageDriver } from "../core/ports/storage.ts";
import type { MaybePromise, StoredPlugin } from "../core/types.ts";
import { STORAGE_DRIVERS, STORAGE_DRIVERS_OF_HOST } from "../drivers/index.ts";
import type { Configuration } from "../manifest/configuration.ts";
import type { Opening, SecretOpening, SecretSource, StorageDriverOfHost } from "../seams.ts";
import { foreign, openOurs } from "./foreign.ts";
import { optionsOf, unknownName } from "./sections.ts";
import { type ChosenStorage, storageOf } from "./storage.ts";

interface OpenStore {
  readonly driver: RemoteStorageDriver;
  readonly circuit: Circuit;
}

interface OpenPart {
  readonly plugin: StoredPlugin;
  readonly storage: Promise<RemoteStorage>;
}

export interface RemoteStoresPorts {
  readonly configuration: Configuration;
  readonly opening: SecretOpening;
  /** What is known of a plugin; undefined for one that is not there. */
  plugin(name: string): StoredPlugin | undefined;
}

export class RemoteStores implements PluginStores, AsyncDisposable {
  readonly #ports: RemoteStoresPorts;
  readonly #stores = new Map<string, Promise<OpenStore>>();
  readonly #placed = new Map<string, OpenStore>();
  readonly #parts = new Map<string, OpenPart>();
  readonly #circuits: { readonly name: string; readonly circuit: Circuit }[] = [];

  constructor(ports: RemoteStoresPorts) {
    this.#ports = ports;
  }

  /** From now on the plugin's storage is there. Rejects with HostError when the driver cannot be opened. */
  async place(plugin: string, chosen: ChosenStorage): Promise<void> {
    const store = chosen.side === "cell" ? undefined : await this.open(chosen);
    if (store === this.#placed.get(plugin)) return;
    await this.#close(plugin);
    if (store === undefined) this.#placed.delete(plugin);
    else this.#placed.set(plugin, store);
  }

  of(name: string): MaybePromise<RemoteStorage> {
    const store = this.#placed.get(name);
    const plugin = this.#ports.plugin(name);
    if (store === undefined || plugin === undefined)
      throw new HostError("permission-denied", `the storage of ${name} is not on the host's side`);
    const part = this.#parts.get(name);
    return part !== undefined && isSame(part.plugin, plugin) ? part.storage : this.#openPart(plugin, store, part);
  }

  /** In words, which of them are away. */
  problems(): string[] {
    const away = this.#circuits.filter(({ circuit }) => circuit.isOpen);
    return away.map(({ name }) => `the store ${name} is away; what plugins keep there fails at once`);
  }

  /** Opens a driver, or finds it open. Rejects with HostError. */
  open({ driver, options }: ChosenStorage): Promise<OpenStore> {
    const key = JSON.stringify([driver, options.value]);
    const found = this.#stores.get(key);
    if (found !== undefined) return found;
    const opened = this.#openDriver(driver, options);
    this.#stores.set(key, opened);
    // What failed is tried again by whoever asks next.
    opened.catch(() => this.#stores.delete(key));
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#parts.keys()].map((name) => this.#close(name)));
    const opened = await Promise.allSettled(this.#stores.values());
    await Promise.all(opened.map((store) => (store.status === "fulfilled" ? store.value.driver[Symbol.asyncDispose]() : undefined)));
  }

  async #openDriver(name: string, options: ChosenStorage["options"]): Promise<OpenStore> {
    const { opening } = this.#ports;
    const load = Object.hasOwn(STORAGE_DRIVERS_OF_HOST, name) ? STORAGE_DRIVERS_OF_HOST[name] : undefined;
    const module = load === undefined ? await this.#foreign(name, options.key) : await load();
    const open = (): Promise<RemoteStorageDriver> => module.open(opening, optionsOf(module.options, options));
    const tell = (message: string, cause?: unknown): void => opening.log.write({ level: "warning", plugin: "host", message, cause });
    const driver = load === undefined ? await open() : await openOurs(module, open);
    const circuit = new Circuit(opening.clock, tell);
    this.#circuits.push({ name: printable(name), circuit });
    return { driver, circuit };
  }

  async #foreign(name: string, key: string): Promise<StorageDriverOfHost> {
    try {
      return await foreign<StorageDriverOfHost>(name, this.#ports.configuration, key, "driver");
    } catch (thrown) {
      // A word alone is more likely one of ours, written wrongly, than a package.
      if (!/^[\w-]+$/.test(name)) throw thrown;
      throw unknownName(key, name, [...Object.keys(STORAGE_DRIVERS), ...Object.keys(STORAGE_DRIVERS_OF_HOST)]);
    }
  }

  async #openPart(plugin: StoredPlugin, { driver, circuit }: OpenStore, before: OpenPart | undefined): Promise<RemoteStorage> {
    const open = async (): Promise<RemoteStorage> => {
      await before?.storage.then(
        (storage) => storage.close(),
        () => {},
      );
      return throughCircuit(await circuit.run(() => driver.open(plugin)), circuit);
    };
    const part = { plugin, storage: open() };
    this.#parts.set(plugin.name, part);
    part.storage.catch(() => {
      if (this.#parts.get(plugin.name) === part) this.#parts.delete(plugin.name);
    });
    return part.storage;
  }

  async #close(plugin: string): Promise<void> {
    const part = this.#parts.get(plugin);
    this.#parts.delete(plugin);
    await part?.storage.then(
      (storage) => storage.close(),
      () => {},
    );
  }
}

/** The stores of a host, with the one that its configuration names for all. Rejects with HostError. */
export async function openRemoteStores({
  configuration,
  opening,
  secrets,
  core,
}: Pick<RemoteStoresPorts, "configuration"> & {
  readonly opening: Opening;
  readonly secrets: SecretSource;
  core(): Host;
}): Promise<RemoteStores> {
  const plugin = (name: string): StoredPlugin | undefined => core().plugin(name)?.definition;
  const stores = new RemoteStores({ configuration, opening: { ...opening, secrets }, plugin });
  const ofAll = storageOf(configuration);
  if (ofAll.side === "host") await stores.open(ofAll);
  return stores;
}

const isSame = (one: StoredPlugin, other: StoredPlugin): boolean =>
  one.limits === other.limits && one.keepsStorageLog === other.keepsStorageLog;
