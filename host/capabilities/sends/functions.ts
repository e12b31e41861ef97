// `services.send` of wit/: a call that nobody waits for. What it may is asked here, what becomes of it is the affair of whoever takes it.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { CapabilityFunctions, CheckedCall } from "../../core/ports/capability.ts";
import type { RateLimit } from "../../core/rate-limit.ts";
import { checkedId, type Unsent } from "./volatile.ts";

export interface SendPorts {
  /** Resolves with its id once it is taken: in the provider's queue, or on the disk. Rejects with HostError. */
  send(message: Unsent, isDurable: boolean): Promise<string>;
  /** What a plugin may publish and send. */
  rateOf(plugin: string): RateLimit | undefined;
}

export function sendFunctions({ send, rateOf }: SendPorts): CapabilityFunctions {
  return {
    "services.send": {
      needs: "services.call",
      async answer(call, service, payload, { durable, id }) {
        call.require("services.call", service);
        if (durable) call.require("services.durable", service);
        const message = { id: checkedId(id), service };
        requireSize(call, service, payload.length);
        takeRate(call, rateOf(call.plugin));
        const { plugin, within } = call;
        const { traceparent } = within.context;
        // A copy: the argument may be a view on a whole batch of messages.
        return send({ ...message, payload: payload.slice(), caller: { kind: "plugin", name: plugin }, traceparent, within }, durable);
      },
    },
  };
}

function requireSize({ limits }: CheckedCall, service: string, length: number): void {
  if (length <= limits.payloadBytes) return;
  const size = `${length} bytes; the limit is ${limits.payloadBytes} (limits.payloadMiB)`;
  throw new HostError("quota-exceeded", `the payload for ${printable(service)} has ${size}`);
}

function takeRate({ plugin, limits }: CheckedCall, rate: RateLimit | undefined): void {
  if (rate?.take(1) === true) return;
  const limit = `the limit is ${limits.publishesPerSecond} events and messages a second (limits.publishesPerSecond)`;
  throw new HostError("rate-limited", `${plugin} sends too fast; ${limit}`, { retryAfterMs: rate?.waitMs(1) ?? 1_000 });
}
