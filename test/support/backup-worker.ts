// A host's stores under load, for a backup beside them: one plugin says what it has published, another what it has handled, as fast as they can, the log lets go of what
// was handled, and a schedule moves on. Each step is on the disk before the next begins.

import { mkdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openHostDatabase } from "../../host/admin/database.ts";
import { openScheduleStore } from "../../host/capabilities/schedules/store.ts";
import { openSqliteEvents } from "../../host/drivers/events/sqlite-store.ts";
import type { LogWrite } from "../../host/drivers/events/store.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";

const [dataDir = ""] = process.argv.slice(2);
const SOURCE = "/plugins/publisher";
const CONSUMER = "handler/all";
/** How many that were handled the log keeps. */
const KEPT = 1_000;

openHostDatabase(dataDir);
mkdirSync(join(dataDir, "sends"));
const events = openSqliteEvents(join(dataDir, "events.sqlite"), "normal");
const schedules = openScheduleStore(join(dataDir, "schedules.sqlite"));
const dir = join(dataDir, "storage");
const [publisher, handler] = ["publisher", "handler"].map((plugin) =>
  openSqliteStorage({ dir, plugin, maxBytes: 1e9, maxKeys: 1e9, clock: systemClock }),
);

const NOTHING: LogWrite = {
  events: [],
  forgotten: [],
  consumers: [],
  deaths: [],
  settled: [],
  attempts: [],
  cursors: [],
  trimmed: [],
  dropped: [],
};
events.write({
  ...NOTHING,
  consumers: [{ name: CONSUMER, types: "n.n", from: "new", order: "publisher", maxInFlight: 1, start: 0, until: undefined }],
});
const value = new Uint8Array(200);

for (let i = 1; ; i += 1) {
  const event = {
    position: i,
    id: `e-${i}`,
    source: SOURCE,
    type: "n.n",
    time: new Date().toISOString(),
    contentType: "",
    traceparent: "",
    data: value,
  };
  events.write({ ...NOTHING, events: [event] });
  publisher?.set(`sent-${i}`, value);
  handler?.set(`handled-${i}`, value);
  const trimmed = i > KEPT ? [i - KEPT] : [];
  events.write({ ...NOTHING, trimmed, cursors: [{ consumer: CONSUMER, source: SOURCE, position: i, hasRows: false }] });
  handler?.set(`due-${i}`, value);
  schedules.put({
    plugin: "handler",
    name: "due",
    entryPoint: "x",
    times: { everyMs: 1_000 },
    missed: "once",
    byManifest: false,
    anchorMs: 0,
    nextMs: i + 1,
  });
  if (i === KEPT) writeSync(1, "works\n");
}
