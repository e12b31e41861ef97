// The words that the parts of the host share. Types and frozen defaults only, no behaviour.

import type { ErrorShape } from "./errors.ts";
import type { Grant, PermissionRequest } from "./permissions.ts";
import type { PluginImage } from "./ports.ts";

export type Bytes = Uint8Array;
/** What a turn is given: bytes, or text that enters the guest as UTF-8. */
export type TurnInput = Bytes | string;

/**
 * What a plugin may use; each is enforced, none is advice (docs/configuration.md has them all in words). `memoryBytes`, `stackBytes` and
 * `varBytes` are of one instance, `tableElements` of each table; `blockBytes`, `cpuMs`, `hostCalls` and `deadlineMs`, which begins when it is queued,
 * of one turn; `payloadBytes` of each event, payload, input and output; `mailboxLength` and `mailboxBytes` of all turns waiting or running;
 * `startMs` of `on_load` and of `on_start`; `callDepth` counts plugins that wait for each other.
 */
export interface Limits {
  readonly memoryBytes: number;
  readonly stackBytes: number;
  readonly tableElements: number;
  readonly moduleBytes: number;
  readonly blockBytes: number;
  readonly cpuMs: number;
  readonly cpuMsPerSecond: number;
  readonly hostMsPerSecond: number;
  readonly deadlineMs: number;
  readonly startMs: number;
  readonly mailboxLength: number;
  readonly mailboxBytes: number;
  readonly payloadBytes: number;
  readonly storageBytes: number;
  readonly storageKeys: number;
  readonly varBytes: number;
  readonly hostCalls: number;
  readonly callDepth: number;
  readonly publishesPerSecond: number;
  readonly logBytesPerMinute: number;
}

/** Who asked for a turn. Stamped by the host; a guest can read it and never write it. */
export type { ServicesCaller as Caller } from "./wit.ts";

/** What one turn cost. `fuel` is in units of the meter, `cpuUs` excludes waiting, `peakMemoryBytes` counts blocks too. */
export interface Usage {
  readonly fuel: number;
  readonly cpuUs: number;
  readonly peakMemoryBytes: number;
  readonly hostCalls: number;
}

export const NO_USAGE: Usage = Object.freeze({ fuel: 0, cpuUs: 0, peakMemoryBytes: 0, hostCalls: 0 });

/** How a turn ended. Failures are values, so that usage is never lost and no answer is ever missing. */
export type TurnOutcome =
  | { readonly ok: true; readonly output: Bytes; readonly usage: Usage }
  | {
      readonly ok: false;
      readonly error: ErrorShape;
      readonly usage: Usage;
      /** The instance or its whole cell was lost, and not by order: a trap, an overrun, a death. */
      readonly broken?: boolean | undefined;
    };

/** CloudEvents 1.0 attributes, stamped by the host, and opaque data. */
export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly traceparent: string;
  readonly contentType: string;
  readonly data: Bytes;
}

/** An event before the host stamps id and time. */
export type UnstampedEvent = Omit<CloudEvent, "id" | "time">;

export interface ServiceDefinition {
  readonly name: string;
  readonly entryPoint: string;
  /** Whether its turns need each permission of the calling plugin too. */
  readonly asCaller?: boolean | undefined;
}

export interface SubscriptionDefinition {
  readonly type: string;
  readonly entryPoint: string;
  /** Whether an event of that type is wanted; must not throw. */
  readonly accepts?: ((event: CloudEvent) => boolean) | undefined;
}

/** What the core needs to know of a plugin; `host/install` makes it from a manifest and the operator's configuration. */
export interface PluginDefinition extends PluginImage {
  readonly version: string;
  readonly services: readonly ServiceDefinition[];
  readonly subscriptions: readonly SubscriptionDefinition[];
  readonly permissions: readonly PermissionRequest[];
  readonly grants: readonly Grant[];
  /** Names of the plugins that must run before this one. */
  readonly dependencies: readonly string[];
}

export type PluginState = "installed" | "loaded" | "starting" | "running" | "stopping" | "stopped" | "failed" | "quarantined";
