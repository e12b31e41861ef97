// A process for ladder.test.ts to kill: climbs a ladder whose second step says where it is and then stands still. Not a test.

import { writeSync } from "node:fs";
import Database from "better-sqlite3";
import { openStore } from "../../host/bounds/ladder.ts";

const [file = "", where = ""] = process.argv.slice(2);

/** Until the kill. */
function standStill(at: string): void {
  if (at !== where) return;
  writeSync(1, `${at}\n`);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

openStore(
  () => {
    const database = new Database(file);
    database.pragma("journal_mode = WAL");
    return database;
  },
  [
    { since: "0.1.0", up: () => {} },
    {
      since: "0.2.0",
      up(connection) {
        standStill("copied");
        connection.exec("ALTER TABLE notes ADD COLUMN at TEXT; UPDATE notes SET at = 'then'");
        standStill("changed");
      },
      settle: () => standStill("committed"),
    },
  ],
  file,
);
