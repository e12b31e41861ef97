// What an operator can do with a host, running or not: one method an operation. Checks what it is given, writes it down, tells the audit log,
// and lets the running host know. It does not know how it is reached.

import { z } from "zod";
import { HostError, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import type { Grant, Permission } from "../core/permissions.ts";
import type { Clock } from "../core/ports.ts";
import { type Configuration, pluginSettings } from "../install/configuration.ts";
import { brokenDependents, type Dependency, dependenciesOf, dependentsOf, unmetDependencies } from "../install/dependencies.ts";
import type { Lock, LockedPlugin } from "../install/lock.ts";
import { describeIssues, type Manifest, pluginName } from "../install/manifest.ts";
import { updateSpec } from "../install/package-sources.ts";
import { idOf, PackageStore } from "../install/package-store.ts";
import { compileResource, PERMISSIONS } from "../install/resources.ts";
import { type Actor, AuditLog } from "./audit.ts";
import type { HostDatabase } from "./database.ts";
import { GrantStore, type StoredGrant } from "./grants.ts";
import { type Block, type Installation, Installations } from "./installations.ts";
import { Installer, installSchema, type LivePlugins, type Sources, updateSchema } from "./installer.ts";
import { type SecretInfo, SecretStore } from "./secrets.ts";
import { Snapshots } from "./snapshots.ts";
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

/** All that can be told of one plugin. */
export interface PluginDetails extends PluginSummary {
  readonly description: string | undefined;
  /** Where it came from; undefined for a folder that the configuration names. */
  readonly installation: Installation | undefined;
  readonly services: readonly string[];
  readonly subscriptions: readonly string[];
  readonly dependencies: readonly Dependency[];
  readonly permissions: readonly PermissionStatus[];
  readonly limits: Manifest["limits"];
}

export interface Outdated {
  readonly plugin: string;
  readonly source: string;
  readonly installed: string;
  /** What the source has now; undefined when it cannot be asked. */
  readonly latest: string | undefined;
  readonly problem: string | undefined;
}

/** One line of what a plugin may do: what it asks for, or what was granted although it does not ask. */
export interface PermissionStatus {
  readonly permission: Permission;
  readonly resource: string;
  /** The author's; undefined for what the manifest does not ask for. */
  readonly reason: string | undefined;
  readonly status: "granted" | "partly granted" | "not granted" | "denied" | "not asked for";
  /** The grants and denials that speak of it. */
  readonly by: readonly string[];
  /** ISO 8601; undefined when it never was. */
  readonly lastUsed: string | undefined;
}

export interface PluginSummary {
  readonly plugin: string;
  readonly version: string;
  /** `not running` when the host does not run. */
  readonly state: string;
  readonly isolation: string;
  readonly queued: number;
  readonly failure: string | undefined;
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
const noneSchema: z.ZodType<object> = z.strictObject({});

export class Administration {
  readonly audit: AuditLog;
  readonly usage: PermissionUsage;
  readonly #ports: AdministrationPorts;
  readonly installer: Installer;
  readonly secrets: SecretStore;
  readonly #grants: GrantStore;
  readonly #installations: Installations;
  #host: Host | undefined;

  constructor(ports: AdministrationPorts) {
    this.#ports = ports;
    this.audit = new AuditLog(ports.database.connection, ports.clock);
    this.usage = new PermissionUsage(ports.database.connection, ports.clock, this.audit);
    this.#grants = new GrantStore(ports.database.connection, ports.clock);
    this.#installations = new Installations(ports.database.connection, ports.clock);
    const { configuration, manifests, sources, database } = ports;
    this.secrets = new SecretStore(database.connection, ports.clock, configuration.dataDir);
    this.installer = new Installer({
      connection: database.connection,
      audit: this.audit,
      grants: this.#grants,
      installations: this.#installations,
      snapshots: new Snapshots(configuration.dataDir),
      packages: new PackageStore(configuration.dataDir),
      sources,
      manifests,
      isConfigured: (plugin) => Object.hasOwn(configuration.plugins, plugin),
      unmet: (manifest) => [...unmetDependencies(manifest, manifests), ...brokenDependents(manifest, manifests)],
      dependents: (plugin) => dependentsOf(plugin, manifests),
    });
  }

  /** From now on operations act on this host too. Forgets what was granted until the restart that this is. */
  attach(host: Host, plugins: LivePlugins): void {
    this.#grants.dropUntilRestart();
    this.#host = host;
    this.installer.live = plugins;
  }

  /** What counts for a plugin: the configuration's grants and those given at run time. */
  grantsOf(name: string): Grant[] {
    return [...this.#configured(name), ...this.#grants.list(name)];
  }

  /** Does an operation by its name. Throws HostError `invalid-message` for what is no operation or malformed. */
  async invoke(operation: string, input: unknown, actor: Actor): Promise<unknown> {
    switch (operation) {
      case "list":
        parse(noneSchema, input);
        return this.list();
      case "info":
        return this.info(parse(pluginSchema, input).plugin);
      case "outdated":
        parse(noneSchema, input);
        return this.outdated();
      case "lock":
        parse(noneSchema, input);
        return Object.fromEntries(await this.lock());
      case "release":
        return this.#release(parse(pluginSchema, input).plugin, actor);
      case "permissions":
        return this.permissions(parse(pluginSchema, input).plugin);
      case "grant":
        return this.grant(parse(grantSchema, input), actor);
      case "revoke":
        return this.revoke(parse(grantSchema, input), actor);
      case "plan":
        return this.installer.plan(parse(planSchema, input).spec);
      case "install":
        return this.installer.install(parse(installSchema, input), actor);
      case "update":
        return this.installer.update(parse(updateSchema, input), actor);
      case "rollback":
        return this.installer.rollback(parse(pluginSchema, input).plugin, actor);
      case "uninstall": {
        const { plugin, purge } = parse(uninstallSchema, input);
        return this.installer.uninstall(plugin, purge, actor);
      }
      case "unload":
        return this.installer.unload(parse(pluginSchema, input).plugin, actor);
      case "installations":
        parse(noneSchema, input);
        return this.#installations.list();
      case "block":
        return this.#block(parse(blockSchema, input), actor);
      case "unblock": {
        const { plugin, range } = parse(unblockSchema, input);
        if (!this.#installations.unblock(plugin, range))
          throw new HostError("invalid-message", `${printable(plugin)}@${printable(range)} is not blocked`);
        this.audit.append(actor, "unblock", plugin, { range });
        return this.#installations.blocks();
      }
      case "blocks":
        parse(noneSchema, input);
        return this.#installations.blocks();
      case "set-secret":
        return this.#setSecret(parse(secretSchema, input), actor);
      case "remove-secret":
        return this.#removeSecret(parse(secretNameSchema, input).name, actor);
      case "secrets":
        parse(noneSchema, input);
        return this.secrets.list();
      case "start":
      case "stop":
      case "restart":
        return this.control(operation, parse(pluginSchema, input).plugin, actor);
      case "audit":
        this.usage.write();
        return this.audit.read(parse(readSchema, input));
      case "verify":
        parse(noneSchema, input);
        return this.audit.verify();
      default:
        throw new HostError("invalid-message", `"${printable(operation)}" is no operation`);
    }
  }

  list(): PluginSummary[] {
    const configured = Object.entries(this.#ports.configuration.plugins).map(([plugin, { isolation }]) => ({ plugin, isolation }));
    const installed = this.#installations.list().map(({ plugin, settings }) => ({ plugin, isolation: pluginSettings(settings).isolation }));
    return [...configured, ...installed].map(({ plugin, isolation }) => {
      const live = this.#host?.plugin(plugin);
      return {
        plugin,
        version: this.#ports.manifests.get(plugin)?.version ?? "",
        state: this.#host === undefined ? "not running" : (live?.state ?? "left out"),
        isolation,
        queued: live?.queued ?? 0,
        failure: live?.failure?.message,
      };
    });
  }

  info(name: string): PluginDetails {
    const manifest = this.#manifest(name);
    const summary = this.list().find(({ plugin }) => plugin === name);
    if (summary === undefined) throw new HostError("internal", `${name} has a manifest and is not there`);
    return {
      ...summary,
      description: manifest.description,
      installation: this.#installations.find(name),
      services: Object.keys(manifest.services),
      subscriptions: manifest.subscriptions.map(({ type }) => type),
      dependencies: dependenciesOf(manifest),
      permissions: this.permissions(name),
      limits: manifest.limits,
    };
  }

  /** Every installed plugin with the version that its source has now. */
  async outdated(): Promise<Outdated[]> {
    return Promise.all(
      this.#installations.list().map(async ({ plugin, source, version: installed }) => {
        const base = { plugin, source, installed };
        try {
          const { version: latest } = await this.#ports.sources.resolve(updateSpec(source));
          return { ...base, latest, problem: undefined };
        } catch (thrown) {
          return { ...base, latest: undefined, problem: toHostError(thrown).message };
        }
      }),
    );
  }

  /** What is there now, as bulkhead.lock would have it. A configured folder counts as it lies there. */
  async lock(): Promise<Lock> {
    const actual = new Map<string, LockedPlugin>();
    for (const [name, { path, source }] of Object.entries(this.#ports.configuration.plugins)) {
      const locked = source === undefined ? await this.#lockedFolder(path ?? "") : this.#ports.lock.get(name);
      if (locked !== undefined) actual.set(name, { ...locked, permissions: this.#lasting(name), configured: true, settings: {} });
    }
    for (const { plugin, version, source, integrity, wasmSha256, package: id, settings } of this.#installations.list()) {
      const permissions = this.#lasting(plugin);
      actual.set(plugin, { version, source, integrity, wasmSha256, package: id, permissions, configured: false, settings });
    }
    return actual;
  }

  permissions(name: string): PermissionStatus[] {
    const { permissions: requested } = this.#manifest(name);
    const grants = this.#describedGrants(name);
    const lastUsed = this.usage.lastUsed(name);
    const about = (permission: Permission, resource: string): DescribedGrant[] =>
      grants.filter((grant) => grant.permission === permission && overlaps(permission, grant.resource, resource));
    const asked = requested.map(({ permission, resource, reason }): PermissionStatus => {
      const by = about(permission, resource);
      const used = by.map((grant) => lastUsed.get(`${permission} ${grant.resource}`) ?? "").sort();
      return {
        permission,
        resource,
        reason,
        status: statusOf(permission, resource, by),
        by: by.map(({ text }) => text),
        lastUsed: used.at(-1) || undefined,
      };
    });
    const pointless = grants.filter(({ permission, resource }) =>
      requested.every((request) => request.permission !== permission || !overlaps(permission, request.resource, resource)),
    );
    const rest = pointless.map(
      ({ permission, resource, text }): PermissionStatus => ({
        permission,
        resource,
        reason: undefined,
        status: "not asked for",
        by: [text],
        lastUsed: undefined,
      }),
    );
    return [...asked, ...rest];
  }

  /** Takes effect at the plugin's next host call. */
  grant(request: GrantInput, actor: Actor): PermissionStatus[] {
    this.#change(request, actor, "grant", () => this.#grants.allow({ ...request, by: actor }));
    return this.permissions(request.plugin);
  }

  /** Takes effect at the plugin's next host call; what goes on under the grant ends. */
  revoke(request: GrantInput, actor: Actor): PermissionStatus[] {
    this.#change(request, actor, "revoke", () => this.#grants.revoke({ ...request, by: actor }, this.#configured(request.plugin)));
    return this.permissions(request.plugin);
  }

  /** Refuses these versions from now on, and stops the plugin if it runs one of them. */
  async #block(block: Block, actor: Actor): Promise<Block[]> {
    this.#ports.database.connection.transaction(() => {
      this.#installations.block(block);
      this.audit.append(actor, "block", block.plugin, { range: block.range, reason: block.reason });
    })();
    const running = this.#ports.manifests.get(block.plugin);
    if (running !== undefined && this.#installations.blockOf(block.plugin, running.version) !== undefined) {
      await this.#host?.plugin(block.plugin)?.stop(0);
    }
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

  async control(operation: "start" | "stop" | "restart", name: string, actor: Actor): Promise<PluginSummary> {
    const plugin = this.#host?.plugin(name);
    if (this.#host === undefined || plugin === undefined) {
      throw new HostError(
        "plugin-not-running",
        `${printable(name)} cannot ${operation}: ${this.#host === undefined ? "the host does not run" : "it is not there"}`,
      );
    }
    this.#ports.database.connection.transaction(() => {
      this.#installations.setEnabled(name, operation !== "stop");
      this.audit.append(actor, operation, name);
    })();
    if (operation === "stop") await plugin.stop(this.#ports.configuration.drainMs);
    else if (operation === "start") await this.#host.start(name);
    else await this.installer.live?.restart(name);
    const [summary] = this.list().filter((line) => line.plugin === name);
    if (summary === undefined) throw new HostError("internal", `${name} is gone`);
    return summary;
  }

  close(): void {
    this.usage.close();
    this.#ports.database.close();
  }

  #change(request: GrantInput, actor: Actor, action: "grant" | "revoke", write: () => void): void {
    const { plugin, permission, resource, untilRestart = false, reason = "" } = request;
    this.#manifest(plugin);
    compileResource(permission, resource);
    this.#ports.database.connection.transaction(() => {
      write();
      this.audit.append(actor, action, plugin, { permission, resource, untilRestart, reason });
    })();
    this.#host?.plugin(plugin)?.permissions.replaceGrants(this.grantsOf(plugin));
  }

  #configured(name: string): readonly Grant[] {
    const { grants } = this.#ports.configuration.plugins[name] ?? { grants: [] };
    return grants === "all" ? (this.#ports.manifests.get(name)?.permissions ?? []) : grants;
  }

  #lasting(name: string): Grant[] {
    const stored = this.#grants.list(name).filter(({ untilRestart }) => !untilRestart);
    return [...this.#configured(name), ...stored].map(({ permission, resource, effect }) =>
      effect === undefined ? { permission, resource } : { permission, resource, effect },
    );
  }

  async #lockedFolder(path: string): Promise<Omit<LockedPlugin, "permissions" | "configured" | "settings"> | undefined> {
    const fetched = await this.#ports.sources.fetch(path).catch(() => undefined);
    if (fetched === undefined) return undefined;
    const { manifest, source, integrity, wasmSha256 } = fetched;
    return { version: manifest.version, source, integrity, wasmSha256, package: idOf(fetched) };
  }

  #describedGrants(name: string): DescribedGrant[] {
    const configured = this.#configured(name).map((grant) => ({
      ...grant,
      text: `${grant.effect ?? "allow"} ${grant.resource} (configuration)`,
    }));
    return [...configured, ...this.#grants.list(name).map((grant) => ({ ...grant, text: describe(grant) }))];
  }

  #manifest(name: string): Manifest {
    const manifest = this.#ports.manifests.get(name);
    if (manifest !== undefined) return manifest;
    const known = [...this.#ports.manifests.keys()].join(", ") || "none";
    throw new HostError("invalid-message", `there is no plugin ${printable(name)}; known: ${known}`);
  }
}

type DescribedGrant = Grant & { readonly text: string };

const describe = ({ effect, resource, by, at, untilRestart, reason }: StoredGrant): string =>
  `${effect} ${resource} (${by}, ${at}${untilRestart ? ", until restart" : ""}${reason === "" ? "" : `, ${reason}`})`;

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new HostError("invalid-message", "the operation's input is malformed", { detail: describeIssues(parsed.error) });
}

/** Whether one pattern, read as a name, falls under the other; good enough to show what belongs together, never to decide. */
function overlaps(permission: Permission, a: string, b: string): boolean {
  return a === b || covers(permission, a, b) || covers(permission, b, a);
}

function covers(permission: Permission, pattern: string, other: string): boolean {
  const matches = compileResource(permission, pattern);
  return namesUnder(permission, other).every((name) => matches(name));
}

/** Names of a pattern that only an equal or wider pattern matches: something stands in for each wildcard. */
function namesUnder(permission: Permission, pattern: string): string[] {
  if (permission === "http.private") return [pattern.slice(0, pattern.indexOf("/"))];
  if (permission !== "http.fetch") return [pattern.replaceAll("**", "x.x").replaceAll("*", "x")];
  const [, methods = "GET,POST,PUT,DELETE", url = ""] = /^(?:(\S+) )?(\S+)$/.exec(pattern) ?? [];
  const { protocol, hostname, port, pathname } = new URL(url.replace("://*.", "://x.").replace(/:\*(?=\/|$)/, ":1"));
  const effectivePort = port || (protocol === "https:" ? "443" : "80");
  return methods.split(",").map((method) => `${method} ${protocol}//${hostname}:${effectivePort}${pathname}`);
}

function statusOf(permission: Permission, resource: string, grants: readonly DescribedGrant[]): PermissionStatus["status"] {
  const covering = grants.filter((grant) => covers(permission, grant.resource, resource));
  if (covering.some(({ effect }) => effect === "deny")) return "denied";
  const isAllowed = covering.length > 0;
  const partly = grants.length > covering.length;
  if (isAllowed) return grants.some(({ effect }) => effect === "deny") ? "partly granted" : "granted";
  return partly && grants.some(({ effect }) => effect !== "deny") ? "partly granted" : "not granted";
}
