// Logs that are copied before the plugins' storage and after it become one, so that no step of a turn is in one of them and in none of the others: what was
// done is what was done before, and what is to be done is all that was there before or after.

import Database, { type Database as Connection } from "better-sqlite3";

const PROGRESS = ["cursors", "settled", "attempts", "dead"];

/** `after` becomes the whole of both: every event of either, and every consumer as far as it had come before. */
export function mergeEvents(after: string, before: string): void {
  withBoth(after, before, (connection) => {
    connection.exec(
      "INSERT OR IGNORE INTO main.events SELECT * FROM earlier.events WHERE position NOT IN (SELECT position FROM main.events)",
    );
    for (const table of PROGRESS) {
      connection.exec(`DELETE FROM main.${table}`);
      connection.exec(`INSERT INTO main.${table} SELECT * FROM earlier.${table} WHERE consumer IN (SELECT name FROM main.consumers)`);
    }
  });
}

/** `after` becomes the whole of both: a schedule that has come due in between comes due again. */
export function mergeSchedules(after: string, before: string): void {
  withBoth(after, before, (connection) => {
    connection.exec(`
      UPDATE main.schedules AS one SET next_ms = min(coalesce(one.next_ms, early.next_ms), early.next_ms)
      FROM earlier.schedules AS early
      WHERE early.plugin = one.plugin AND early.name = one.name AND early.times = one.times AND early.entry_point = one.entry_point
        AND early.next_ms IS NOT NULL`);
    connection.exec("INSERT OR IGNORE INTO main.schedules SELECT * FROM earlier.schedules");
  });
}

function withBoth(after: string, before: string, merge: (connection: Connection) => void): void {
  const connection = new Database(after);
  try {
    connection.pragma("trusted_schema = OFF");
    connection.prepare("ATTACH ? AS earlier").run(before);
    connection.transaction(() => merge(connection))();
  } finally {
    connection.close();
  }
}
