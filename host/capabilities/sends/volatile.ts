// Sends that nobody keeps: each goes into its provider's queue at once, or is refused.

import { HostError, toHostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { LogLine } from "../../core/ports/log.ts";
import type { CallScope, ServiceCall } from "../../core/turn.ts";
import type { Bytes } from "../../core/types.ts";
import type { SendBudget } from "./budget.ts";
import type { UnawaitedCall } from "./unawaited.ts";

/** A call that nobody waits for. */
export interface Message {
  /** The sender's own, or one that the host has made. */
  readonly id: string;
  readonly service: string;
  /** No view on something larger. */
  readonly payload: Bytes;
  readonly caller: ServiceCall["caller"];
  readonly traceparent: string;
  /** The turn in which it was sent, when a plugin did. */
  readonly within: CallScope | undefined;
}

/** One whose sender may leave the id to the host. */
export type Unsent = Omit<Message, "id"> & { readonly id: string | undefined };

const ID = /^[!-~]{1,128}$/;

// Ids that follow each other keep together in an index.
const prefix = crypto.randomUUID();
let made = 0;

/** The given one, or one of the host's. Throws HostError `invalid-message`. */
export function checkedId(id: string | undefined): string {
  if (id === undefined) {
    made += 1;
    return `${prefix}-${made}`;
  }
  if (ID.test(id)) return id;
  throw new HostError(
    "invalid-message",
    `"${printable(id)}" is no id of a message; write 1 to 128 printable ASCII characters without spaces`,
  );
}

/** What is told of one that was taken and failed. */
export const failureOfSend = ({ service, caller, id, traceparent }: Message, why: unknown): LogLine => ({
  ...{ level: "warning", plugin: "host", about: caller.name, traceparent },
  message: `${service} did not handle what ${caller.name} sent (${id}): ${toHostError(why).message}`,
});

export interface VolatilePorts {
  readonly budget: SendBudget;
  call(call: UnawaitedCall): Promise<Bytes>;
  /** Of one that was taken and failed. */
  onFailure(message: Message, why: unknown): void;
}

/** Resolves once the provider has it in its queue. Rejects like a call that is refused before its turn, and with `queue-full` when too much waits. */
export async function sendVolatile(message: Message, { budget, call, onFailure }: VolatilePorts): Promise<void> {
  const { service, payload, caller, traceparent, within } = message;
  const { length } = payload;
  budget.take(caller.name, length);
  const taken = Promise.withResolvers<void>();
  let isTaken = false;
  const onTaken = (): void => {
    isTaken = true;
    taken.resolve();
  };
  const ended = call({ service, payload, caller, traceparent, within, onTaken });
  ended
    .catch((thrown: unknown) => {
      if (isTaken) onFailure(message, thrown);
    })
    .finally(() => budget.giveBack(caller.name, length));
  await Promise.race([taken.promise, ended]);
}
