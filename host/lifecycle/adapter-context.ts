// The door through which adapters reach the core: whatever they do they do for a principal, whose permissions are checked here like a plugin's.

import { localActor } from "../admin/audit.ts";
import type { Operations } from "../admin/operations.ts";
import type { Host } from "../core/host.ts";
import { compilePattern } from "../core/names.ts";
import { Permissions } from "../core/permissions.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogSink } from "../core/ports/log.ts";
import type { Observer } from "../core/ports/policy.ts";
import { startTrace } from "../core/trace.ts";
import type { Caller, Grant } from "../core/types.ts";
import type { AdapterContext, BlobTransfers, Catalog, Credentials, Principal } from "../seams.ts";
import { adapterBlobs } from "./adapter-blobs.ts";
import type { DeclaredEvents } from "./declared-events.ts";

export interface AdapterContextPorts {
  readonly core: Host;
  readonly operations: Pick<Operations, "invoke">;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly declared: DeclaredEvents;
  readonly problems: () => readonly string[];
  readonly blobs: BlobTransfers;
}

// What principals do is not counted as a plugin's use of its grants.
const UNCOUNTED = { compile: (_permission: string, resource: string) => compilePattern(resource), onCheck: (): void => {} };

function principal(name: string, grants: readonly Grant[]): Principal {
  return Object.freeze({ name, permissions: new Permissions(name, grants, grants, UNCOUNTED) });
}

const all = (permission: string): Grant => ({ permission, resource: "**" });
const WORKING = [all("services.call"), all("events.publish"), all("events.subscribe")];
/** Whoever reaches a door that asks for nothing: calls, publishes and listens, and never operates the host. */
const ANONYMOUS = principal("anonymous", WORKING);
const OPERATOR = principal(localActor(), [...WORKING, all("host.operate")]);

/** What the adapter of this name gets. */
export function adapterContext(name: string, ports: AdapterContextPorts): AdapterContext {
  const { core, operations, catalog, clock, log, declared, problems, blobs } = ports;
  const caller: Caller = Object.freeze({ kind: "adapter", name });
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
  return {
    clock,
    log,
    catalog,
    problems,
    blobs: adapterBlobs({ core, catalog, blobs }),
    authenticate: async ({ kind }: Credentials) => (kind === "operator" ? OPERATOR : ANONYMOUS),
    async call({ permissions }, { service, payload, traceparent = startTrace(), timeoutMs, signal }) {
      permissions.require("services.call", service);
      return core.services.call({ service, payload, caller, traceparent, timeoutMs, cancelled: signal });
    },
    async publish({ permissions }, { traceparent = startTrace(), ...event }) {
      permissions.require("events.publish", event.type);
      declared.check(event);
      const { id } = await core.publish({ ...event, traceparent, source: `/adapters/${name}` }, caller);
      return id;
    },
    follow: ({ permissions }, types, deliver) =>
      core.events.subscribe(types, (event) => {
        if (permissions.allows("events.subscribe", event.type)) guarded(deliver)(event);
      }),
    async operate({ name: actor, permissions }, operation, input) {
      permissions.require("host.operate", operation);
      return operations.invoke(operation, input, `user:${actor.replace(/^user:/, "")}`);
    },
    observe: (observer) =>
      core.observe(Object.fromEntries(Object.entries(observer).map(([kind, told]) => [kind, guarded(told.bind(observer))])) as Observer),
  };
}
