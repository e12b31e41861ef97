// All that a host remembers about itself, whether it runs or not: who may do what, what is installed, what happened. Everything in it is whole once it is made.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { asStorageError } from "../bounds/storage-error.ts";
import type { HostError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Grant } from "../core/types.ts";
import type { Lock } from "../install/lock.ts";
import { PackageStore } from "../install/package-store.ts";
import type { PluginFolder } from "../install/plugin-folder.ts";
import { type Configuration, type PluginConfiguration, pluginSettings } from "../manifest/configuration.ts";
import { KnownManifests } from "../manifest/known-manifests.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { AuditLog } from "./audit.ts";
import { AuditAnchor } from "./audit-anchor.ts";
import { blobsDirOf } from "./data-folder.ts";
import type { HostDatabase } from "./database.ts";
import { GrantStore } from "./grants.ts";
import { type Identity, identityOf } from "./identity.ts";
import { type Installation, Installations } from "./installations.ts";
import { LogCheckpoints } from "./log-checkpoints.ts";
import { PermissionOverview } from "./permission-overview.ts";
import { QuarantineStore } from "./quarantine.ts";
import { RemoteTokenStore } from "./remote-tokens.ts";
import { SecretStore } from "./secrets.ts";
import { SessionStore } from "./sessions.ts";
import { SigningKeyStore } from "./signing-keys.ts";
import { Snapshots } from "./snapshots.ts";
import { StoragePlaces } from "./storage-places.ts";
import { TokenStore } from "./tokens.ts";
import { ToolWordsStore } from "./tool-words.ts";
import { TrustStore } from "./trust-store.ts";
import { TurnRecords } from "./turn-records.ts";
import { PermissionUsage } from "./usage.ts";
import { UserStore } from "./users.ts";

export interface StoresPorts {
  readonly configuration: Configuration;
  readonly database: HostDatabase;
  readonly clock: Clock;
  /** Of the configured plugins that could be read. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly lock: Lock;
}

/** A plugin that is to run. */
export interface LoadedPlugin {
  readonly folder: PluginFolder;
  readonly settings: PluginConfiguration;
  /** False for what an operator stopped. */
  readonly enabled: boolean;
  /** It was put in without a host, and has to be seen to start. */
  readonly onProbation: boolean;
}

export class Stores {
  readonly database: HostDatabase;
  readonly identity: Identity;
  readonly quarantine: QuarantineStore;
  /** Of all plugins; kept true by whoever installs and removes. */
  readonly manifests: KnownManifests = new KnownManifests();
  /** Why a plugin that is installed or configured is not there. */
  readonly leftOut: Map<string, HostError> = new Map();
  readonly audit: AuditLog;
  readonly usage: PermissionUsage;
  readonly secrets: SecretStore;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly remoteTokens: RemoteTokenStore;
  readonly toolWords: ToolWordsStore;
  readonly trust: TrustStore;
  readonly logs: LogCheckpoints;
  readonly keys: SigningKeyStore;
  readonly grants: GrantStore;
  readonly installations: Installations;
  readonly packages: PackageStore;
  readonly snapshots: Snapshots;
  readonly places: StoragePlaces;
  readonly records: TurnRecords;
  readonly permissions: PermissionOverview;
  #configuration: Configuration;
  #lock: Lock;

  constructor({ configuration, database, clock, manifests, lock }: StoresPorts) {
    const { connection } = database;
    const { dataDir } = configuration;
    this.#configuration = configuration;
    this.database = database;
    this.#lock = lock;
    this.identity = identityOf(connection);
    this.quarantine = new QuarantineStore(connection);
    for (const [name, manifest] of manifests) this.manifests.set(name, manifest);
    this.audit = new AuditLog(connection, clock, new AuditAnchor(dataDir));
    this.usage = new PermissionUsage(connection, clock, this.audit);
    this.secrets = new SecretStore(connection, clock, dataDir);
    this.users = new UserStore(connection, clock);
    this.sessions = new SessionStore(connection, clock);
    this.tokens = new TokenStore(connection, clock, this.users);
    this.remoteTokens = new RemoteTokenStore(connection, clock);
    this.toolWords = new ToolWordsStore(connection, clock);
    this.trust = new TrustStore(connection, clock);
    this.logs = new LogCheckpoints(connection, clock);
    this.keys = new SigningKeyStore({ connection, clock, dataDir, audit: this.audit });
    this.grants = new GrantStore(connection, clock);
    this.installations = new Installations(connection, clock);
    this.packages = new PackageStore(dataDir);
    this.snapshots = new Snapshots(dataDir);
    this.places = new StoragePlaces(connection);
    this.records = new TurnRecords({ dataDir, clock, options: () => this.configuration.records });
    this.permissions = new PermissionOverview({
      configured: (plugin) => this.#configuration.plugins[plugin],
      manifests: this.manifests,
      grants: this.grants,
      usage: this.usage,
      audit: this.audit,
    });
  }

  /** What is in force. */
  get configuration(): Configuration {
    return this.#configuration;
  }

  get lock(): Lock {
    return this.#lock;
  }

  /** From now on these are in force. Whoever was made of the former ones has to be told. */
  reconfigure(configuration: Configuration, lock: Lock = this.#lock): void {
    this.#configuration = configuration;
    this.#lock = lock;
  }

  /** What counts for a plugin: the configuration's grants and those given at run time. */
  grantsOf(plugin: string): Grant[] {
    return this.permissions.grantsOf(plugin);
  }

  /** What is written in one go happens whole or not at all. */
  transaction(work: () => void): void {
    this.database.connection.transaction(work)();
  }

  /** Finishes what a crash interrupted, and drops packages that neither an installed plugin nor the lock names. Call it before anything is loaded. */
  recover(): void {
    const { installations, snapshots } = this;
    snapshots.recover();
    for (const name of installations.restores()) this.restore(name);
    // What lies on the host's side is purged once that is open.
    for (const name of installations.purges()) if ((this.places.of(name)?.driver ?? "sqlite") === "sqlite") this.purge(name);
    const needed = new Set([...installations.packages(), ...[...this.lock.values()].map((locked) => locked.package)]);
    this.packages.collect(needed);
    this.trust.collect(needed);
  }

  /** Puts a plugin's data back as they were before its update; that it is to be done must be written down. */
  restore(plugin: string): void {
    this.snapshots.restore(plugin);
    this.installations.restored(plugin);
  }

  /** Like `restore`, of all that a plugin kept. */
  purge(plugin: string): void {
    this.snapshots.purge(plugin);
    rmSync(join(blobsDirOf(this.configuration.dataDir), plugin), { recursive: true, force: true });
    this.places.forget(plugin);
    this.keys.purge(plugin);
    this.records.purge(plugin);
    this.installations.purged(plugin);
  }

  /** What a plugin's section of the configuration says, or what it was installed with; nothing for one that is neither. */
  settingsOf(plugin: string): PluginConfiguration | undefined {
    const installation = this.installations.find(plugin);
    return this.configuration.plugins[plugin] ?? (installation && pluginSettings(installation.settings));
  }

  /** The plugins without which the host is not ready, whether they are there or not. */
  required(): string[] {
    const configured = Object.entries(this.configuration.plugins).flatMap(([name, { required }]) => (required ? [name] : []));
    const installed = this.installations.list().flatMap(({ plugin, settings }) => (pluginSettings(settings).required ? [plugin] : []));
    return [...configured, ...installed];
  }

  /** The installed plugins that are to run. What cannot be read is told of and left out. */
  async load(onFailure: (plugin: string, thrown: unknown) => void): Promise<LoadedPlugin[]> {
    const loaded: LoadedPlugin[] = [];
    for (const installation of this.installations.list()) {
      try {
        loaded.push(await this.loadOne(installation));
      } catch (thrown) {
        onFailure(installation.plugin, thrown);
      }
    }
    return loaded;
  }

  /** One of them. Rejects with HostError. */
  async loadOne({ plugin, version, package: id, settings, enabled, onProbation }: Installation): Promise<LoadedPlugin> {
    this.installations.refuseBlocked({ name: plugin, version });
    const folder = await this.packages.read(id);
    this.manifests.set(plugin, folder.manifest);
    return { folder, settings: pluginSettings(settings), enabled, onProbation };
  }

  /** What an operator has to know of the data when a host starts, in words. */
  troubles(): string[] {
    const loss = this.audit.loss();
    const secrets = this.secrets.list();
    const namesOf = (some: typeof secrets): string => some.map(({ name }) => name).join(", ");
    const sealed = secrets.filter(({ opens }) => !opens);
    const keys = this.keys.info(undefined).filter(({ opens }) => !opens);
    const short = secrets.filter(({ isTooShort }) => isTooShort);
    const found = [
      loss !== undefined &&
        `the record of this host was lost: ${loss}. Blocks, grants and installed plugins may be gone; "bulkhead audit --accept-loss" ends this warning`,
      sealed.length > 0 &&
        `the secrets ${namesOf(sealed)} cannot be opened: bring back secret.key, or set them again (bulkhead secret set)`,
      keys.length > 0 &&
        `the signing keys ${keys.map(({ plugin, name }) => `${name} of ${plugin}`).join(", ")} cannot be opened: bring back secret.key, or rotate them (bulkhead keys rotate)`,
      short.length > 0 && `the secrets ${namesOf(short)} are too short to be hidden and are not filled in; set longer ones`,
    ];
    return found.filter((one) => one !== false);
  }

  /** Writes down what is left to write; the database stays open. Throws HostError `storage-failed` when that is not possible. */
  close(): void {
    this.sessions.close();
    try {
      this.usage.close();
      this.audit.close();
    } catch (cause) {
      throw asStorageError(this.configuration.dataDir, cause);
    }
  }
}
