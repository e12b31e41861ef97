// What an operator can do with a host, running or not: one method an operation. Checks what it is given, writes it down, tells the audit log,
// and lets the running host know. It does not know how it is reached.

import { join } from "node:path";
import { z } from "zod";
import { asStorageError } from "../bounds/storage-error.ts";
import type { Times } from "../capabilities/schedules/times.ts";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Permission } from "../core/types.ts";
import type { Lock } from "../install/lock.ts";
import { pluginName } from "../manifest/manifest.ts";
import { compileResource, PERMISSIONS } from "../manifest/resources.ts";
import { requireRoles } from "../manifest/roles.ts";
import type { AccountPasswords } from "./account-passwords.ts";
import type { Actor, AuditLog } from "./audit.ts";
import { type Backups, backupOperations } from "./backup-operations.ts";
import { blobOperations, type OperatorsBlobs } from "./blob-operations.ts";
import { checked, type Operation } from "./checked.ts";
import { eventOperations, type LiveEvents } from "./event-operations.ts";
import type { Block } from "./installations.ts";
import { Installer, installSchema, type LivePlugins, type Sources, updateSchema } from "./installer.ts";
import { keyOperations } from "./key-operations.ts";
import { type LiveLog, logOperations } from "./log-operations.ts";
import { OperationQueue } from "./operation-queue.ts";
import type { PermissionOverview, PermissionStatus } from "./permission-overview.ts";
import { PluginOverview, type PluginSummary } from "./plugin-overview.ts";
import { recordOperations } from "./record-operations.ts";
import { type LiveConfiguration, reloadOperations } from "./reload-operations.ts";
import { remoteOperations } from "./remote-operations.ts";
import { chosenFrom, configsIn, type Declarations, declaredIn } from "./schemas.ts";
import { secretOperations } from "./secret-operations.ts";
import { type LiveSends, sendOperations } from "./send-operations.ts";
import { storageOperations } from "./storage-operations.ts";
import type { StoredData } from "./stored-data.ts";
import type { Stores } from "./stores.ts";
import { type LiveProfiler, type LiveTelemetry, telemetryOperations } from "./telemetry-operations.ts";
import { tokenOperations } from "./token-operations.ts";
import { toolOperations } from "./tool-operations.ts";
import { Trust } from "./trust.ts";
import { trustOperations } from "./trust-operations.ts";
import { userOperations } from "./user-operations.ts";

/** The running host. */
interface LiveHost {
  readonly core: Host;
  readonly plugins: LivePlugins;
  readonly catalog: Omit<Declarations, "configs">;
  /** What plugins have planned; of all of them without a name. */
  readonly scheduler: { list(plugin?: string): readonly PlannedTurn[] };
  readonly events: LiveEvents;
  readonly sends: LiveSends;
  readonly telemetry: LiveTelemetry;
  readonly profiler: LiveProfiler;
  readonly log: LiveLog;
  readonly configuration: LiveConfiguration;
}

/** A turn that a schedule begins. */
export interface PlannedTurn {
  readonly plugin: string;
  readonly name: string;
  readonly entryPoint: string;
  readonly times: Times;
  readonly missed: string;
  readonly byManifest: boolean;
  /** Milliseconds since 1970. */
  readonly nextMs: number | undefined;
}

export interface OperationsPorts {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly sources: Sources;
  readonly data: StoredData;
  readonly blobs: { of(plugin: string): Promise<OperatorsBlobs> };
  readonly passwords: Pick<AccountPasswords, "hash">;
  readonly backups: Backups;
  /** Undefined when no host runs: what is written down then holds from its next start on. */
  readonly live: LiveHost | undefined;
}

/** What to grant or revoke. */
interface GrantInput {
  readonly plugin: string;
  readonly permission: Permission;
  readonly resource: string;
  readonly untilRestart?: boolean | undefined;
  readonly reason?: string | undefined;
}

const pluginSchema: z.ZodType<{ readonly plugin: string }> = z.strictObject({ plugin: z.string() });
const anyPluginSchema: z.ZodType<{ readonly plugin?: string | undefined }> = z.strictObject({ plugin: z.string().optional() });
const grantSchema: z.ZodType<GrantInput> = z.strictObject({
  plugin: z.string(),
  permission: z.enum(PERMISSIONS as [Permission, ...Permission[]]),
  resource: z.string(),
  untilRestart: z.boolean().optional(),
  reason: z.string().max(500).optional(),
});
const planSchema: z.ZodType<{ readonly spec: string }> = z.strictObject({ spec: z.string().min(1) });
const uninstallSchema: z.ZodType<{ readonly plugin: string; readonly purge: boolean }> = z.strictObject({
  plugin: z.string(),
  purge: z.boolean(),
});
const blockSchema: z.ZodType<Omit<Block, "by">> = z.strictObject({
  plugin: pluginName,
  range: z.string(),
  reason: z.string().min(1).max(500),
});
const unblockSchema: z.ZodType<Pick<Block, "plugin" | "range">> = z.strictObject({ plugin: pluginName, range: z.string() });
const readSchema: z.ZodType<{ readonly after?: number | undefined; readonly limit?: number | undefined }> = z.strictObject({
  after: z.int().nonnegative().optional(),
  limit: z.int().positive().optional(),
});
const namesSchema: z.ZodType<{ readonly names: readonly string[] }> = z.strictObject({ names: z.array(z.string().min(1)).max(512) });
const reportSchema: z.ZodType<{ readonly unusedDays: number }> = z.strictObject({ unusedDays: z.number().nonnegative().max(36_500) });
const noneSchema: z.ZodType<object> = z.strictObject({});

export class Operations {
  readonly installer: Installer;
  readonly plugins: PluginOverview;
  readonly trust: Trust;
  readonly #ports: OperationsPorts;
  readonly #stores: Stores;
  readonly #queue = new OperationQueue();
  readonly #operations: ReadonlyMap<string, Operation>;

  constructor(ports: OperationsPorts) {
    const { stores, clock, sources, data, live } = ports;
    this.#ports = ports;
    this.#stores = stores;
    this.trust = new Trust({ stores, clock, fetchDocument: sources.document, readLog: sources.logFiles });
    this.plugins = new PluginOverview({
      ...{ stores, sources, core: live?.core },
      sleepOf: (plugin) => live?.plugins.sleepOf(plugin),
      signersOf: (plugin) => this.trust.signersOf(plugin),
      keyidsFor: (plugin, id) => this.trust.keyidsFor(plugin, id),
    });
    this.installer = new Installer({ stores, queue: this.#queue, sources, data, trust: this.trust, live: live?.plugins });
    this.#operations = this.#table();
  }

  /** What is there now, as bulkhead.lock would have it. */
  lock(): Promise<Lock> {
    return this.plugins.lock();
  }

  /** Does an operation by its name. Throws HostError `invalid-message` for what is no operation or malformed. */
  async invoke(name: string, input: unknown, actor: Actor): Promise<unknown> {
    const operation = this.#operations.get(name);
    if (operation === undefined) throw new HostError("invalid-message", `"${printable(name)}" is no operation`);
    try {
      return await operation(input, actor);
    } catch (cause) {
      throw asStorageError(join(this.#stores.configuration.dataDir, "host.sqlite"), cause);
    }
  }

  #table(): ReadonlyMap<string, Operation> {
    const { installer, plugins, trust } = this;
    const { permissions, installations, secrets, tokens, users, sessions, audit } = this.#stores;
    const { clock, passwords, backups } = this.#ports;
    const shared = {
      requireRoles: (names: readonly string[]) => requireRoles(names, this.#stores.configuration.auth),
      transaction: (work: () => void) => this.#stores.transaction(work),
    };
    return new Map<string, Operation>([
      ["list", checked(noneSchema, () => plugins.list())],
      ["info", checked(pluginSchema, ({ plugin }) => plugins.info(plugin))],
      ["schedules", checked(anyPluginSchema, ({ plugin }) => this.#schedules(plugin))],
      ["outdated", checked(noneSchema, () => plugins.outdated())],
      ["lock", checked(noneSchema, async () => Object.fromEntries(await plugins.lock()))],
      ["schemas", checked(namesSchema, ({ names }) => chosenFrom(this.#declared(), names))],
      ["permissions", checked(pluginSchema, ({ plugin }) => permissions.statusOf(plugin))],
      ["report", checked(reportSchema, ({ unusedDays }) => this.#report(unusedDays))],
      ["installations", checked(noneSchema, () => installations.list())],
      ["blocks", checked(noneSchema, () => installations.blocks())],
      ["audit", checked(readSchema, (range) => this.#read(range))],
      ["verify", checked(noneSchema, () => audit.verify())],
      ["accept-loss", checked(noneSchema, (_none, actor) => audit.acceptLoss(actor))],
      ["plan", checked(planSchema, ({ spec }) => this.#plan(spec))],
      ["grant", checked(grantSchema, (request, actor) => this.#grant(request, actor))],
      ["revoke", checked(grantSchema, (request, actor) => this.#revoke(request, actor))],
      ["install", checked(installSchema, (request, actor) => installer.install(request, actor))],
      ["update", checked(updateSchema, (request, actor) => installer.update(request, actor))],
      ["rollback", checked(pluginSchema, ({ plugin }, actor) => installer.rollback(plugin, actor))],
      ["uninstall", checked(uninstallSchema, ({ plugin, purge }, actor) => installer.uninstall(plugin, purge, actor))],
      ["unload", checked(pluginSchema, ({ plugin }, actor) => installer.unload(plugin, actor))],
      ["block", checked(blockSchema, (block, actor) => this.#queue.run(block.plugin, () => this.#block(block, actor)))],
      ["unblock", checked(unblockSchema, (block, actor) => this.#unblock(block, actor))],
      ...trustOperations({ trust, stores: this.#stores, haltRevoked: () => this.haltRevoked() }),
      ...secretOperations({ secrets, audit, ...shared }),
      ...keyOperations(this.#stores.keys),
      ...sendOperations({ live: () => this.#live("nothing is sent").sends, record: (...entry) => audit.append(...entry) }),
      ...eventOperations({ live: () => this.#live("nothing is kept or handed out").events, record: (...entry) => audit.append(...entry) }),
      ...telemetryOperations({ live: () => this.#live("nothing is counted") }),
      ...logOperations({
        live: () => this.#live("nothing is logged").log,
        plugins: () => plugins.list().map(({ plugin }) => plugin),
        record: (...entry) => audit.append(...entry),
      }),
      ...tokenOperations({ tokens, audit, clock, ...shared }),
      ...remoteOperations({
        ...{ remoteTokens: this.#stores.remoteTokens, audit, ...shared },
        isRemote: (plugin) => {
          const manifest = this.#stores.manifests.get(plugin);
          return manifest && manifest.remote !== undefined;
        },
      }),
      ...userOperations({ users, sessions, tokens, passwords, audit, ...shared }),
      ...reloadOperations({
        live: () => this.#live("nothing is read anew").configuration,
        queue: this.#queue,
        record: (...entry) => audit.append(...entry),
      }),
      ...backupOperations({ backups, audit }),
      ...recordOperations({ records: this.#stores.records, record: (...entry) => audit.append(...entry) }),
      ...toolOperations({ words: this.#stores.toolWords, manifests: this.#stores.manifests, audit, ...shared }),
      ["release", checked(pluginSchema, ({ plugin }, actor) => this.#release(plugin, actor))],
      ...storageOperations({ data: this.#ports.data, audit, queue: this.#queue }).map(
        ([name, row]) => [name, checked(row.schema, row.run)] as const,
      ),
      ...blobOperations({ of: (plugin) => this.#blobsOf(plugin), audit }),
      ...(["start", "stop", "restart"] as const).map(
        (verb) =>
          [verb, checked(pluginSchema, ({ plugin }, actor) => this.#queue.run(plugin, () => this.#control(verb, plugin, actor)))] as const,
      ),
    ]);
  }

  /** Throws HostError `plugin-not-running` with what that means. */
  #live(consequence: string): LiveHost {
    const { live } = this.#ports;
    if (live === undefined) throw new HostError("plugin-not-running", `no host runs, so ${consequence}; "bulkhead serve" starts one`);
    return live;
  }

  async #blobsOf(plugin: string): Promise<OperatorsBlobs> {
    if (this.#stores.settingsOf(plugin) === undefined) throw new HostError("invalid-message", `there is no plugin ${printable(plugin)}`);
    return this.#ports.blobs.of(plugin);
  }

  #schedules(plugin: string | undefined): readonly PlannedTurn[] {
    const live = this.#live("nothing comes due");
    if (plugin !== undefined) this.#stores.permissions.manifestOf(plugin);
    return live.scheduler.list(plugin);
  }

  #read(range: Parameters<AuditLog["read"]>[0]): ReturnType<AuditLog["read"]> {
    this.#stores.usage.write();
    return this.#stores.audit.read(range);
  }

  #declared(): Declarations {
    const manifests = [...this.#stores.manifests.values()];
    const catalog = this.#ports.live?.catalog;
    if (catalog === undefined) return declaredIn(manifests);
    const { services, events, points } = catalog;
    return { services, events, points, configs: configsIn(manifests) };
  }

  #report(unusedDays: number): ReturnType<PermissionOverview["report"]> {
    this.#stores.usage.write();
    return this.#stores.permissions.report(unusedDays, this.#ports.clock.now());
  }

  /** Takes effect at the plugin's next host call. */
  #grant(request: GrantInput, actor: Actor): PermissionStatus[] {
    this.#change(request, actor, "grant", () => this.#stores.grants.allow({ ...request, by: actor }));
    return this.#stores.permissions.statusOf(request.plugin);
  }

  /** Takes effect at the plugin's next host call; what goes on under the grant ends. */
  #revoke(request: GrantInput, actor: Actor): PermissionStatus[] {
    this.#change(request, actor, "revoke", () =>
      this.#stores.grants.revoke({ ...request, by: actor }, this.#stores.permissions.configured(request.plugin)),
    );
    return this.#stores.permissions.statusOf(request.plugin);
  }

  /** Refuses these versions from now on, and stops the plugin if it runs one of them. */
  async #block(block: Omit<Block, "by">, actor: Actor): Promise<Block[]> {
    this.#stores.transaction(() => {
      this.#stores.installations.block(block);
      this.#stores.audit.append(actor, "block", block.plugin, { range: block.range, reason: block.reason });
    });
    const running = this.#stores.manifests.get(block.plugin);
    if (running !== undefined && this.#stores.installations.blockOf(block.plugin, running.version) !== undefined)
      await this.#ports.live?.plugins.halt(block.plugin);
    return this.#stores.installations.blocks();
  }

  async #plan(spec: string): ReturnType<Installer["plan"]> {
    const plan = await this.installer.plan(spec);
    // It may have fetched lists that withdraw what runs.
    await this.haltRevoked();
    return plan;
  }

  /** Stops what a list of revocations has withdrawn, and answers their names. */
  async haltRevoked(): Promise<readonly string[]> {
    const { installations, manifests, audit } = this.#stores;
    const halted: string[] = [];
    for (const [name, { version }] of manifests) {
      const block = installations.blockOf(name, version);
      const state = this.#ports.live?.core.plugin(name)?.state;
      if (block?.by !== "list" || state === undefined || state === "stopped") continue;
      await this.#queue.run(name, async () => this.#ports.live?.plugins.halt(name));
      audit.append("host", "revoked", name, { version, reason: block.reason });
      halted.push(name);
    }
    return halted;
  }

  #unblock({ plugin, range }: Pick<Block, "plugin" | "range">, actor: Actor): Block[] {
    if (!this.#stores.installations.unblock(plugin, range))
      throw new HostError("invalid-message", `${printable(plugin)}@${printable(range)} is not blocked`);
    this.#stores.audit.append(actor, "unblock", plugin, { range });
    return this.#stores.installations.blocks();
  }

  #release(name: string, actor: Actor): string {
    if (!this.#stores.quarantine.release(name)) {
      const known = this.#stores.quarantine.names().join(", ") || "nobody is";
      throw new HostError("invalid-message", `${printable(name)} is not quarantined; quarantined: ${known}`);
    }
    this.#stores.audit.append(actor, "release", name);
    return name;
  }

  async #control(operation: "start" | "stop" | "restart", name: string, actor: Actor): Promise<PluginSummary> {
    const { live } = this.#ports;
    if (live === undefined)
      throw new HostError("plugin-not-running", `${printable(name)} cannot ${operation}: no host runs; "bulkhead serve" starts one`);
    if (operation !== "stop") await live.plugins.bring(name);
    const plugin = live.core.plugin(name);
    if (plugin === undefined) throw new HostError("plugin-not-running", `${printable(name)} is not there, so it does not run`);
    if (operation !== "stop") this.#stores.installations.refuseBlocked(plugin.definition);
    this.#stores.transaction(() => {
      this.#stores.installations.setEnabled(name, operation !== "stop");
      this.#stores.audit.append(actor, operation, name);
    });
    if (operation === "stop") await plugin.stop(this.#stores.configuration.drainMs);
    else await live.plugins[operation](name);
    const [summary] = this.plugins.list().filter((line) => line.plugin === name);
    if (summary === undefined) throw new HostError("internal", `${name} is gone`);
    return summary;
  }

  #change(request: GrantInput, actor: Actor, action: "grant" | "revoke", write: () => void): void {
    const { plugin, permission, resource, untilRestart = false, reason = "" } = request;
    this.#stores.permissions.manifestOf(plugin);
    compileResource(permission, resource);
    this.#stores.transaction(() => {
      write();
      this.#stores.audit.append(actor, action, plugin, { permission, resource, untilRestart, reason });
    });
    this.#ports.live?.core.plugin(plugin)?.permissions.replaceGrants(this.#stores.grantsOf(plugin));
    this.#ports.live?.plugins.changed(plugin);
  }
}
