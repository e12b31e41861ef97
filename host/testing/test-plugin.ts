// A plugin under test, as its test sees it: what to do to it and what it did. Made by loadPlugin.

import { encodeEvent } from "../core/cloud-event.ts";
import { HostError } from "../core/errors.ts";
import { EVENTS, type Host } from "../core/host.ts";
import { printable } from "../core/names.ts";
import { Permissions } from "../core/permissions.ts";
import type { Plugin } from "../core/plugin.ts";
import type { Cell } from "../core/ports/cell.ts";
import type { LogLine } from "../core/ports/log.ts";
import { startTrace } from "../core/trace.ts";
import type { ServiceCall } from "../core/turn.ts";
import type { Caller, Grant, Permission } from "../core/types.ts";
import { deliveredText, handledOf } from "../drivers/events/delivered.ts";
import { compileResource } from "../manifest/resources.ts";
import type { BlobValues } from "./blob-values.ts";
import { type Answer, bytesOf, type Content, Payload } from "./payload.ts";
import { handledBy, type KeptEvent, type PublishOptions, unstamped } from "./publishing.ts";
import type { CalledService, LastTurn, LoggedLine, PublishedEvent, Recording, SentMessage } from "./recording.ts";
import { awake, type TestClock } from "./test-clock.ts";
import type { TestGrants } from "./test-grants.ts";
import type { Values } from "./values.ts";

const TEST: Caller = Object.freeze({ kind: "adapter", name: "test" });
// What still runs when a test stops the plugin is mostly what the test gave up on.
const DRAIN_MS = 1_000;

export interface CallOptions {
  /** Whom the plugin sees as its caller; the adapter `test` by default. */
  readonly caller?: (Caller & CallerGrants) | undefined;
}

/** Who declares a point: whose name stands first. */
export const ownerOf = (point: string): string => point.split(".")[0] ?? "";

interface CallerGrants {
  /** What the caller may do itself, which counts for a service with `"authority": "caller"`; everything by default. */
  readonly grants?: readonly Grant[] | undefined;
}

export interface TestPluginParts {
  readonly core: Host;
  readonly plugin: Plugin;
  readonly cell: Cell;
  readonly clock: TestClock;
  readonly grants: TestGrants;
  readonly recording: Recording;
  readonly stored: Values;
  readonly state: Values;
  readonly blobs: BlobValues;
  /** Closes what the plugin leaves behind. */
  close(): void;
}

export class TestPlugin implements AsyncDisposable {
  readonly #parts: TestPluginParts;
  /** The plugin's own storage; it outlives restarts and ends with the disposal. */
  readonly stored: Values;
  /** The state that plugins share, without permissions in the way. */
  readonly state: Values;
  /** The plugin's own blobs; they outlive restarts and end with the disposal. */
  readonly blobs: BlobValues;

  constructor(parts: TestPluginParts) {
    this.#parts = parts;
    this.stored = parts.stored;
    this.state = parts.state;
    this.blobs = parts.blobs;
  }

  get name(): string {
    return this.#parts.plugin.name;
  }

  /** The time of day stands still until `advance`; see its description. */
  get clock(): Pick<TestClock, "now" | "advance"> {
    return this.#parts.clock;
  }

  /** The events that it published, in order. */
  get published(): readonly PublishedEvent[] {
    return this.#parts.recording.published;
  }

  /** The services that it called, in order; those that it was refused too. */
  get called(): readonly CalledService[] {
    return this.#parts.recording.called;
  }

  /** What it sent to services without waiting, in order; what it was refused too. */
  get sent(): readonly SentMessage[] {
    return this.#parts.recording.sent;
  }

  /** The lines that it wrote, in order. */
  get logged(): readonly LoggedLine[] {
    return this.#parts.recording.logged;
  }

  /** What the host had to say meanwhile: a failing entry point with its stack, an answer that came too late. */
  get hostLogged(): readonly LogLine[] {
    return this.#parts.recording.hostLogged;
  }

  /** What its last turn cost; undefined before the first. */
  get lastTurn(): LastTurn | undefined {
    return this.#parts.recording.lastTurn;
  }

  /** Calls a service by the name that it has in the manifest. Rejects with HostError: `refused` with its reason, `plugin-failed` for what the plugin fails with. */
  async call(service: string, input?: Content, { caller = TEST }: CallOptions = {}): Promise<Answer> {
    const { kind, name, principal, grants } = { grants: undefined, ...caller };
    const call = { service, payload: bytesOf(input), caller: { kind, name, principal }, traceparent: startTrace() };
    const within = grants === undefined ? undefined : actingFor(name, grants, call);
    return new Payload(await awake(this.#parts.core.services.call({ ...call, within })));
  }

  /**
   * Asks the plugin what it answers to a point that its manifest extends, as the point's owner. Rejects with HostError: with what its turn failed with, with
   * `permission-denied` when it may not answer, `invalid-message` when it does not extend the point.
   */
  async answer(point: string, input?: Content): Promise<Answer> {
    const { core, plugin } = this.#parts;
    if (plugin.definition.extensions?.some((one) => one.point === point) !== true)
      throw new HostError("invalid-message", `plugin.json of ${plugin.name} does not extend ${printable(point)}`);
    if (plugin.state !== "running") throw new HostError("plugin-not-running", `${plugin.name} is ${plugin.state}`);
    plugin.permissions.require("extensions.answer", point);
    const caller = { kind: "host", name: ownerOf(point) } as const;
    const asked = core.extensions.ask({ point, input: bytesOf(input), caller, traceparent: startTrace() });
    const outcome = await awake(Promise.resolve(asked.find((one) => one.plugin === plugin.name)?.outcome));
    if (outcome === undefined) throw new HostError("conflict", `too many plugins answer ${point} before ${plugin.name}`);
    if (!outcome.ok) throw HostError.fromShape(outcome.error);
    return new Payload(outcome.output);
  }

  /**
   * Publishes an event to the plugin and resolves with how many of its handlers ran, once all have ended: 0 when no subscription with a grant and a
   * filter that fits took it. Rejects with the HostError of the first that failed, with `queue-full` when one was refused, `plugin-not-running`,
   * and `quota-exceeded` for an event larger than the plugin's `payloadMiB`.
   */
  async publish(type: string, data: Content, options: PublishOptions = {}): Promise<number> {
    const { core, plugin, recording } = this.#parts;
    if (plugin.state !== "running") throw new HostError("plugin-not-running", `${plugin.name} is ${plugin.state}`);
    const event = core.stamp(unstamped(type, data, options));
    const { length } = encodeEvent(event);
    const { payloadBytes } = plugin.definition.limits;
    if (length > payloadBytes)
      throw new HostError("quota-exceeded", `the event has ${length} characters; the limit is ${payloadBytes} (limits.payloadMiB)`);
    const handled = handledBy(core, event);
    const [before, said] = [plugin.queued, recording.hostLogged.length];
    recording.fromTest.add(event);
    core.events.publish(event);
    // Handlers are queued at once, and whom the host turns away it names at once.
    const turns = await awake(handled(plugin.queued - before));
    const refusal = recording.hostLogged.slice(said).find(({ traceparent }) => traceparent === event.traceparent);
    for (const { outcome } of turns) if (!outcome.ok) throw HostError.fromShape(outcome.error);
    if (refusal !== undefined) throw new HostError("queue-full", refusal.message);
    return turns.length;
  }

  /**
   * Delivers kept events to a durable subscription, in one turn, and resolves with how many of them are handled, from the first on: all of them, unless the
   * handler of a batch names fewer. Grants and filters are not asked. Rejects with the HostError that the turn ended with, as the host would try it again or
   * give it up, and with `invalid-message` for a subscription that is none, more events than it takes, or an answer that is no number of them.
   */
  async deliver(subscription: string, events: readonly KeptEvent[]): Promise<number> {
    const { core, plugin, clock } = this.#parts;
    const found = plugin.definition.subscriptions.find(({ durable }) => durable?.name === subscription);
    const { durable, entryPoint } = found ?? {};
    if (durable === undefined || entryPoint === undefined)
      throw new HostError("invalid-message", `plugin.json of ${plugin.name} has no durable subscription ${printable(subscription)}`);
    const max = durable.batch?.max ?? 1;
    if (events.length < 1 || events.length > max)
      throw new HostError("invalid-message", `${subscription} takes 1 to ${max} events in a turn, not ${events.length}`);
    const texts = events.map(({ type, data = null, attempt, replayed, ...how }) =>
      deliveredText(core.stamp(unstamped(type, data, how)), { attempt, replayed }),
    );
    const deadline = clock.monotonicMs() + plugin.definition.limits.deadlineMs;
    const context = { caller: EVENTS, traceparent: startTrace(), deadline, waiting: [], authorities: [] };
    const input = durable.batch === undefined ? texts.join("") : `[${texts.join(",")}]`;
    const outcome = await awake(plugin.enter(entryPoint, input, context));
    if (!outcome.ok) throw HostError.fromShape(outcome.error);
    const handled = durable.batch === undefined ? 1 : handledOf(outcome.output, events.length);
    if (handled === undefined)
      throw new HostError("invalid-message", `${entryPoint} answered neither nothing nor a number from 0 to ${events.length}`);
    return handled;
  }

  /** Holds from the next host call on. Lifts a denial of the same resource. Throws HostError `invalid-message` for what the manifest does not ask for. */
  grant(permission: Permission, resource: string): void {
    this.#change({ permission, resource });
  }

  /** Holds from the next host call on and ends what goes on, whatever else is granted. Throws like `grant`. */
  deny(permission: Permission, resource: string): void {
    this.#change({ permission, resource, effect: "deny" });
  }

  /** Stops it if it runs, and starts another instance with the same storage. Rejects with HostError like loadPlugin. */
  async restart(): Promise<void> {
    await this.stop();
    const { core, plugin } = this.#parts;
    await awake(core.start(plugin.name));
    if (plugin.state !== "running") throw HostError.fromShape(plugin.failure ?? { code: "plugin-not-running", message: plugin.state });
  }

  /** Runs `on_stop` and `on_unload`; what it did and stored can still be read. */
  async stop(): Promise<void> {
    await awake(this.#parts.plugin.stop(DRAIN_MS));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#parts.cell[Symbol.asyncDispose]();
    this.#parts.close();
  }

  #change(grant: Grant): void {
    this.#parts.grants.add(grant);
    this.#parts.plugin.permissions.replaceGrants(this.#parts.grants.all);
  }
}

function actingFor(name: string, grants: readonly Grant[], { caller, traceparent }: ServiceCall): ServiceCall["within"] {
  const permissions = new Permissions(name, grants, grants, { compile: compileResource, onCheck: () => {} });
  const context = { caller, traceparent, deadline: Number.POSITIVE_INFINITY, waiting: [], authorities: [] };
  return { plugin: { name, permissions }, context };
}
