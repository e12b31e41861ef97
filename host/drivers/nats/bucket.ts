// A copy of a bucket, kept up to date by the servers: reading asks nobody. Everything in it was told by the stream, in the stream's order, also what this host
// writes itself: a write is done once it has come back.

import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../../core/errors.ts";
import type { Bytes } from "../../core/types.ts";
import { type ConsumerMessages, DeliverPolicy, headers, isWrongSequence, type JsMsg, type Nats, natsFailed } from "./connection.ts";
import { type BucketName, requireStream, streamOf, subjectsOf } from "./layout.ts";

/** What the stream says of one key. */
export interface BucketEntry {
  readonly key: string;
  /** Grows with every change of any key. */
  readonly revision: number;
  readonly value: Bytes;
  /** By the clock of the server, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly isDeleted: boolean;
  header(name: string): string | undefined;
}

export interface BucketPorts {
  /** Each entry in its order; those that were there before the copy was opened come first. Must not throw. */
  onEntry(entry: BucketEntry, wasThere: boolean): void;
}

interface Waiting {
  readonly revision: number;
  seen(): void;
}

const OPERATION = "KV-Operation";
const EXPIRES = "Nats-TTL";
/** Who reads a bucket sees within this time that a key is gone. */
const TOMBSTONE = "3600s";
const PULL = { max_messages: 512, expires: 10_000, idle_heartbeat: 1_000 } as const;
const RETRY_MS = 250;
/** As many times what one question may take, all that is there may take to be told. */
const PATIENCE = 6;
const LATE: unique symbol = Symbol("late");
/** A server that lives says so each second. */
const SILENCE_MS = 3_500;
const MAX_KEY_BYTES = 512;

export class BucketCopy implements AsyncDisposable {
  readonly #nats: Nats;
  readonly #stream: string;
  readonly #subjects: string;
  readonly #ports: BucketPorts;
  readonly #waiting = new Set<Waiting>();
  /** Keys that are there. */
  readonly #keys = new Set<string>();
  #messages: ConsumerMessages | undefined;
  #seen = 0;
  #isLoaded = false;
  #isClosed = false;

  private constructor(nats: Nats, bucket: BucketName, ports: BucketPorts) {
    const { prefix } = nats.options;
    this.#nats = nats;
    this.#stream = streamOf(prefix, bucket);
    this.#subjects = subjectsOf(prefix, bucket);
    this.#ports = ports;
  }

  /** Resolves when all that is there was told. Rejects with HostError `conflict` for a bucket that is not there, `storage-failed`. */
  static async open(nats: Nats, bucket: BucketName, ports: BucketPorts): Promise<BucketCopy> {
    await requireStream(nats, bucket);
    const copy = new BucketCopy(nats, bucket, ports);
    const loaded = Promise.withResolvers<void>();
    void copy.#follow(loaded.resolve);
    try {
      await Promise.race([loaded.promise, sleep(nats.options.timeoutMs * PATIENCE, LATE)]).then((late) => {
        if (late === LATE) throw natsFailed(`tell what lies in ${copy.#stream}`, "no answer came in time");
      });
      return copy;
    } catch (thrown) {
      await copy[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** The last revision that the copy has of any key. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * The new revision, once the copy has it; undefined where the key's revision is not the expected one, 0 for none, and nothing has changed. Rejects with HostError
   * `storage-failed`; then it may have been written, or will be.
   */
  async put(key: string, value: Bytes, said: Readonly<Record<string, string>>, expected?: number): Promise<number | undefined> {
    const fields = headers();
    for (const [name, text] of Object.entries(said)) fields.set(name, text);
    const expect = expected === undefined ? {} : { expect: { lastSubjectSequence: expected } };
    let revision: number;
    try {
      ({ seq: revision } = await this.#nats.js.publish(this.#subjects + subjectOf(key), value, { headers: fields, ...expect }));
    } catch (cause) {
      if (isWrongSequence(cause)) return undefined;
      throw natsFailed(`take a change of ${this.#stream}`, cause);
    }
    await this.#until(revision);
    return revision;
  }

  /** As `put`. */
  remove(key: string, expected?: number): Promise<number | undefined> {
    return this.put(key, NOTHING, { [OPERATION]: "DEL", [EXPIRES]: TOMBSTONE }, expected);
  }

  /** What the servers have of the key last, once the copy has it too; its revision, 0 where there is nothing. Rejects with HostError `storage-failed`. */
  async catchUp(key: string): Promise<number> {
    try {
      const message = await this.#nats.manager.streams.getMessage(this.#stream, { last_by_subj: this.#subjects + subjectOf(key) });
      if (message === null) return 0;
      await this.#until(message.seq);
      return message.seq;
    } catch (cause) {
      throw cause instanceof HostError ? cause : natsFailed(`tell what lies in ${this.#stream}`, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#messages?.stop();
    for (const { seen } of this.#waiting) seen();
    this.#waiting.clear();
  }

  /** Reads until it is closed. Never rejects. */
  async #follow(onLoaded: () => void): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#read(onLoaded);
      } catch {
        // The servers are away, or choose who leads.
      }
      if (!this.#isClosed) await sleep(RETRY_MS);
    }
  }

  /**
   * All that is there, and what comes, until nothing is heard any more. What reads for us on a server goes with that server, and the client would wait for it for ever; so
   * it is read anew, and what is there no more is gone, though its mark may be gone too.
   */
  async #read(onLoaded: () => void): Promise<void> {
    const consumer = await this.#nats.js.consumers.get(this.#stream, {
      filter_subjects: `${this.#subjects}>`,
      deliver_policy: DeliverPolicy.LastPerSubject,
    });
    const gone = new Set(this.#keys);
    let isWhole = false;
    const whole = (): void => {
      if (isWhole) return;
      isWhole = true;
      this.#isLoaded = true;
      for (const key of gone)
        this.#tell({ key, revision: this.#seen, value: NOTHING, timeMs: 0, isDeleted: true, header: () => undefined });
      onLoaded();
    };
    // As it was when the consumer was made.
    if ((await consumer.info(true)).num_pending === 0) whole();
    const messages = await consumer.consume(PULL);
    this.#messages = messages;
    const heard = stopWhenSilent(messages);
    if (this.#isClosed) messages.stop();
    for await (const message of messages) {
      heard();
      const entry = this.#entryOf(message);
      if (entry !== undefined) {
        gone.delete(entry.key);
        if (entry.revision > this.#seen) this.#tell(entry);
      }
      this.#sawTo(message.seq);
      if (message.info.pending === 0) whole();
    }
  }

  #entryOf({ seq: revision, subject, data: value, headers: said, time }: JsMsg): BucketEntry | undefined {
    const key = keyOf(subject.slice(this.#subjects.length));
    if (key === undefined) return undefined;
    const header = (name: string): string | undefined => said?.get(name) || undefined;
    // What the server writes itself when it lets something go says so by a header of its own.
    const isDeleted = header(OPERATION) !== undefined || header("Nats-Marker-Reason") !== undefined;
    return { key, revision, value, timeMs: time.getTime(), isDeleted, header };
  }

  #tell(entry: BucketEntry): void {
    if (entry.isDeleted) this.#keys.delete(entry.key);
    else this.#keys.add(entry.key);
    this.#ports.onEntry(entry, !this.#isLoaded);
  }

  #sawTo(revision: number): void {
    this.#seen = Math.max(this.#seen, revision);
    for (const waiting of this.#waiting)
      if (waiting.revision <= revision) {
        this.#waiting.delete(waiting);
        waiting.seen();
      }
  }

  /** Rejects with HostError `storage-failed` when the copy does not have it in time. */
  async #until(revision: number): Promise<void> {
    if (this.#seen >= revision) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { revision, seen: resolve };
    this.#waiting.add(waiting);
    const timer = setTimeout(() => reject(natsFailed("say in time what was written", "no message came")), this.#nats.options.timeoutMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    }
  }
}

/** The client's own watch over this ends for good when the connection breaks in the wrong moment. Returns what is to be called whenever something is heard. */
function stopWhenSilent(messages: ConsumerMessages): () => void {
  let heardAt = performance.now();
  const heard = (): void => {
    heardAt = performance.now();
  };
  void (async () => {
    for await (const { type } of messages.status()) if (type === "heartbeat") heard();
  })();
  const timer = setInterval(() => {
    if (performance.now() - heardAt > SILENCE_MS) messages.stop();
  }, PULL.idle_heartbeat).unref();
  void messages.closed().finally(() => clearInterval(timer));
  return heard;
}

const NOTHING = new Uint8Array(0);
const PLAIN = /[^A-Za-z0-9_.-]|^\.|\.$|\.(?=\.)/g;

/** A key as a subject has it: what means something to NATS is written as `=` and two digits of a hexadecimal number. */
const subjectOf = (key: string): string =>
  key.replace(PLAIN, (letter) => `=${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);

/** Undefined for what no host has written. */
function keyOf(subject: string): string | undefined {
  if (subject.length > MAX_KEY_BYTES || !/^(?:[A-Za-z0-9_.-]|=[0-7][0-9A-F])+$/.test(subject)) return undefined;
  return subject.replace(/=(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
