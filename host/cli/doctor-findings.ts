// What is wrong with a host, and what mends it: pure, of what was found out about it.

import type { Verification } from "../admin/audit.ts";
import type { PermissionFinding } from "../admin/permission-overview.ts";
import type { PluginSummary } from "../admin/plugin-overview.ts";
import type { Reloaded } from "../admin/reload-operations.ts";
import type { UsedNow } from "../admin/telemetry-operations.ts";
import type { TokenInfo } from "../admin/tokens.ts";
import type { TrustStatus } from "../admin/trust-operations.ts";
import type { EventStatistics } from "../core/ports/events.ts";
import type { MissingPackages } from "../lifecycle/optional-packages.ts";

/** `error`: something does not work; `warning`: it will not, or somebody may be hurt by it; `note`: it could be tidier. */
export interface Finding {
  readonly severity: "error" | "warning" | "note";
  readonly what: string;
  /** What to do about it: a command where there is one. */
  readonly remedy: string;
}

/** What does not need a host. */
export interface MachineFacts {
  readonly escapes: readonly string[];
  readonly gaps: readonly string[];
  readonly missing: readonly MissingPackages[];
  readonly freeBytes: number | undefined;
  /** Of the certificate that doors show, milliseconds since 1970; undefined without one. */
  readonly certificateEndsAt: number | undefined;
  readonly now: number;
}

/** What the host of the folder says, or the folder itself where none runs. */
export interface HostFacts {
  readonly isLive: boolean;
  readonly plugins: readonly PluginSummary[];
  /** Plugins whose subscriptions nobody has granted, with the types. */
  readonly deaf: readonly { readonly plugin: string; readonly types: readonly string[] }[];
  /** Plugins with a version that waits for somebody's yes. */
  readonly pending: readonly { readonly plugin: string; readonly version: string }[];
  readonly unused: readonly PermissionFinding[];
  readonly drift: readonly string[];
  readonly audit: Verification;
  readonly tokens: readonly TokenInfo[];
  readonly trust: Pick<TrustStatus, "documents" | "revoked">;
  /** Undefined where no host runs. */
  readonly events: EventStatistics | undefined;
  readonly used: UsedNow | undefined;
  /** What is written and not in force; undefined where no host runs. */
  readonly written: Reloaded | undefined;
  /** Why what is written can never be in force. */
  readonly unwritable: string | undefined;
}

const MIB = 1_048_576;
const LEAST_FREE_BYTES = 512 * MIB;
const SOON_MS = 14 * 86_400_000;
const LATE_SECONDS = 0.25;

export const UNUSED_DAYS = 90;

export function findingsOfMachine(facts: MachineFacts): readonly Finding[] {
  const { escapes, gaps, missing, freeBytes, certificateEndsAt, now } = facts;
  return [
    ...missing.map(({ key, names, command }) => error(`${key} needs ${names.join(", ")}, which is not installed`, command)),
    ...escapes.map((one) =>
      warning(
        `V8 ${process.versions.v8} of this Node ${process.versions.node} has a known flaw: ${one}`,
        "install a newer Node; until then run strangers' plugins with isolation process",
      ),
    ),
    ...gaps.map((gap) => warning(`not held on this machine: ${gap}`, "docs/configuration.md, hardening")),
    ...(freeBytes === undefined || freeBytes >= LEAST_FREE_BYTES
      ? []
      : [
          warning(
            `the disk of the data folder has ${Math.floor(freeBytes / MIB)} MiB left`,
            "make room: what cannot be written is refused",
          ),
        ]),
    ...certificateFinding(certificateEndsAt, now),
  ];
}

function certificateFinding(endsAt: number | undefined, now: number): readonly Finding[] {
  if (endsAt === undefined || endsAt - now > SOON_MS) return [];
  const when = new Date(endsAt).toISOString();
  const remedy = "put a new one in its place: it is read without a restart";
  return [
    endsAt <= now
      ? error(`the certificate of tls.cert is over since ${when}`, remedy)
      : warning(`the certificate of tls.cert ends ${when}`, remedy),
  ];
}

export function findingsOfHost(facts: HostFacts, now: number): readonly Finding[] {
  const { plugins, deaf, pending, unused, drift, audit, tokens } = facts;
  return [
    ...(facts.isLive ? [] : [note("no host runs on this folder", "bulkhead serve")]),
    ...plugins.flatMap(findingOfPlugin),
    ...deaf.map(({ plugin, types: [first = "", ...rest] }) =>
      warning(
        `${plugin} subscribes to ${[first, ...rest].join(", ")} and hears nothing`,
        `bulkhead grant ${plugin} events.subscribe '${first}'`,
      ),
    ),
    ...pending.map(({ plugin, version }) => note(`${plugin} ${version} waits for a yes`, `bulkhead update ${plugin}`)),
    ...drift.map((line) => warning(`not as in bulkhead.lock: ${line}`, 'bulkhead drift shows all; "bulkhead lock" takes it as it is')),
    ...(audit.ok
      ? []
      : [
          error(
            `the audit log was changed: entry ${audit.seq}: ${audit.problem}`,
            "bulkhead audit verify; docs/threat-model.md says what that means",
          ),
        ]),
    ...tokens.flatMap((token) => findingOfToken(token, now)),
    ...findingsOfTrust(facts.trust),
    ...unused.map(({ plugin, permission, resource, at, remedy = "" }) =>
      note(`${plugin} has ${permission} on ${resource} and ${at === undefined ? "never used it" : `used it last at ${at}`}`, remedy),
    ),
    ...(facts.events?.consumers ?? [])
      .filter(({ deadLetters }) => deadLetters > 0)
      .map(({ consumer, deadLetters }) =>
        warning(`${deadLetters} events could not be handled by ${consumer.name}`, "bulkhead events dead list"),
      ),
    ...lateness(facts.used),
    ...notInForce(facts),
  ];
}

function findingsOfTrust({ documents, revoked }: HostFacts["trust"]): readonly Finding[] {
  const remedy = "bulkhead trust refresh says why no later one could be had";
  return [
    ...documents.flatMap(({ what, from, expires, freshness }) => {
      if (freshness === "fresh") return [];
      const since = expires === undefined ? "was never had" : `has expired at ${expires}`;
      return freshness === "stale"
        ? [error(`${what} from ${from} ${since}: nothing new comes in`, remedy)]
        : [warning(`${what} from ${from} ${since}: after trust.grace nothing new comes in`, remedy)];
    }),
    ...revoked.map(({ plugin, version, reason }) =>
      error(`${plugin} ${version} is revoked: ${reason}`, `bulkhead update ${plugin}, or bulkhead uninstall ${plugin}`),
    ),
  ];
}

function notInForce({ written, unwritable }: HostFacts): readonly Finding[] {
  if (unwritable !== undefined)
    return [
      error(
        `the next start of the host would not be as it is: ${unwritable}`,
        "mend the configuration; bulkhead reload --dry-run checks it",
      ),
    ];
  const changes = written?.changes ?? [];
  const waiting = changes.filter(({ effect }) => effect === "restart of the host");
  const rest = changes.filter((change) => !waiting.includes(change));
  const keys = (some: typeof changes): string => some.map(({ key }) => key).join(", ");
  return [
    ...(rest.length === 0 ? [] : [warning(`written and not in force: ${keys(rest)}`, "bulkhead reload")]),
    ...(waiting.length === 0 ? [] : [note(`written and in force after a restart of the host: ${keys(waiting)}`, "restart bulkhead serve")]),
  ];
}

function findingOfPlugin({ plugin, state, failure = "", version }: PluginSummary): readonly Finding[] {
  const why = failure === "" ? "" : `: ${failure}`;
  if (state === "quarantined") return [error(`${plugin} is quarantined${why}`, `bulkhead release ${plugin}`)];
  if (state === "failed") return [error(`${plugin} has failed${why}`, `bulkhead info ${plugin}; bulkhead restart ${plugin}`)];
  if (state === "left out") return [error(`${plugin} ${version} is left out${why}`, `bulkhead info ${plugin}`)];
  return [];
}

function findingOfToken({ name, expiresAt }: TokenInfo, now: number): readonly Finding[] {
  if (expiresAt === undefined) return [];
  const left = Date.parse(expiresAt) - now;
  if (left <= 0) return [note(`the token ${name} is over since ${expiresAt}`, `bulkhead token revoke ${name}`)];
  return left <= SOON_MS ? [warning(`the token ${name} ends ${expiresAt}`, "bulkhead token create makes another")] : [];
}

function lateness(used: UsedNow | undefined): readonly Finding[] {
  const late = used?.host.loopLagSeconds;
  if (late === undefined || late < LATE_SECONDS) return [];
  return [
    warning(
      `the host comes ${(late * 1_000).toFixed(0)} ms late to what is due`,
      "bulkhead top says who takes its time; plugins inline share it",
    ),
  ];
}

const error = (what: string, remedy: string): Finding => ({ severity: "error", what, remedy });
const warning = (what: string, remedy: string): Finding => ({ severity: "warning", what, remedy });
const note = (what: string, remedy: string): Finding => ({ severity: "note", what, remedy });
