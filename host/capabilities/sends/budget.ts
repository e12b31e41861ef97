// How much of what plugins have sent waits, counted before any of it is kept.

import { HostError } from "../../core/errors.ts";
import type { SendLimits } from "./options.ts";

const MIB = 1_024 * 1_024;

interface Waiting {
  messages: number;
  bytes: number;
}

export class SendBudget {
  readonly all: Readonly<Waiting> = { messages: 0, bytes: 0 };
  readonly #limits: SendLimits;
  /** Where an operator sets them. */
  readonly #key: string;
  #bySender = new Map<string, Waiting>();

  constructor(limits: SendLimits, key: string) {
    this.#limits = limits;
    this.#key = key;
  }

  /** Counts one more. Throws HostError `queue-full`, and counts nothing then. */
  take(sender: string, bytes: number): void {
    const own = this.#bySender.get(sender) ?? { messages: 0, bytes: 0 };
    const { maxPerPlugin, maxMiBPerPlugin, max, maxMiB } = this.#limits;
    refuseOver(own, bytes, maxPerPlugin, maxMiBPerPlugin, `${sender} has`, `${this.#key}.maxPerPlugin, maxMiBPerPlugin`);
    refuseOver(this.all, bytes, max, maxMiB, "all together have", `${this.#key}.max, maxMiB`);
    this.#add(sender, 1, bytes);
  }

  giveBack(sender: string, bytes: number): void {
    if (this.#bySender.has(sender)) this.#add(sender, -1, -bytes);
  }

  /** Counts anew, from what is written down. */
  restore(waiting: Iterable<readonly [sender: string, messages: number, bytes: number]>): void {
    this.#bySender = new Map();
    Object.assign(this.all, { messages: 0, bytes: 0 });
    for (const [sender, messages, bytes] of waiting) this.#add(sender, messages, bytes);
  }

  #add(sender: string, messages: number, bytes: number): void {
    const own = this.#bySender.get(sender) ?? { messages: 0, bytes: 0 };
    own.messages += messages;
    own.bytes += bytes;
    if (own.messages > 0) this.#bySender.set(sender, own);
    else this.#bySender.delete(sender);
    Object.assign(this.all, { messages: this.all.messages + messages, bytes: this.all.bytes + bytes });
  }
}

function refuseOver({ messages, bytes }: Waiting, more: number, max: number, maxMiB: number, who: string, key: string): void {
  // One that is larger than all of it may come alone: what a message may have has a limit of its own.
  if (messages < max && (messages === 0 || bytes + more <= maxMiB * MIB)) return;
  const limit = `the limit is ${max} and ${maxMiB} MiB (${key})`;
  throw new HostError("queue-full", `${who} ${messages} sent messages of ${bytes} bytes that wait; ${limit}; send slower`);
}
