// Who else has a say, and who is told.

import type { HostError } from "../errors.ts";
import type { EndedTurn, ServiceCall } from "../turn.ts";
import type { Caller, CloudEvent, MaybePromise, PluginView, ServiceDefinition, UnstampedEvent } from "../types.ts";

/** Asked after permissions were, in the order of the configuration; each refuses by throwing HostError. */
export interface Guard {
  call?(call: ServiceCall, service: ServiceDefinition): MaybePromise<void>;
  publish?(event: UnstampedEvent, by: Caller): MaybePromise<void>;
}

/** A call of a service, whoever made it. */
export interface EndedCall extends Pick<ServiceCall, "service" | "caller" | "traceparent"> {
  /** Undefined when it was answered. */
  readonly failure: HostError | undefined;
}

/** Told of what has happened; cannot refuse it, wait or change it. What it throws is logged and stops nobody. */
export interface Observer {
  call?(call: EndedCall): void;
  /** Of every turn that ended, of every plugin. */
  turn?(turn: EndedTurn): void;
  event?(event: CloudEvent): void;
  /** Which plugins there are, or what they declare, has changed. */
  plugins?(change: { readonly name: string }): void;
  /** After each change of a plugin's state. */
  state?(plugin: PluginView): void;
}
