// Keeps two rules from waking each other for ever. What an action causes carries the trace of the event that fired it, so a rule that
// fires again and again in one trace is going round in circles.

import { Event } from "@bulkhead/assemblyscript";

const MAX_FIRINGS_PER_TRACE = 100;
const REMEMBERED = 64;

class Firings {
  count: i32 = 0;

  constructor(readonly key: string) {}
}

const recent: Firings[] = [];
let next = 0;

/** Counts one firing; false once there were too many. */
export function mayFire(rule: string, event: Event): bool {
  const key = traceOf(event.traceparent) + " " + rule;
  for (let i = 0; i < recent.length; i++) {
    if (recent[i].key == key) return ++recent[i].count <= MAX_FIRINGS_PER_TRACE;
  }
  const first = new Firings(key);
  first.count = 1;
  if (recent.length < REMEMBERED) recent.push(first);
  else recent[next] = first;
  next = (next + 1) % REMEMBERED;
  return true;
}

/** The trace id within `00-<trace id>-<span id>-01`. */
function traceOf(traceparent: string): string {
  const parts = traceparent.split("-");
  return parts.length > 1 ? parts[1] : traceparent;
}
