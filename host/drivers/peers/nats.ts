// Hosts that reach each other over NATS, host-directed and never by queue groups: who sends stands in the subject, where the servers' permissions hold him to it.

import { randomUUID } from "node:crypto";
import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import type { LogSink } from "../../core/ports/log.ts";
import type { Bytes } from "../../core/types.ts";
import type { Driver, PeerChannel, Peers, PeersOpening } from "../../seams.ts";
import type { Nats } from "../nats/connection.ts";
import { NATS_PACKAGES, type NatsOptions, natsShape } from "../nats/options.ts";

export const nats: Driver<Peers, NatsOptions, PeersOpening> = {
  name: "nats",
  options: z.strictObject(natsShape),
  packages: NATS_PACKAGES,
  async open({ host, log }, options) {
    const { openNats } = await import("../nats/connection.ts");
    return new NatsPeers(host, await openNats(options, log), log);
  },
};

const ANSWER = 0;
const NO_ANSWER = 1;
/** Says which of the two an answer is. */
const TAG_BYTES = 1;
const NO_RESPONDERS = 503;

type Message = Parameters<NonNullable<NonNullable<Parameters<Nats["connection"]["subscribe"]>[1]>["callback"]>>[1];

interface Asked {
  readonly host: string;
  settle(message: Message): void;
}

class NatsPeers implements Peers, AsyncDisposable {
  readonly host: string;
  readonly maxBytes: number;
  readonly #nats: Nats;
  readonly #log: LogSink;
  readonly #prefix: string;
  /** Of this one among those of the same name, of which there should be none. */
  readonly #instance = randomUUID();
  readonly #asked = new Map<string, Asked>();
  /** What is being answered, by who asked and the subject of the answer. */
  readonly #answering = new Map<string, AbortController>();
  readonly #subscriptions = new Set<() => void>();
  #stopAnswering: () => void = () => {};
  #count = 0;
  #isAway = false;

  constructor(host: string, opened: Nats, log: LogSink) {
    this.host = host;
    this.#nats = opened;
    this.#log = log;
    this.#prefix = opened.options.prefix;
    this.maxBytes = (opened.connection.info?.max_payload ?? 0) - TAG_BYTES;
    this.#subscribe(`answers.${host}.${this.#instance}.*`, (message) => this.#answered(message));
    void this.#follow();
  }

  broadcast(channel: PeerChannel, message: Bytes): void {
    if (message.length > this.maxBytes) {
      const limit = `the limit is ${this.maxBytes}`;
      this.#log.write({ level: "warning", plugin: "host", message: `${message.length} bytes for other hosts are dropped; ${limit}` });
      return;
    }
    // What the client would keep until it is connected again is old by then.
    if (!this.#isAway) this.#publish(`${channel}.${this.host}.${this.#instance}`, message);
  }

  hear(channel: PeerChannel, listener: (from: string, message: Bytes) => void): () => void {
    return this.#subscribe(`${channel}.*.*`, ({ subject, data }) => {
      const [from = "", instance] = subject.split(".").slice(2);
      if (instance !== this.#instance) listener(from, data);
    });
  }

  async ask(host: string, request: Bytes, signal: AbortSignal): Promise<Bytes> {
    if (request.length > this.maxBytes)
      throw new HostError("quota-exceeded", `a request to ${host} has ${request.length} bytes; the limit is ${this.maxBytes}`);
    if (signal.aborted) throw gaveUp(host);
    if (this.#isAway || this.#nats.connection.isClosed())
      throw new HostError("host-unreachable", `the host ${host} cannot be reached: NATS is away`);
    this.#count += 1;
    // Nobody else can guess it, and so answer in another's place.
    const id = `${this.#count}-${randomUUID()}`;
    const { promise, resolve, reject } = Promise.withResolvers<Bytes>();
    this.#asked.set(id, { host, settle: (message) => settleWith(host, message, { resolve, reject }) });
    const giveUp = (): void => {
      this.#publish(`stop.${host}.${this.host}`, encoder.encode(this.#answersTo(id)));
      reject(gaveUp(host));
    };
    signal.addEventListener("abort", giveUp, { once: true });
    this.#publish(`ask.${host}.${this.host}`, request, this.#answersTo(id));
    try {
      return await promise;
    } finally {
      this.#asked.delete(id);
      signal.removeEventListener("abort", giveUp);
    }
  }

  answer(give: Parameters<Peers["answer"]>[0]): () => void {
    this.#stopAnswering();
    const undo = [
      this.#subscribe(`ask.${this.host}.*`, (message) => void this.#give(give, message)),
      this.#subscribe(`stop.${this.host}.*`, ({ subject, data }) => {
        this.#answering.get(`${senderOf(subject)} ${decoder.decode(data.subarray(0, MAX_SUBJECT_BYTES))}`)?.abort();
      }),
    ];
    const stop = (): void => {
      for (const one of undo) one();
    };
    this.#stopAnswering = stop;
    return stop;
  }

  async #give(give: Parameters<Peers["answer"]>[0], { subject, data, reply }: Message): Promise<void> {
    const from = senderOf(subject);
    // Anywhere else it would be this host that says something there, in its own name.
    if (reply?.startsWith(`${this.#prefix}.answers.${from}.`) !== true) return;
    const key = `${from} ${reply}`;
    const cancelled = new AbortController();
    this.#answering.set(key, cancelled);
    try {
      const answer = await give(from, data, cancelled.signal);
      this.#nats.connection.publish(reply, answer.length > this.maxBytes ? Uint8Array.of(NO_ANSWER) : tagged(answer));
    } catch {
      // Whoever answers has told his host's log.
      if (!this.#nats.connection.isClosed()) this.#nats.connection.publish(reply, Uint8Array.of(NO_ANSWER));
    } finally {
      this.#answering.delete(key);
    }
  }

  #answered(message: Message): void {
    this.#asked.get(message.subject.slice(message.subject.lastIndexOf(".") + 1))?.settle(message);
  }

  #answersTo(id: string): string {
    return `${this.#prefix}.answers.${this.host}.${this.#instance}.${id}`;
  }

  #publish(subject: string, data: Bytes, reply?: string): void {
    if (this.#nats.connection.isClosed()) return;
    // The client sends it later, and it is the caller's until then.
    this.#nats.connection.publish(`${this.#prefix}.${subject}`, data.slice(), reply === undefined ? {} : { reply });
  }

  #subscribe(subject: string, listener: (message: Message) => void): () => void {
    const subscription = this.#nats.connection.subscribe(`${this.#prefix}.${subject}`, {
      // An error of a subscription, such as a permission that is missing, is told by the connection.
      callback: (error, message) => {
        if (error === null) listener(message);
      },
    });
    const undo = (): void => {
      this.#subscriptions.delete(undo);
      if (!this.#nats.connection.isClosed()) subscription.unsubscribe();
    };
    this.#subscriptions.add(undo);
    return undo;
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#nats.connection.status()) {
      if (type === "disconnect") this.#isAway = true;
      else if (type === "reconnect") this.#isAway = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#subscriptions) one();
    await this.#nats[Symbol.asyncDispose]();
  }
}

const MAX_SUBJECT_BYTES = 512;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const senderOf = (subject: string): string => subject.slice(subject.lastIndexOf(".") + 1);

const gaveUp = (host: string): HostError => new HostError("deadline-exceeded", `nobody waits for the host ${host} any more`);

function tagged(answer: Bytes): Bytes {
  const message = new Uint8Array(TAG_BYTES + answer.length);
  message[0] = ANSWER;
  message.set(answer, TAG_BYTES);
  return message;
}

function settleWith(
  host: string,
  { data, headers }: Message,
  { resolve, reject }: Pick<PromiseWithResolvers<Bytes>, "resolve" | "reject">,
): void {
  if (headers?.code === NO_RESPONDERS) reject(new HostError("host-unreachable", `the host ${host} cannot be reached`));
  else if (data[0] === ANSWER) resolve(data.subarray(TAG_BYTES));
  else reject(new HostError("host-lost", `the host ${host} gave no answer`));
}
