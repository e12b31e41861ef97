// The event log in memory: it ends with the host.

import type { EventLog } from "../../core/ports/events.ts";
import type { Driver } from "../../seams.ts";
import { RecordedLog } from "./log.ts";
import { MemoryEvents } from "./memory-store.ts";
import { type EventLogOptions, eventLogOptions, retentionOf } from "./options.ts";

export const memory: Driver<EventLog, EventLogOptions> = {
  name: "memory",
  options: eventLogOptions,
  open: ({ clock, log }, options) => RecordedLog.open({ clock, log, store: new MemoryEvents(), retention: retentionOf(options) }),
};
