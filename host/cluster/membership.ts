// Who is there: every host tells every other, four times a second or so, that it lives, how busy it is, and which edition of what it provides is the latest. A host
// that is not heard of four times in a row is gone. Counted in beats of our own, so that one that stood still itself takes nobody else for gone.

import { HostError, toHostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogLevel, LogSink } from "../core/ports/log.ts";
import type { Bytes } from "../core/types.ts";
import type { Peers } from "../seams.ts";
import { decodeFrame, encodeFrame } from "./frames.ts";
import { type Announcement, type Beat, NOTHING, readAnnouncement, readBeat, readEdition } from "./words.ts";

const MISSED_BEATS = 4;
/** Others are not taken note of. */
const MAX_HOSTS = 1_024;
const DESCRIBE_MS = 5_000;
/** How much one measurement of a round trip counts. */
const SMOOTHING = 0.2;

/** A host of the cluster as this one knows it, from one of its starts to its end. */
export class Member {
  readonly name: string;
  readonly run: string;
  readonly #gone = new AbortController();
  announced: Announcement = NOTHING;
  /** Of what is known of it; below all editions before anything is. */
  revision = -1;
  load = 0;
  missed = 0;
  isLeaving = false;
  /** Calls of this host that it has not answered. */
  asked = 0;
  #roundTripMs: number | undefined;

  constructor(name: string, run: string) {
    this.name = name;
    this.run = run;
  }

  /** Aborts when it is gone: whatever was asked of it is lost. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get roundTripMs(): number {
    return this.#roundTripMs ?? 0;
  }

  /** There and back, without what it did in between. */
  took(ms: number): void {
    this.#roundTripMs = Math.max(0, this.#roundTripMs === undefined ? ms : this.#roundTripMs + SMOOTHING * (ms - this.#roundTripMs));
  }

  leave(): void {
    this.#gone.abort();
  }
}

export interface MembershipPorts {
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly beatMs: number;
  load(): number;
}

export class Membership {
  readonly run: string = crypto.randomUUID();
  readonly #ports: MembershipPorts;
  readonly #members = new Map<string, Member>();
  readonly #describing = new Map<string, Promise<void>>();
  readonly #describedAt = new Map<string, number>();
  /** Those who did not say what they provide. */
  readonly #mute = new Set<string>();
  readonly #listeners = new Set<() => void>();
  /** While it beats. */
  #deaf: (() => void) | undefined;
  #cancelTick: () => void = () => {};
  #state: Beat["state"] = "here";
  #revision = 0;
  #isDue = false;
  #hasToldOfTwin = false;

  constructor(ports: MembershipPorts) {
    this.#ports = ports;
  }

  /** Those who live. */
  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Begins to beat and to hear. */
  start(): void {
    this.#deaf = this.#ports.peers.hear("beats", (from, message) => this.#heard(from, message));
    this.#tick();
  }

  /** Others are to hear that what this host announces is different. */
  announce(): void {
    this.#revision += 1;
    if (this.#isDue || this.#deaf === undefined) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.#deaf !== undefined) this.#beat();
    });
  }

  /** Nobody is to ask this host any more; what it was asked it answers. */
  leave(): void {
    this.#state = "leaving";
    if (this.#deaf !== undefined) this.#beat();
  }

  /** Says that it is gone, and hears no more. */
  stop(): void {
    if (this.#deaf === undefined) return;
    this.#state = "gone";
    this.#beat();
    this.#cancelTick();
    this.#deaf();
    this.#deaf = undefined;
    for (const member of this.#members.values()) this.#lose(member, undefined);
  }

  /** Tells when a host comes or goes, or announces something else; returns its undo. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A host that sends something, with what it announced by then, as far as it can be learnt: it is asked for that at most once a beat. */
  async knowing(name: string, run: string, revision: number): Promise<Member | undefined> {
    if (this.#isKnown(name, run, revision)) return this.#members.get(name);
    await this.#describe(name);
    return this.#members.get(name);
  }

  /** What a host answers that is asked for what it provides. */
  description(announcement: Bytes): Bytes {
    return encodeFrame({ run: this.run, revision: this.#revision }, announcement);
  }

  #isKnown(name: string, run: string, revision: number): boolean {
    const member = this.#members.get(name);
    return member !== undefined && member.run === run && member.revision >= revision;
  }

  #tick(): void {
    this.#beat();
    for (const member of this.#members.values()) {
      member.missed += 1;
      if (member.missed > MISSED_BEATS) this.#lose(member, "is not heard of any more");
    }
    this.#cancelTick = this.#ports.clock.after(this.#ports.beatMs, () => this.#tick());
  }

  #beat(): void {
    const { peers, load } = this.#ports;
    peers.broadcast("beats", encodeFrame({ run: this.run, revision: this.#revision, load: load(), state: this.#state } satisfies Beat));
  }

  #heard(from: string, message: Bytes): void {
    let beat: Beat;
    try {
      beat = readBeat(decodeFrame(message));
    } catch {
      // Of a later build, or of nobody who can be answered; who says nothing that is understood is not there.
      return;
    }
    if (from === this.#ports.peers.host) {
      this.#twin(beat);
      return;
    }
    const member = this.#member(from, beat.run);
    if (member === undefined) return;
    member.missed = 0;
    member.load = beat.load;
    if (beat.state === "gone") {
      this.#lose(member, "has stopped");
      return;
    }
    const isLeaving = beat.state === "leaving";
    if (isLeaving !== member.isLeaving) {
      member.isLeaving = isLeaving;
      this.#changed();
    }
    if (member.revision < beat.revision) void this.#describe(from);
  }

  #twin({ run }: Beat): void {
    if (run === this.run || this.#hasToldOfTwin) return;
    this.#hasToldOfTwin = true;
    this.#note("error", `another host of the cluster is called ${this.#ports.peers.host} too; give each its own name (cluster.host)`);
  }

  /** The one of this run; another run is another host of that name, and the one before is gone. */
  #member(name: string, run: string): Member | undefined {
    const known = this.#members.get(name);
    if (known?.run === run) return known;
    if (known !== undefined) this.#lose(known, "has started anew");
    if (this.#members.size >= MAX_HOSTS) return undefined;
    const member = new Member(name, run);
    this.#members.set(name, member);
    this.#note("info", `the host ${printable(name)} is there`);
    this.#changed();
    return member;
  }

  #lose(member: Member, why: string | undefined): void {
    if (this.#members.get(member.name) === member) this.#members.delete(member.name);
    member.leave();
    if (why === undefined) return;
    this.#describedAt.delete(member.name);
    this.#note("warning", `the host ${printable(member.name)} ${why}`);
    this.#changed();
  }

  /** Asks a host for what it announces; one at a time, and once a beat. Never rejects. */
  #describe(name: string): Promise<void> {
    const going = this.#describing.get(name);
    if (going !== undefined) return going;
    const now = this.#ports.clock.monotonicMs();
    const askedAt = this.#describedAt.get(name);
    if (askedAt !== undefined && now - askedAt < this.#ports.beatMs) return Promise.resolve();
    if (this.#describedAt.size >= MAX_HOSTS) {
      this.#describedAt.clear();
      this.#mute.clear();
    }
    this.#describedAt.set(name, now);
    const asked = this.#learn(name)
      .then(() => void this.#mute.delete(name))
      .catch((thrown) => this.#tellOfMute(name, thrown))
      .finally(() => this.#describing.delete(name));
    this.#describing.set(name, asked);
    return asked;
  }

  async #learn(name: string): Promise<void> {
    const { peers, clock } = this.#ports;
    const giveUp = new AbortController();
    const cancel = clock.after(DESCRIBE_MS, () => giveUp.abort());
    const startedAt = clock.monotonicMs();
    try {
      const frame = decodeFrame(await peers.ask(name, encodeFrame({ kind: "describe" }), giveUp.signal));
      const { run, revision } = readEdition(frame);
      const announced = readAnnouncement(frame);
      const member = this.#deaf === undefined ? undefined : this.#member(name, run);
      if (member === undefined || member.revision >= revision) return;
      member.took(clock.monotonicMs() - startedAt);
      member.announced = announced;
      member.revision = revision;
      this.#changed();
    } catch (thrown) {
      if (toHostError(thrown).code !== "host-unreachable") throw thrown;
      // It will be asked again when it beats again.
    } finally {
      cancel();
    }
  }

  // Once, though it is asked with every beat.
  #tellOfMute(name: string, thrown: unknown): void {
    if (this.#mute.has(name)) return;
    this.#mute.add(name);
    this.#note("warning", `the host ${printable(name)} does not say what it provides: ${toHostError(thrown).message}`, thrown);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #note(level: LogLevel, message: string, cause?: unknown): void {
    const shown = cause instanceof HostError && cause.code === "invalid-message" ? undefined : cause;
    this.#ports.log.write({ level, plugin: "host", message, cause: shown });
  }
}
