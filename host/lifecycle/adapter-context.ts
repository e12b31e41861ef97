// The door through which adapters reach the core: whatever they do they do for a principal, whose permissions are checked here like a plugin's.

import type { Actor, AuditLog } from "../admin/audit.ts";
import type { Operations } from "../admin/operations.ts";
import type { OwnListeners } from "../bounds/own-listeners.ts";
import { requireEvent } from "../bounds/published.ts";
import { type HostErrorCode, toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Observer } from "../core/ports/policy.ts";
import { startTrace } from "../core/trace.ts";
import type { Caller } from "../core/types.ts";
import type { Gate } from "../gate/gate.ts";
import { KnownPrincipal } from "../gate/known.ts";
import type { LoginDesk } from "../gate/logins.ts";
import type { AdapterContext, BlobTransfers, Catalog, Health, Telemetry, Tls, TokenIssuer, WrittenLog } from "../seams.ts";
import { adapterBlobs } from "./adapter-blobs.ts";
import type { DeclaredEvents } from "./declared-events.ts";

export interface AdapterContextPorts {
  readonly core: Host;
  readonly gate: Gate;
  readonly logins: LoginDesk;
  readonly operations: Pick<Operations, "invoke">;
  readonly audit: Pick<AuditLog, "through">;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly written: WrittenLog;
  readonly declared: DeclaredEvents;
  readonly problems: () => readonly string[];
  readonly health: Health;
  readonly blobs: BlobTransfers;
  readonly listeners: OwnListeners;
  readonly tls: Tls | undefined;
  readonly issuers: readonly TokenIssuer[];
  readonly telemetry: Telemetry;
  /** Told of what was asked of a door, and how it ended. */
  readonly onAsked: (door: string, asked: string, failure: HostErrorCode | undefined) => void;
}

/** What the adapter of this name gets. */
export function adapterContext(name: string, ports: AdapterContextPorts): AdapterContext {
  const { core, gate, logins, operations, audit, catalog, clock, log, declared, blobs, listeners } = ports;
  const { written, problems, health, tls, issuers, telemetry } = ports;
  const callers = new WeakMap<KnownPrincipal, Caller>();
  const callerOf = (principal: KnownPrincipal): Caller => {
    const known = callers.get(principal) ?? Object.freeze({ kind: "adapter", name, principal: principal.name });
    callers.set(principal, known);
    return known;
  };
  // One that takes its time has no one who waits for it, so its failure would end the host.
  const guarded =
    <T>(listener: (fact: T) => unknown) =>
    (fact: T): void => {
      const told = listener(fact);
      if (told instanceof Promise)
        told.catch((cause: unknown) =>
          log.write({ level: "error", plugin: "host", message: `a listener of the adapter ${name} failed`, cause }),
        );
    };
  const told = (asked: string, thrown?: unknown): void =>
    ports.onAsked(name, asked, thrown === undefined ? undefined : toHostError(thrown).code);
  const counted = async <T>(asked: string, work: () => Promise<T>): Promise<T> => {
    try {
      const done = await work();
      told(asked);
      return done;
    } catch (thrown) {
      told(asked, thrown);
      throw thrown;
    }
  };
  const opened = (open: () => () => void): (() => void) => {
    try {
      const close = open();
      told("follow");
      return close;
    } catch (thrown) {
      told("follow", thrown);
      throw thrown;
    }
  };
  return {
    clock,
    log,
    written,
    catalog,
    problems,
    health,
    tls,
    issuers,
    telemetry,
    blobs: adapterBlobs({ core, gate, catalog, blobs }),
    requireListenable(host, port) {
      gate.requireListenable(host);
      listeners.add(port);
    },
    authenticate: (credentials) => counted("authenticate", () => gate.authenticate(credentials)),
    logins: logins.at(name),
    call: (asking, { service, payload, traceparent, onTrace, timeoutMs, signal }) =>
      counted("call", async () => {
        const principal = KnownPrincipal.of(asking);
        gate.requireCall(principal, service);
        const caller = callerOf(principal);
        const { authorities } = principal;
        const step = { traceparent: startTrace(traceparent), parent: traceparent };
        onTrace?.(step.traceparent);
        return gate.within(principal, () =>
          core.services.call({ service, payload, caller, authorities, ...step, timeoutMs, cancelled: signal }),
        );
      }),
    publish: (asking, { traceparent, ...event }) =>
      counted("publish", async () => {
        const principal = KnownPrincipal.of(asking);
        principal.require("events.publish", event.type);
        return gate.within(principal, async () => {
          const checking = requireEvent(event);
          if (checking instanceof Promise) await checking;
          declared.check(event);
          const step = { traceparent: startTrace(traceparent), parent: traceparent };
          const { id } = await core.publish({ ...event, ...step, source: `/adapters/${name}` }, callerOf(principal));
          return id;
        });
      }),
    follow(asking, types, deliver, onEnd = () => {}) {
      const principal = KnownPrincipal.of(asking);
      const hear = guarded(deliver);
      const undo = core.events.subscribe(types, (event) => {
        if (principal.allows("events.subscribe", event.type)) hear(event);
      });
      try {
        const close = opened(() =>
          gate.openStream(principal, () => {
            undo();
            onEnd();
          }),
        );
        return () => {
          undo();
          close();
        };
      } catch (thrown) {
        undo();
        throw thrown;
      }
    },
    openStream: (asking, onEnd) => opened(() => gate.openStream(KnownPrincipal.of(asking), onEnd)),
    within: async (asking, work) => gate.within(KnownPrincipal.of(asking), work),
    operate: (asking, operation, input, from) =>
      counted("operate", async () => {
        const principal = KnownPrincipal.of(asking);
        gate.requireOperation(principal, operation);
        const work = async (): Promise<unknown> => operations.invoke(operation, input, principal.name as Actor);
        // Who runs the host, and comes by what only he can open, came from there.
        if (principal.authorities.length === 0 && from === undefined) return gate.within(principal, work);
        return gate.within(principal, () =>
          audit.through({ via: name, ...(from?.address !== undefined && { address: from.address }) }, work),
        );
      }),
    observe: (observer) =>
      core.observe(Object.fromEntries(Object.entries(observer).map(([kind, told]) => [kind, guarded(told.bind(observer))])) as Observer),
  };
}
