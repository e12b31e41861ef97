// The words that the parts of the host share. Types and frozen defaults only, no behaviour.

import type { ErrorShape } from "./errors.ts";
import type { Grant, PermissionRequest } from "./permissions.ts";
import type { PluginImage } from "./ports.ts";

export type Bytes = Uint8Array;
/** What a turn is given: bytes, or text that enters the guest as UTF-8. */
export type TurnInput = Bytes | string;

/** What a plugin may use. Bytes are bytes, times milliseconds; each is enforced, none is advice. */
export interface Limits {
  /** Linear memory of one instance. */
  readonly memoryBytes: number;
  /** What the calls of one turn have for their frames. Only a plugin with a process of its own can have less than V8 gives, 984 KiB. */
  readonly stackBytes: number;
  /** What each table can grow to, and all of them have at the start. */
  readonly tableElements: number;
  /** The module without its custom sections. */
  readonly moduleBytes: number;
  /** Blocks (arguments, results, input, output) of one turn. */
  readonly blockBytes: number;
  /** CPU time of one turn, billed by the clock while the guest runs. */
  readonly cpuMs: number;
  /** Wall time of one turn from the moment it is enqueued. */
  readonly deadlineMs: number;
  /** Turns waiting or running. */
  readonly mailboxLength: number;
  /** Event data, service payload, turn input and turn output, each. */
  readonly payloadBytes: number;
  /** The plugin's storage file. */
  readonly storageBytes: number;
  readonly storageKeys: number;
  /** Extism variables of one instance, keys counted. */
  readonly varBytes: number;
  /** CPU time within a second; a plugin that has used it waits for the next second. */
  readonly cpuMsPerSecond: number;
  /** Wall time of `on_load` and of `on_start` when the plugin starts. */
  readonly startMs: number;
  /** Host functions called in one turn. */
  readonly hostCalls: number;
  /** Time within a second that the host itself works on host functions; a plugin that has used it waits for their answers. */
  readonly hostMsPerSecond: number;
  readonly publishesPerSecond: number;
  readonly logBytesPerMinute: number;
  /** Inputs of all turns waiting or running. */
  readonly mailboxBytes: number;
  /** Plugins that wait for a turn of this one, one for the other. */
  readonly callDepth: number;
}

/** Who asked for a turn. Stamped by the host; a guest can read it and never write it. */
export interface Caller {
  readonly kind: "plugin" | "adapter" | "host";
  readonly name: string;
}

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

/** What the core needs to know of a plugin; `host/install` makes it from a manifest and the operator's configuration. */
export interface PluginDefinition extends PluginImage {
  readonly version: string;
  readonly services: readonly { readonly name: string; readonly entryPoint: string }[];
  readonly subscriptions: readonly { readonly type: string; readonly entryPoint: string }[];
  readonly permissions: readonly PermissionRequest[];
  readonly grants: readonly Grant[];
  /** Names of the plugins that must run before this one. */
  readonly dependencies: readonly string[];
}

export type PluginState = "installed" | "loaded" | "starting" | "running" | "stopping" | "stopped" | "failed" | "quarantined";
