// Hands each event to whoever subscribed to its type. It never waits for a subscriber and does not know what one is.

import { compilePattern, type Matcher } from "./names.ts";
import type { CloudEvent } from "./types.ts";

/** Takes the event and returns at once. What it throws goes to `onFailure` and nowhere else. */
export type Subscriber = (event: CloudEvent) => void;

interface Subscription {
  readonly pattern: string;
  readonly matches: Matcher;
  readonly deliver: Subscriber;
  readonly priority: number;
}

// Types come from guests, so the cache must not grow with them.
const MAX_CACHED_TYPES = 1_000;

/** Events of one publisher reach one subscriber in the order in which they were published. */
export class EventBus {
  readonly #onFailure: (failure: unknown, pattern: string, event: CloudEvent) => void;
  readonly #subscriptions = new Set<Subscription>();
  readonly #byType = new Map<string, readonly Subscription[]>();

  constructor(onFailure: (failure: unknown, pattern: string, event: CloudEvent) => void) {
    this.#onFailure = onFailure;
  }

  /** Who has the higher priority is told first. Returns its undo. Throws HostError `invalid-message` for a malformed pattern. */
  subscribe(pattern: string, deliver: Subscriber, priority = 0): () => void {
    const subscription: Subscription = { pattern, matches: compilePattern(pattern), deliver, priority };
    this.#subscriptions.add(subscription);
    this.#byType.clear();
    return () => {
      this.#subscriptions.delete(subscription);
      this.#byType.clear();
    };
  }

  publish(event: CloudEvent): void {
    for (const subscription of this.#subscribersOf(event.type)) {
      try {
        subscription.deliver(event);
      } catch (failure) {
        this.#onFailure(failure, subscription.pattern, event);
      }
    }
  }

  #subscribersOf(type: string): readonly Subscription[] {
    let found = this.#byType.get(type);
    if (found === undefined) {
      found = [...this.#subscriptions].filter(({ matches }) => matches(type)).sort((a, b) => b.priority - a.priority);
      if (this.#byType.size >= MAX_CACHED_TYPES) this.#byType.clear();
      this.#byType.set(type, found);
    }
    return found;
  }
}
