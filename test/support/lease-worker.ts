// Contends for one name, and says on the machine's clock when it begins to hold it and when it has stopped; for a test that kills and stops it.

import { once } from "node:events";
import { writeSync } from "node:fs";
import { sqlite } from "../../host/drivers/leases/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";

const [file = ""] = process.argv.slice(2);
const say = (what: string, epoch: number): void => void writeSync(1, `${what} ${epoch} ${process.hrtime.bigint()}\n`);
const leases = await sqlite.open({ clock: systemClock, log: { write() {} }, dataDir: "/" }, { file, ttlMs: 1_000 });
leases.contend("work", async ({ epoch, lost, holds }) => {
  say("begin", epoch);
  // What a holder does is done only where it still holds, looked up as near to the deed as can be.
  while (!lost.aborted) {
    if (holds()) say("work", epoch);
    await Promise.race([once(lost, "abort"), new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  say("end", epoch);
});
// The clock's timers keep no process alive.
setInterval(() => {}, 1_000);
