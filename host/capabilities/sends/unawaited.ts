// Calls that nobody waits for: each ends early when what it needed is taken away from whoever sent it, or from whoever lent him authority.

import { HostError } from "../../core/errors.ts";
import type { CallScope, ServiceCall } from "../../core/turn.ts";
import type { Bytes } from "../../core/types.ts";

/** A plugin that a message needs the permission of. */
export type Lender = CallScope["plugin"];

export interface UnawaitedPorts {
  call(call: ServiceCall): Promise<Bytes>;
  /** Whether the plugin is there still, with these permissions. */
  isCurrent(lender: Lender): boolean;
}

export type UnawaitedCall = Omit<ServiceCall, "timeoutMs" | "cancelled">;

interface Running {
  readonly lenders: readonly Lender[];
  end(why: HostError): void;
}

export class UnawaitedCalls {
  readonly #ports: UnawaitedPorts;
  readonly #running = new Set<Running>();

  constructor(ports: UnawaitedPorts) {
    this.#ports = ports;
  }

  /** Settles as the turn ends. Rejects also with `permission-denied` when it is revoked, and `plugin-not-running` when a lender was changed or is gone. */
  async call(call: UnawaitedCall): Promise<Bytes> {
    const { promise, reject } = Promise.withResolvers<never>();
    const ended = new AbortController();
    const end = (why: HostError): void => {
      reject(why);
      ended.abort();
    };
    const running: Running = { lenders: lendersOf(call.within), end };
    this.#running.add(running);
    const work = this.#ports.call({ ...call, cancelled: ended.signal }).finally(() => this.#running.delete(running));
    for (const { permissions } of running.lenders)
      permissions.guard(work, () => permissions.require("services.call", call.service)).catch((thrown) => end(thrown));
    return Promise.race([work, promise]);
  }

  /** To be called when a plugin has changed or gone: what it had sent before does not go by what it might then. */
  look(plugin: string): void {
    for (const { lenders, end } of this.#running)
      if (lenders.some((lender) => lender.name === plugin && !this.#ports.isCurrent(lender)))
        end(new HostError("plugin-not-running", `${plugin} was changed or removed before what it had sent was handled`));
  }
}

/** Whose permission is needed for what is sent in a turn: the sender's, and that of everybody who lent it authority. */
export function lendersOf(within: CallScope | undefined): readonly Lender[] {
  if (within === undefined) return [];
  return [within.plugin, ...within.context.authorities.map((permissions) => ({ name: permissions.plugin, permissions }))];
}
