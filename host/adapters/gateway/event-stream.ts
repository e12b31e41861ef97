// What one client follows, over whatever protocol: takes from its cursors as long as the client takes from it, and holds no more than a piece of one message.

import type { Clock } from "../../core/ports/clock.ts";
import type { Principal } from "../../seams.ts";
import { EventCursor } from "./event-cursor.ts";
import type { EventWindow, KeptEvent } from "./event-window.ts";
import type { WantedEvents } from "./wanted-events.ts";

/** Of a message, written at once; a client that reads nothing holds no more than this and what its socket has. */
const PIECE_BYTES = 65_536;
/** Whoever takes nothing for so long is gone. */
export const STALLED_MS = 60_000;
/** Answers that wait for a client which asks and does not read. */
const MAX_ANSWERS = 256;

/** `unauthenticated`: who it is has been revoked or has expired. */
export type EndReason = "stopping" | "unauthenticated";

/** The protocol's side of it. */
export interface Outlet {
  /** The message of an event for the cursor of that name, in parts that follow each other. */
  eventMessage(kept: KeptEvent, id: string, name: string): readonly Buffer[];
  gapMessage(missed: number | null, id: string, name: string): Buffer;
  /** Takes a piece of a message. Answers whether it takes more; otherwise `EventStream.ready` is called when it does. */
  write(piece: Buffer, isLast: boolean): boolean;
  /** That the stream is alive. `id` is where it stands when it has one cursor. */
  ping(id: string | undefined): void;
  /** Says why, and closes. */
  end(reason: EndReason): void;
  /** Closes at once; whoever comes back goes on where he was. */
  cut(): void;
}

export interface StreamPorts {
  readonly clock: Clock;
  readonly window: EventWindow;
  readonly principal: Principal;
  readonly outlet: Outlet;
  /** Wants `pump` to be called once others have had their turn. */
  readonly later: (stream: EventStream) => void;
  readonly onClose: (stream: EventStream) => void;
}

interface Half {
  readonly sequence: number;
  readonly name: string;
  readonly offset: number;
}

export class EventStream {
  readonly #ports: StreamPorts;
  /** Who had his turn last stands last. */
  readonly #cursors = new Map<string, EventCursor>();
  readonly #answers: Buffer[] = [];
  /** Of a message of several pieces: it stays in the window, and is only pointed at. */
  #half: Half | undefined;
  #stalledAt: number | undefined;
  #isClosed = false;

  constructor(ports: StreamPorts) {
    this.#ports = ports;
  }

  /** How many are followed on it. */
  get followed(): number {
    return this.#cursors.size;
  }

  /** Follows what is wanted under this name, behind the event with the id `after`; answers with the id where that begins. */
  follow(name: string, wanted: WantedEvents, after?: string): string {
    const { window, principal, later } = this.#ports;
    const cursor = new EventCursor({ window, principal, wanted }, after);
    this.#cursors.set(name, cursor);
    later(this);
    return cursor.id;
  }

  /** Whether anything was followed under this name. */
  unfollow(name: string): boolean {
    return this.#cursors.delete(name);
  }

  /** Sends what no cursor brings. Closes when too much of that waits. */
  answer(message: Buffer): void {
    if (this.#isClosed) return;
    this.#answers.push(message);
    if (this.#answers.length > MAX_ANSWERS) this.#cut();
    else this.pump();
  }

  /** The outlet takes more. */
  ready(): void {
    this.#stalledAt = undefined;
    this.pump();
  }

  /** Sends what there is until the outlet takes no more. */
  pump(): void {
    let isMore = false;
    while (!this.#isClosed && this.#stalledAt === undefined) {
      const sent = this.#step();
      if (sent === "sent") continue;
      isMore = sent === "more";
      break;
    }
    if (isMore) this.#ports.later(this);
  }

  /** To be called from time to time: tells that it is alive, or ends what is not. */
  tick(): void {
    const { clock, outlet } = this.#ports;
    if (this.#stalledAt !== undefined) {
      if (clock.monotonicMs() - this.#stalledAt >= STALLED_MS) this.#cut();
    } else if (this.#half === undefined) {
      const [only, another] = this.#cursors.values();
      outlet.ping(another === undefined ? only?.id : undefined);
    }
  }

  end(reason: EndReason): void {
    if (this.#isClosed) return;
    // Who takes nothing would not hear why.
    if (this.#stalledAt === undefined && this.#half === undefined) this.#ports.outlet.end(reason);
    else this.#ports.outlet.cut();
    this.close();
  }

  /** The client has gone. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cursors.clear();
    this.#answers.length = 0;
    this.#ports.onClose(this);
  }

  #cut(): void {
    if (this.#isClosed) return;
    this.#ports.outlet.cut();
    this.close();
  }

  #step(): "sent" | "more" | "nothing" {
    if (this.#half !== undefined) return this.#sendPiece(this.#half);
    const answer = this.#answers.shift();
    if (answer !== undefined) return this.#write(answer, true);
    return this.#sendNext();
  }

  #sendNext(): "sent" | "more" | "nothing" {
    const { outlet } = this.#ports;
    let isMore = false;
    for (const [name, cursor] of this.#cursors) {
      const found = cursor.next();
      if (found === "more") isMore = true;
      if (found === undefined || found === "more") continue;
      this.#cursors.delete(name);
      this.#cursors.set(name, cursor);
      if (found.kind === "gap") return this.#write(outlet.gapMessage(found.missed, cursor.id, name), true);
      return this.#sendEvent(found.kept, name);
    }
    return isMore ? "more" : "nothing";
  }

  #sendEvent(kept: KeptEvent, name: string): "sent" {
    const parts = this.#partsOf(kept, name);
    if (lengthOf(parts) <= PIECE_BYTES) {
      const [only, another] = parts;
      return this.#write(only !== undefined && another === undefined ? only : Buffer.concat(parts), true);
    }
    this.#half = { sequence: kept.sequence, name, offset: 0 };
    return "sent";
  }

  #sendPiece({ sequence, name, offset }: Half): "sent" {
    const kept = this.#ports.window.at(sequence);
    if (kept === undefined) {
      // What has been sent of it cannot be taken back.
      this.#cut();
      return "sent";
    }
    const parts = this.#partsOf(kept, name);
    const end = Math.min(offset + PIECE_BYTES, lengthOf(parts));
    const isLast = end === lengthOf(parts);
    this.#half = isLast ? undefined : { sequence, name, offset: end };
    return this.#write(copyOf(parts, offset, end), isLast);
  }

  #partsOf(kept: KeptEvent, name: string): readonly Buffer[] {
    const { outlet, window } = this.#ports;
    return outlet.eventMessage(kept, window.idOf(kept.sequence), name);
  }

  #write(piece: Buffer, isLast: boolean): "sent" {
    if (!this.#ports.outlet.write(piece, isLast)) this.#stalledAt = this.#ports.clock.monotonicMs();
    return "sent";
  }
}

const lengthOf = (parts: readonly Buffer[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** A copy, so that a piece which waits in a socket holds nothing of a large event. */
function copyOf(parts: readonly Buffer[], start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  let at = 0;
  for (const part of parts) {
    const wanted = part.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (wanted.length > 0) copy.set(wanted, Math.max(0, at - start));
    at += part.length;
  }
  return copy;
}
