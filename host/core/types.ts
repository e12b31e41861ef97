// The words that the parts of the host share. Types and frozen defaults only, no behaviour.

import type { ErrorShape } from "./errors.ts";
import type { ApiVersion, ServicesCaller } from "./wit.ts";

export type Bytes = Uint8Array;
/** What answers at once costs nobody a microtask. */
export type MaybePromise<T> = T | Promise<T>;
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
  readonly blobBytes: number;
  readonly blobs: number;
  readonly stateBytes: number;
  readonly stateKeys: number;
  readonly varBytes: number;
  readonly hostCalls: number;
  readonly callDepth: number;
  readonly publishesPerSecond: number;
  readonly schedulesPerMinute: number;
  readonly logBytesPerMinute: number;
}

/**
 * A kind of what can be allowed, such as `events.publish`. The core asks for `events.publish`, `events.subscribe`, `events.durable`, `services.call`,
 * `extensions.ask`, `extensions.answer`, `state.read` and `state.write`; capabilities bring their own.
 */
export type Permission = string;

export type Effect = "allow" | "deny";

/** What the operator gave or, with the effect `deny`, took away; `resource` is a pattern of what the permission is about. */
export interface Grant {
  readonly permission: Permission;
  readonly resource: string;
  readonly effect?: Effect | undefined;
}

/** What the manifest asks for, with the author's reason. */
export interface PermissionRequest extends Grant {
  readonly reason: string;
}

/** Who asked for a turn. Stamped by the host; a guest can read it and never write it. */
export interface Caller extends ServicesCaller {
  /** Who came by the door, as the gate knows him. */
  readonly principal?: string | undefined;
}

/** What one turn cost. `fuel` is in units of the meter, `cpuUs` excludes waiting and `runUs` does not, `peakMemoryBytes` counts blocks too. */
export interface Usage {
  readonly fuel: number;
  readonly cpuUs: number;
  /** From its first slice to its end, by its cell's clock. */
  readonly runUs: number;
  readonly peakMemoryBytes: number;
  readonly hostCalls: number;
}

export const NO_USAGE: Usage = Object.freeze({ fuel: 0, cpuUs: 0, runUs: 0, peakMemoryBytes: 0, hostCalls: 0 });

/** How a turn ended. Failures are values, so that usage is never lost and no answer is ever missing. */
export type TurnOutcome =
  | {
      readonly ok: true;
      readonly output: Bytes;
      readonly usage: Usage;
      /** Which of the events that it was to handle were handled before; it was not run then. */
      readonly handledBefore?: readonly number[] | undefined;
    }
  | {
      readonly ok: false;
      readonly error: ErrorShape;
      readonly usage: Usage;
      /** The instance or its whole cell was lost, and not by order: a trap, an overrun, a death. */
      readonly broken?: boolean | undefined;
    };

/** The events that a turn is to handle, when that they are is part of what it commits. */
export interface HandledEvents {
  /** Unique among those of the plugin. */
  readonly subscription: string;
  readonly ids: readonly string[];
  /** Whether the answer says how many of them it has handled. */
  readonly isBatch: boolean;
}

/** CloudEvents 1.0 attributes, stamped by the host, and opaque data. */
export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly traceparent: string;
  /** In which step it was published, for those who observe the host: no attribute of the event, and not kept with it. */
  readonly parent?: string | undefined;
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
  /** How often it may be called. */
  readonly rates?: ServiceRates | undefined;
}

/** So many in a second, and so many at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface ServiceRates {
  /** Of each caller by itself. */
  readonly perCaller?: Rate | undefined;
  /** Of all callers together. */
  readonly total?: Rate | undefined;
}

export interface SubscriptionDefinition {
  readonly type: string;
  readonly entryPoint: string;
  /** Whether an event of that type is wanted; must not throw. */
  readonly accepts?: ((event: CloudEvent) => boolean) | undefined;
  /** Who has more is queued first when an event is published. */
  readonly priority?: number | undefined;
  /** What `events.durable` is granted for is kept for it until it is handled. */
  readonly durable?: DurableDefinition | undefined;
}

export interface DurableDefinition {
  /** What is kept belongs to the plugin and this name. */
  readonly name: string;
  readonly from: "new" | "first";
  /** After so many that failed an event becomes a dead letter. */
  readonly maxAttempts: number;
  readonly order: "publisher" | "none";
  /** Its turns take a list of events, up to `max`, as many as came in the `waitMs` after the first. */
  readonly batch?: { readonly max: number; readonly waitMs: number } | undefined;
}

/** What a cell needs to run a plugin. Crosses to another thread or process, so plain data only. */
export interface PluginImage {
  readonly name: string;
  /** Admitted, ready to be compiled; empty where its cell looks it up by `moduleKey`, so that one that sleeps takes no memory for it. */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly moduleKey?: string | undefined;
  /** The exports that can be entered: no parameters, no result or one i32. */
  readonly entryPoints: readonly string[];
  readonly limits: Limits;
  readonly config: Readonly<Record<string, string>>;
  /** What it takes for a moment to compile the largest of its functions, beside what its limits say. */
  readonly compileBytes?: number | undefined;
  /** What runs it; the cell's default when undefined. */
  readonly engine?: string | undefined;
  /** Whether its storage logs which keys are changed. */
  readonly keepsStorageLog?: boolean | undefined;
  /** `turn`: what a turn stores, publishes and has handled is one commit at its end, or nothing; each write is one by itself when undefined. */
  readonly transaction?: "turn" | undefined;
  /** On which side its storage is answered; in the cell when undefined. A guest can tell by time only. */
  readonly storage?: StorageSide | undefined;
  /** Its module was admitted so that its state can be read between turns, and a cell keeps that when it is unloaded to sleep. */
  readonly keepsState?: boolean | undefined;
  /** Why that is not so though it is to hibernate; the end of a sentence that begins with "it". */
  readonly awakeBecause?: string | undefined;
  /** How much of what it has read of its storage on the host's side its cell may keep, as nobody else writes there; nothing when undefined. */
  readonly readCacheBytes?: number | undefined;
  /** The version of wit/ that it was written for; the latest when undefined. */
  readonly api?: ApiVersion | undefined;
  /** By entry point, the reasons with which it may refuse besides those that everybody has. */
  readonly reasons?: Readonly<Record<string, readonly string[]>> | undefined;
  /** What its data are held to; those of a manifest, and portable. */
  readonly schemas?: DataSchemas | undefined;
  /** `failures`: its cell writes down what its turns are told, and hands it over of one that fails; `replay`: they are told what was written down. */
  readonly tape?: "failures" | "replay" | undefined;
}

/** JSON Schemas of what a plugin takes and gives. */
export interface DataSchemas {
  /** By entry point, of the service that enters there. */
  readonly entryPoints?: Readonly<Record<string, { readonly service: string; readonly input?: unknown; readonly output?: unknown }>>;
  /** Of the data of its events, by type. */
  readonly events?: Readonly<Record<string, unknown>>;
  /** Of its extension points, by name: what it asks, and what it is answered. */
  readonly points?: Readonly<Record<string, { readonly input?: unknown; readonly output?: unknown }>>;
}

export type StorageSide = "cell" | "host";

/** What the driver of its storage is told of a plugin. */
export type StoredPlugin = Pick<PluginImage, "name" | "limits" | "keepsStorageLog" | "transaction">;

/** A question that plugins answer who extend it. */
export interface ExtensionPoint {
  /** Below its owner's name. */
  readonly name: string;
  readonly owner: string;
  /** Throws HostError `invalid-message` for what nobody is to be asked, `permission-denied` for who is not to ask. */
  checkInput(input: Bytes, caller: ServicesCaller): void;
  /** Throws HostError for an answer that nobody is to see. */
  checkAnswer(answer: Bytes, plugin: string): void;
}

/** Keys of the shared state whose changes wake a plugin. */
export interface WatchDefinition {
  readonly keys: string;
  readonly entryPoint: string;
}

interface ExtensionDefinition {
  readonly point: string;
  readonly entryPoint: string;
  /** Who has more is heard first. */
  readonly priority: number;
}

/** What the core needs to know of a plugin; `host/install` makes it from a manifest and the operator's configuration. */
export interface PluginDefinition extends PluginImage {
  readonly version: string;
  readonly services: readonly ServiceDefinition[];
  readonly subscriptions: readonly SubscriptionDefinition[];
  readonly watches?: readonly WatchDefinition[] | undefined;
  /** The questions that it asks, below its own name. */
  readonly points?: readonly ExtensionPoint[] | undefined;
  /** The questions that it answers. */
  readonly extensions?: readonly ExtensionDefinition[] | undefined;
  readonly permissions: readonly PermissionRequest[];
  readonly grants: readonly Grant[];
  /** Names of the plugins that must run before this one. */
  readonly dependencies: readonly string[];
  /** It is loaded at its first turn, and unloaded after so many milliseconds without one; undefined: loaded at its start, until its stop. */
  readonly idleMs?: number | undefined;
}

export type PluginState = "installed" | "loaded" | "starting" | "running" | "stopping" | "stopped" | "failed" | "quarantined";

/** A plugin as others see it. */
export interface PluginView {
  readonly name: string;
  readonly definition: PluginDefinition;
  readonly state: PluginState;
  /** Why it is `failed` or `quarantined`. */
  readonly failure: ErrorShape | undefined;
  /** Turns waiting or running. */
  readonly queued: number;
}
