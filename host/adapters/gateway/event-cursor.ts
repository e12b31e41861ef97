// Where one who follows stands in the window of events, and THE check of what he may hear: nothing leaves the window but by a cursor.

import type { Principal } from "../../seams.ts";
import type { EventWindow, KeptEvent } from "./event-window.ts";
import type { WantedEvents } from "./wanted-events.ts";

/** How many events are looked at before others have their turn. */
const LOOKED_AT = 256;

/** `missed` counts events of every type that were in the window no longer; null where nobody knows how many. */
export type Found = { readonly kind: "event"; readonly kept: KeptEvent } | { readonly kind: "gap"; readonly missed: number | null };

export interface CursorPorts {
  readonly window: EventWindow;
  readonly principal: Principal;
  readonly wanted: WantedEvents;
}

export class EventCursor {
  readonly #ports: CursorPorts;
  #at: number;
  /** Whether it was to go on behind something that this window knows nothing of. */
  #isLost: boolean;

  /** Goes on behind the event with the id `after`, else behind the last one that there is. */
  constructor(ports: CursorPorts, after: string | undefined) {
    this.#ports = ports;
    const found = after === undefined ? undefined : ports.window.sequenceOf(after);
    this.#at = found ?? ports.window.shown;
    this.#isLost = after !== undefined && found === undefined;
  }

  /** The id to go on behind. */
  get id(): string {
    return this.#ports.window.idOf(this.#at);
  }

  /** What comes next for this one; undefined when it has come to the end, `more` when there is more to look at another time. */
  next(): Found | "more" | undefined {
    const { window } = this.#ports;
    if (this.#isLost) {
      this.#isLost = false;
      return { kind: "gap", missed: null };
    }
    let missed = 0;
    for (let looked = 0; this.#at < window.shown; ) {
      const kept = window.at(this.#at + 1);
      if (kept === undefined) {
        const behind = Math.max(this.#at + 1, Math.min(window.first - 1, window.shown));
        missed += behind - this.#at;
        this.#at = behind;
        continue;
      }
      if (missed > 0) break;
      if (looked === LOOKED_AT) return "more";
      looked += 1;
      this.#at += 1;
      if (this.#mayHear(kept)) return { kind: "event", kept };
    }
    return missed > 0 ? { kind: "gap", missed } : undefined;
  }

  #mayHear({ event }: KeptEvent): boolean {
    const { principal, wanted } = this.#ports;
    return wanted.matches(event) && principal.allows("events.subscribe", event.type) && wanted.fulfils(event);
  }
}
