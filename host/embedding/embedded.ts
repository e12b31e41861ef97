// What a program that embeds the host does with it: install plugins and call services, as values instead of bytes.

import { isDeepStrictEqual } from "node:util";
import { HostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { startTrace } from "../core/trace.ts";
import type { ServiceCall } from "../core/turn.ts";
import type { Caller, Grant, PermissionRequest } from "../core/types.ts";
import { absoluteSpec } from "../manifest/package-spec.ts";
import type { Rule } from "../trust/rules.ts";
import { jsonBytes, parseJsonBytes } from "./json.ts";

export interface InstallOptions {
  /** What it may do of what it asks for; nothing by default. */
  readonly grant?: "all" | "none" | readonly Pick<Grant, "permission" | "resource">[] | undefined;
  /** Rules about where it comes from that the program takes, such as `look-alike`; see docs/trust.md. */
  readonly accept?: readonly Rule[] | undefined;
  /** As `plugins.<name>` of a configuration would have them: isolation, limits, config and so on. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
}

export interface CallOptions {
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SendOptions {
  /** It is on the disk when this resolves, and comes to the plugin that provides the service at least once. */
  readonly durable?: boolean | undefined;
  /** 1 to 128 printable ASCII characters; a durable message whose id is known is not taken again. The host makes one by default. */
  readonly id?: string | undefined;
}

/** Does an operation of host/admin/operations.ts in the program's name. Rejects with HostError. */
export type Operate = <T>(operation: string, input: unknown) => Promise<T>;

interface Planned {
  readonly package: string;
  readonly plugin: string;
  readonly version: string;
  readonly source: string;
  readonly integrity: string;
  readonly wasmSha256: string;
  readonly installed: string | undefined;
  readonly asks: readonly PermissionRequest[];
  /** What the installed version did not ask for. */
  readonly newlyAsks: readonly PermissionRequest[];
  readonly refusals: readonly string[];
  readonly unmet: readonly string[];
}

interface Installation {
  readonly plugin: string;
  readonly integrity: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

const EMBEDDER: Caller = Object.freeze({ kind: "host", name: "program" });

/**
 * Installs a plugin from a folder, a tarball or a registry and starts it; one that is there in another version is exchanged, and granted of what it asks for anew
 * only; one that is there as it is stays as it is: what operators granted and revoked since lasts. Resolves with its name. Rejects with HostError
 * `admission-refused`, `conflict` (also for one that is there with other settings), or what else keeps it from running.
 */
export async function install(
  operate: Operate,
  spec: string,
  { grant = "none", accept = [], settings = {} }: InstallOptions,
): Promise<string> {
  const plan = await operate<Planned>("plan", { spec: absoluteSpec(spec) });
  const { plugin, version, integrity, asks, newlyAsks, refusals, unmet } = plan;
  if (refusals.length > 0)
    throw new HostError("admission-refused", `${plugin} ${version} may not run here`, { detail: refusals.join("\n") });
  if (unmet.length > 0) throw new HostError("conflict", `${plugin} ${version} does not fit what is installed: ${unmet.join("; ")}`);
  const grants = grant === "none" ? [] : (grant === "all" ? asks : grant).map(({ permission, resource }) => ({ permission, resource }));
  const what = { package: plan.package, source: plan.source, integrity, wasmSha256: plan.wasmSha256, grants, accepted: accept };
  const there = (await operate<Installation[]>("installations", {})).find((one) => one.plugin === plugin);
  if (there === undefined) return operate<string>("install", { ...what, settings });
  if (!isDeepStrictEqual(there.settings, settings))
    throw new HostError("conflict", `${plugin} is installed with other settings; uninstall it first (bulkhead uninstall ${plugin})`);
  if (there.integrity === integrity) return plugin;
  const isNew = (one: Pick<Grant, "permission" | "resource">): boolean =>
    newlyAsks.some(({ permission, resource }) => permission === one.permission && resource === one.resource);
  const { unaccepted } = await operate<{ unaccepted: readonly { readonly rule: Rule; readonly message: string }[] }>("update", {
    ...{ ...what, grants: grants.filter(isNew), settings, approved: true },
  });
  if (unaccepted.length > 0)
    throw new HostError("conflict", `${plugin} ${version} waits: accept ${unaccepted.map(({ rule }) => rule).join(", ")}`, {
      detail: unaccepted.map(({ message }) => message).join("\n"),
    });
  return plugin;
}

/** Calls a service with a value as JSON, and gives its answer as a value. Rejects like every call. */
export async function callService<T>(core: Host, service: string, input: unknown, { deadlineMs, signal }: CallOptions): Promise<T> {
  const call = {
    service,
    payload: jsonBytes(input),
    caller: EMBEDDER,
    traceparent: startTrace(),
    timeoutMs: deadlineMs,
    cancelled: signal,
  };
  const output = await core.services.call(call);
  return parseJsonBytes(output, `the answer of ${service}`) as T;
}

/** What is to be sent, and whether it is to be kept; resolves with its id. */
export type Send = (
  message: Pick<ServiceCall, "service" | "payload" | "caller" | "traceparent"> & {
    readonly id: string | undefined;
    readonly within: undefined;
  },
  isDurable: boolean,
) => Promise<string>;

/** Calls a service with a value as JSON and does not wait for it: resolves with the id of the message once it is taken. Rejects like a call that is refused. */
export async function sendMessage(send: Send, service: string, input: unknown, { durable = false, id }: SendOptions): Promise<string> {
  return send({ id, service, payload: jsonBytes(input), caller: EMBEDDER, traceparent: startTrace(), within: undefined }, durable);
}
