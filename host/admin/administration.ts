// What an operator can do with a host, running or not: one method an operation. Checks what it is given, writes it down, tells the audit log,
// and lets the running host know. It does not know how it is reached.

import { join } from "node:path";
import { z } from "zod";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import type { Grant, Permission } from "../core/permissions.ts";
import type { Clock } from "../core/ports.ts";
import type { Configuration } from "../install/configuration.ts";
import { brokenDependents, dependentsOf, unmetDependencies } from "../install/dependencies.ts";
import type { Lock } from "../install/lock.ts";
import { describeIssues, type Manifest, pluginName } from "../install/manifest.ts";
import { PackageStore } from "../install/package-store.ts";
import { compileResource, PERMISSIONS } from "../install/resources.ts";
import { type Actor, AuditLog } from "./audit.ts";
import { AuditAnchor } from "./audit-anchor.ts";
import type { HostDatabase } from "./database.ts";
import { GrantStore } from "./grants.ts";
import { type Block, Installations } from "./installations.ts";
import { Installer, installSchema, type LivePlugins, type Sources, updateSchema } from "./installer.ts";
import { OperationQueue } from "./operation-queue.ts";
import { PermissionOverview, type PermissionStatus } from "./permission-overview.ts";
import { PluginOverview, type PluginSummary } from "./plugin-overview.ts";
import { type SecretInfo, SecretStore } from "./secrets.ts";
import { Snapshots } from "./snapshots.ts";
import { asStorageError } from "./storage-error.ts";
import { PermissionUsage } from "./usage.ts";

export interface AdministrationPorts {
  readonly configuration: Configuration;
  readonly database: HostDatabase;
  readonly clock: Clock;
  /** The manifests of the configured plugins that could be read; those of installed ones are added. */
  readonly manifests: Map<string, Manifest>;
  readonly sources: Sources;
  readonly lock: Lock;
  readonly quarantine: { names(): readonly string[]; release(plugin: string): boolean };
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
const blockSchema: z.ZodType<Block> = z.strictObject({ plugin: pluginName, range: z.string(), reason: z.string().min(1).max(500) });
const unblockSchema: z.ZodType<Pick<Block, "plugin" | "range">> = z.strictObject({ plugin: pluginName, range: z.string() });
const readSchema: z.ZodType<{ readonly after?: number | undefined; readonly limit?: number | undefined }> = z.strictObject({
  after: z.int().nonnegative().optional(),
  limit: z.int().positive().optional(),
});
const secretSchema: z.ZodType<{ readonly name: string; readonly value: string; readonly to: readonly string[] }> = z.strictObject({
  name: z.string(),
  value: z.string(),
  to: z.array(z.string()).max(64),
});
const secretNameSchema: z.ZodType<{ readonly name: string }> = z.strictObject({ name: z.string() });
const reportSchema: z.ZodType<{ readonly unusedDays: number }> = z.strictObject({ unusedDays: z.number().nonnegative().max(36_500) });
const noneSchema: z.ZodType<object> = z.strictObject({});

export class Administration {
  readonly audit: AuditLog;
  readonly usage: PermissionUsage;
  readonly installer: Installer;
  readonly secrets: SecretStore;
  readonly #ports: AdministrationPorts;
  readonly #queue = new OperationQueue();
  readonly #grants: GrantStore;
  readonly #installations: Installations;
  readonly #permissions: PermissionOverview;
  readonly #plugins: PluginOverview;
  readonly #operations: ReadonlyMap<string, Operation>;

  constructor(ports: AdministrationPorts) {
    const { configuration, manifests, sources, database, clock, lock } = ports;
    const { connection } = database;
    this.#ports = ports;
    this.audit = new AuditLog(connection, clock, new AuditAnchor(configuration.dataDir));
    this.usage = new PermissionUsage(connection, clock, this.audit);
    this.secrets = new SecretStore(connection, clock, configuration.dataDir);
    this.#grants = new GrantStore(connection, clock);
    this.#installations = new Installations(connection, clock);
    const { plugins: configured } = configuration;
    const shared = { configured, manifests, installations: this.#installations, grants: this.#grants, audit: this.audit };
    this.#permissions = new PermissionOverview({ ...shared, usage: this.usage });
    this.#plugins = new PluginOverview({ ...shared, permissions: this.#permissions, sources, lock });
    this.installer = new Installer({
      ...shared,
      connection,
      queue: this.#queue,
      snapshots: new Snapshots(configuration.dataDir),
      packages: new PackageStore(configuration.dataDir),
      sources,
      isConfigured: (plugin) => Object.hasOwn(configured, plugin),
      unmet: (manifest) => [...unmetDependencies(manifest, manifests), ...brokenDependents(manifest, manifests)],
      dependents: (plugin) => dependentsOf(plugin, manifests),
    });
    this.#operations = this.#table();
  }

  /** From now on operations act on this host too. Forgets what was granted until the restart that this is. */
  attach(host: Host, plugins: LivePlugins): void {
    this.#grants.dropUntilRestart();
    this.#plugins.host = host;
    this.installer.live = plugins;
  }

  /** What counts for a plugin: the configuration's grants and those given at run time. */
  grantsOf(name: string): Grant[] {
    return this.#permissions.grantsOf(name);
  }

  /** What is there now, as bulkhead.lock would have it. */
  lock(): Promise<Lock> {
    return this.#plugins.lock();
  }

  /** Does an operation by its name. Throws HostError `invalid-message` for what is no operation or malformed. */
  async invoke(name: string, input: unknown, actor: Actor): Promise<unknown> {
    const operation = this.#operations.get(name);
    if (operation === undefined) throw new HostError("invalid-message", `"${printable(name)}" is no operation`);
    try {
      return await operation(input, actor);
    } catch (cause) {
      throw asStorageError(join(this.#ports.configuration.dataDir, "host.sqlite"), cause);
    }
  }

  /** What an operator has to know of the data when a host starts, in words. */
  troubles(): string[] {
    const loss = this.audit.loss();
    const secrets = this.secrets.list();
    const sealed = secrets.filter(({ opens }) => !opens);
    const short = secrets.filter(({ isTooShort }) => isTooShort);
    return [
      ...(loss === undefined
        ? []
        : [
            `the record of this host was lost: ${loss}. Blocks, grants and installed plugins may be gone; "bulkhead audit --accept-loss" ends this warning`,
          ]),
      ...(sealed.length === 0
        ? []
        : [
            `the secrets ${sealed.map(({ name }) => name).join(", ")} cannot be opened: bring back secret.key, or set them again (bulkhead secret set)`,
          ]),
      ...(short.length === 0
        ? []
        : [`the secrets ${short.map(({ name }) => name).join(", ")} are too short to be hidden and are not filled in; set longer ones`]),
    ];
  }

  /** Throws HostError `conflict` for a version that is blocked; to be asked wherever a plugin is added, exchanged or started. */
  refuseBlocked(plugin: { readonly name: string; readonly version: string }): void {
    this.#installations.refuseBlocked(plugin);
  }

  #table(): ReadonlyMap<string, Operation> {
    const plugins = this.#plugins;
    const { installer } = this;
    return new Map<string, Operation>([
      ["list", checked(noneSchema, () => plugins.list())],
      ["info", checked(pluginSchema, ({ plugin }) => plugins.info(plugin))],
      ["outdated", checked(noneSchema, () => plugins.outdated())],
      ["lock", checked(noneSchema, async () => Object.fromEntries(await plugins.lock()))],
      ["permissions", checked(pluginSchema, ({ plugin }) => this.#permissions.statusOf(plugin))],
      ["report", checked(reportSchema, ({ unusedDays }) => this.#report(unusedDays))],
      ["installations", checked(noneSchema, () => this.#installations.list())],
      ["blocks", checked(noneSchema, () => this.#installations.blocks())],
      ["secrets", checked(noneSchema, () => this.secrets.list())],
      ["audit", checked(readSchema, (range) => this.#read(range))],
      ["verify", checked(noneSchema, () => this.audit.verify())],
      ["accept-loss", checked(noneSchema, (_none, actor) => this.audit.acceptLoss(actor))],
      ["plan", checked(planSchema, ({ spec }) => installer.plan(spec))],
      ["grant", checked(grantSchema, (request, actor) => this.#grant(request, actor))],
      ["revoke", checked(grantSchema, (request, actor) => this.#revoke(request, actor))],
      ["install", checked(installSchema, (request, actor) => installer.install(request, actor))],
      ["update", checked(updateSchema, (request, actor) => installer.update(request, actor))],
      ["rollback", checked(pluginSchema, ({ plugin }, actor) => installer.rollback(plugin, actor))],
      ["uninstall", checked(uninstallSchema, ({ plugin, purge }, actor) => installer.uninstall(plugin, purge, actor))],
      ["unload", checked(pluginSchema, ({ plugin }, actor) => installer.unload(plugin, actor))],
      ["block", checked(blockSchema, (block, actor) => this.#queue.run(block.plugin, () => this.#block(block, actor)))],
      ["unblock", checked(unblockSchema, (block, actor) => this.#unblock(block, actor))],
      ["set-secret", checked(secretSchema, (secret, actor) => this.#setSecret(secret, actor))],
      ["remove-secret", checked(secretNameSchema, ({ name }, actor) => this.#removeSecret(name, actor))],
      ["release", checked(pluginSchema, ({ plugin }, actor) => this.#release(plugin, actor))],
      ...(["start", "stop", "restart"] as const).map(
        (verb) =>
          [verb, checked(pluginSchema, ({ plugin }, actor) => this.#queue.run(plugin, () => this.#control(verb, plugin, actor)))] as const,
      ),
    ]);
  }

  #read(range: Parameters<AuditLog["read"]>[0]): ReturnType<AuditLog["read"]> {
    this.usage.write();
    return this.audit.read(range);
  }

  #report(unusedDays: number): ReturnType<PermissionOverview["report"]> {
    this.usage.write();
    return this.#permissions.report(unusedDays, this.#ports.clock.now());
  }

  /** Takes effect at the plugin's next host call. */
  #grant(request: GrantInput, actor: Actor): PermissionStatus[] {
    this.#change(request, actor, "grant", () => this.#grants.allow({ ...request, by: actor }));
    return this.#permissions.statusOf(request.plugin);
  }

  /** Takes effect at the plugin's next host call; what goes on under the grant ends. */
  #revoke(request: GrantInput, actor: Actor): PermissionStatus[] {
    this.#change(request, actor, "revoke", () =>
      this.#grants.revoke({ ...request, by: actor }, this.#permissions.configured(request.plugin)),
    );
    return this.#permissions.statusOf(request.plugin);
  }

  /** Refuses these versions from now on, and stops the plugin if it runs one of them. */
  async #block(block: Block, actor: Actor): Promise<Block[]> {
    this.#ports.database.connection.transaction(() => {
      this.#installations.block(block);
      this.audit.append(actor, "block", block.plugin, { range: block.range, reason: block.reason });
    })();
    const running = this.#ports.manifests.get(block.plugin);
    if (running !== undefined && this.#installations.blockOf(block.plugin, running.version) !== undefined)
      await this.installer.live?.halt(block.plugin);
    return this.#installations.blocks();
  }

  #unblock({ plugin, range }: Pick<Block, "plugin" | "range">, actor: Actor): Block[] {
    if (!this.#installations.unblock(plugin, range))
      throw new HostError("invalid-message", `${printable(plugin)}@${printable(range)} is not blocked`);
    this.audit.append(actor, "unblock", plugin, { range });
    return this.#installations.blocks();
  }

  #setSecret(
    { name, value, to }: { readonly name: string; readonly value: string; readonly to: readonly string[] },
    actor: Actor,
  ): SecretInfo[] {
    this.#ports.database.connection.transaction(() => {
      this.secrets.set(name, value, to);
      this.audit.append(actor, "set-secret", name, { to });
    })();
    return this.secrets.list();
  }

  #removeSecret(name: string, actor: Actor): SecretInfo[] {
    this.#ports.database.connection.transaction(() => {
      if (!this.secrets.remove(name)) throw new HostError("invalid-message", `there is no secret ${printable(name)}`);
      this.audit.append(actor, "remove-secret", name);
    })();
    return this.secrets.list();
  }

  #release(name: string, actor: Actor): string {
    if (!this.#ports.quarantine.release(name)) {
      const known = this.#ports.quarantine.names().join(", ") || "nobody is";
      throw new HostError("invalid-message", `${printable(name)} is not quarantined; quarantined: ${known}`);
    }
    this.audit.append(actor, "release", name);
    return name;
  }

  async #control(operation: "start" | "stop" | "restart", name: string, actor: Actor): Promise<PluginSummary> {
    const plugin = this.#plugins.host?.plugin(name);
    const { live } = this.installer;
    if (live === undefined || plugin === undefined) {
      throw new HostError(
        "plugin-not-running",
        `${printable(name)} cannot ${operation}: ${live === undefined ? "the host does not run" : "it is not there"}`,
      );
    }
    if (operation !== "stop") this.refuseBlocked(plugin.definition);
    this.#ports.database.connection.transaction(() => {
      this.#installations.setEnabled(name, operation !== "stop");
      this.audit.append(actor, operation, name);
    })();
    if (operation === "stop") await plugin.stop(this.#ports.configuration.drainMs);
    else if (operation === "start") await live.start(name);
    else await live.restart(name);
    const [summary] = this.#plugins.list().filter((line) => line.plugin === name);
    if (summary === undefined) throw new HostError("internal", `${name} is gone`);
    return summary;
  }

  /** Writes down what is left to write; the database stays open. Throws HostError `storage-failed` when that is not possible. */
  close(): void {
    try {
      this.usage.close();
      this.audit.close();
    } catch (cause) {
      throw asStorageError(this.#ports.configuration.dataDir, cause);
    }
  }

  #change(request: GrantInput, actor: Actor, action: "grant" | "revoke", write: () => void): void {
    const { plugin, permission, resource, untilRestart = false, reason = "" } = request;
    this.#permissions.manifestOf(plugin);
    compileResource(permission, resource);
    this.#ports.database.connection.transaction(() => {
      write();
      this.audit.append(actor, action, plugin, { permission, resource, untilRestart, reason });
    })();
    this.#plugins.host?.plugin(plugin)?.permissions.replaceGrants(this.grantsOf(plugin));
  }
}

type Operation = (input: unknown, actor: Actor) => unknown;

/** An operation whose input is checked first. */
function checked<T>(schema: z.ZodType<T>, run: (input: T, actor: Actor) => unknown): Operation {
  return (input, actor) => run(parse(schema, input), actor);
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new HostError("invalid-message", "the operation's input is malformed", { detail: describeIssues(parsed.error, input) });
}
