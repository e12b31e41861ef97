// The event log in <dataDir>/events.sqlite.

import { join } from "node:path";
import type { EventLog } from "../../core/ports/events.ts";
import type { Driver } from "../../seams.ts";
import { RecordedLog } from "./log.ts";
import { type EventLogOptions, eventLogOptions, retentionOf } from "./options.ts";
import { openThreadStore } from "./thread-store.ts";

export const sqlite: Driver<EventLog, EventLogOptions> = {
  name: "sqlite",
  options: eventLogOptions,
  async open({ clock, log, dataDir }, options) {
    const store = await openThreadStore(join(dataDir, "events.sqlite"), options.sync);
    try {
      return await RecordedLog.open({ clock, log, store, retention: retentionOf(options) });
    } catch (thrown) {
      await store.close();
      throw thrown;
    }
  },
};
