// What each plugin may do, for people: what it asks for, who gave or denied what, what is used and what is refused.

import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Grant, Permission } from "../core/types.ts";
import type { PluginConfiguration } from "../manifest/configuration.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { compileResource, covers, overlaps } from "../manifest/resources.ts";
import type { AuditLog } from "./audit.ts";
import type { GrantStore, StoredGrant } from "./grants.ts";
import type { PermissionUsage } from "./usage.ts";

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

/** One line of the report over all plugins. */
export interface PermissionFinding {
  readonly plugin: string;
  readonly permission: string;
  readonly resource: string;
  readonly finding: "used" | "unused" | "never used" | "not granted" | "denied" | "not asked for" | "refused";
  /** Of the last use or refusal, ISO 8601. */
  readonly at: string | undefined;
  /** The command that changes it; undefined when there is none. */
  readonly remedy: string | undefined;
}

export interface PermissionOverviewPorts {
  /** What the configuration says of a plugin. */
  configured(plugin: string): Pick<PluginConfiguration, "grants"> | undefined;
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly grants: GrantStore;
  readonly usage: PermissionUsage;
  readonly audit: AuditLog;
}

const DAY_MS = 86_400_000;
// Of the audit log, to look for what was refused.
const MAX_ENTRIES = 2_000;

export class PermissionOverview {
  readonly #ports: PermissionOverviewPorts;

  constructor(ports: PermissionOverviewPorts) {
    this.#ports = ports;
  }

  /** The configuration's grants. */
  configured(name: string): readonly Grant[] {
    const { grants } = this.#ports.configured(name) ?? { grants: [] };
    return grants === "all" ? (this.#ports.manifests.get(name)?.permissions ?? []) : grants;
  }

  /** What counts: the configuration's grants and those given at run time. */
  grantsOf(name: string): Grant[] {
    return [...this.configured(name), ...this.#ports.grants.list(name)];
  }

  /** Those that outlive a restart. */
  lastingGrantsOf(name: string): Grant[] {
    const stored = this.#ports.grants.list(name).filter(({ untilRestart }) => !untilRestart);
    return [...this.configured(name), ...stored].map(({ permission, resource, effect }) =>
      effect === undefined ? { permission, resource } : { permission, resource, effect },
    );
  }

  /** Throws HostError `invalid-message` for a plugin that is not there. */
  manifestOf(name: string): Manifest {
    const manifest = this.#ports.manifests.get(name);
    if (manifest !== undefined) return manifest;
    const known = [...this.#ports.manifests.keys()].join(", ") || "none";
    throw new HostError("invalid-message", `there is no plugin ${printable(name)}; known: ${known}`);
  }

  statusOf(name: string): PermissionStatus[] {
    const { permissions: requested } = this.manifestOf(name);
    const grants = this.#describedGrants(name);
    const lastUsed = this.#ports.usage.lastUsed(name);
    const about = (permission: Permission, resource: string): DescribedGrant[] =>
      grants.filter((grant) => grant.permission === permission && overlaps(permission, grant.resource, resource, grant.effect));
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
    const pointless = grants.filter(({ permission, resource, effect }) =>
      requested.every((request) => request.permission !== permission || !overlaps(permission, request.resource, resource, effect)),
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

  /** Over all plugins: what is used, what is not used for `unusedDays`, what is not granted, and what was refused. */
  report(unusedDays: number, nowMs: number): PermissionFinding[] {
    const since = new Date(nowMs - unusedDays * DAY_MS).toISOString();
    const asked = [...this.#ports.manifests.keys()].flatMap((plugin) =>
      this.statusOf(plugin).map((status) => findingOf(plugin, status, since)),
    );
    return [...asked, ...this.#refusals()];
  }

  // What was refused and still would be.
  #refusals(): PermissionFinding[] {
    const last = new Map<string, PermissionFinding>();
    for (const { at, action, subject: plugin, detail } of this.#ports.audit.read({ limit: MAX_ENTRIES })) {
      const { permission, resource, verdict } = detail;
      if (action !== "denied" || typeof permission !== "string" || typeof resource !== "string") continue;
      if (!this.#ports.manifests.has(plugin) || this.#isAllowed(plugin, permission as Permission, resource)) continue;
      const remedy = verdict === "not-requested" ? undefined : `bulkhead grant ${plugin} ${permission} '${resource}'`;
      last.set(`${plugin} ${permission} ${resource}`, { plugin, permission, resource, finding: "refused", at, remedy });
    }
    return [...last.values()];
  }

  #isAllowed(plugin: string, permission: Permission, resource: string): boolean {
    const speaks = (grant: Grant): boolean =>
      grant.permission === permission && compileResource(permission, grant.resource, grant.effect)(resource);
    const grants = this.grantsOf(plugin).filter(speaks);
    return this.manifestOf(plugin).permissions.some(speaks) && grants.length > 0 && grants.every(({ effect }) => effect !== "deny");
  }

  #describedGrants(name: string): DescribedGrant[] {
    const configured = this.configured(name).map((grant) => ({
      ...grant,
      text: `${grant.effect ?? "allow"} ${grant.resource} (configuration)`,
    }));
    return [...configured, ...this.#ports.grants.list(name).map((grant) => ({ ...grant, text: describe(grant) }))];
  }
}

function findingOf(plugin: string, { permission, resource, status, lastUsed }: PermissionStatus, since: string): PermissionFinding {
  const base = { plugin, permission, resource, at: lastUsed };
  const command = (verb: string): string => `bulkhead ${verb} ${plugin} ${permission} '${resource}'`;
  if (status === "not asked for") return { ...base, finding: status, remedy: command("revoke") };
  if (status === "not granted" || status === "denied") return { ...base, finding: status, remedy: command("grant") };
  if (lastUsed === undefined) return { ...base, finding: "never used", remedy: command("revoke") };
  return lastUsed >= since ? { ...base, finding: "used", remedy: undefined } : { ...base, finding: "unused", remedy: command("revoke") };
}

type DescribedGrant = Grant & { readonly text: string };

const describe = ({ effect, resource, by, at, untilRestart, reason }: StoredGrant): string =>
  `${effect} ${resource} (${by}, ${at}${untilRestart ? ", until restart" : ""}${reason === "" ? "" : `, ${reason}`})`;

function statusOf(permission: Permission, resource: string, grants: readonly DescribedGrant[]): PermissionStatus["status"] {
  const covering = grants.filter((grant) => covers(permission, grant.resource, resource, grant.effect));
  if (covering.some(({ effect }) => effect === "deny")) return "denied";
  const isAllowed = covering.length > 0;
  const partly = grants.length > covering.length;
  if (isAllowed) return grants.some(({ effect }) => effect === "deny") ? "partly granted" : "granted";
  return partly && grants.some(({ effect }) => effect !== "deny") ? "partly granted" : "not granted";
}
