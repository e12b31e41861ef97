// Who else has a say, and who is told.

import type { ErrorShape, HostError } from "../errors.ts";
import type { EndedTurn, ServiceCall } from "../turn.ts";
import type { Caller, CloudEvent, MaybePromise, PluginView, ServiceDefinition, UnstampedEvent } from "../types.ts";

/** Asked after permissions were, in the order of the configuration; each refuses by throwing HostError. */
export interface Guard {
  call?(call: ServiceCall, service: ServiceDefinition): MaybePromise<void>;
  publish?(event: UnstampedEvent, by: Caller): MaybePromise<void>;
}

/** A call of a service, whoever made it. */
export interface EndedCall extends Pick<ServiceCall, "service" | "caller" | "traceparent" | "parent"> {
  /** On the host's monotonic clock. */
  readonly startedAt: number;
  /** Undefined when it was answered. */
  readonly failure: HostError | undefined;
}

/** What a guest has asked of the host, and a cell could not answer. */
export interface EndedHostCall extends Pick<EndedTurn, "plugin" | "traceparent"> {
  /** The name of a host function; of no other. */
  readonly functionName: string;
  /** On the host's monotonic clock. */
  readonly startedAt: number;
  /** Undefined when it was answered. */
  readonly failure: HostError | undefined;
}

/** An event that a plugin subscribes to and was not handled. */
export interface Unhandled {
  readonly plugin: string;
  readonly event: CloudEvent;
  readonly error: ErrorShape;
}

/** Told of what has happened; cannot refuse it, wait or change it. What it throws is logged and stops nobody. */
export interface Observer {
  call?(call: EndedCall): void;
  /** Of every turn that ended, of every plugin. */
  turn?(turn: EndedTurn): void;
  hostCall?(call: EndedHostCall): void;
  event?(event: CloudEvent): void;
  unhandled?(unhandled: Unhandled): void;
  /** Which plugins there are, or what they declare, has changed. */
  plugins?(change: { readonly name: string }): void;
  /** After each change of a plugin's state. */
  state?(plugin: PluginView): void;
}
