// Contends for one name, and says on the machine's clock when it begins to hold it and when it has stopped; for a test that kills and stops it.

import { once } from "node:events";
import { writeSync } from "node:fs";
import { sqlite } from "../../host/drivers/leases/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";

const [file = ""] = process.argv.slice(2);
const say = (what: string, epoch: number, at = process.hrtime.bigint()): void => void writeSync(1, `${what} ${epoch} ${at}\n`);
const leases = await sqlite.open({ clock: systemClock, log: { write() {} }, dataDir: "/" }, { file, ttlMs: 1_000 });
leases.contend("work", async ({ epoch, lost, holds }) => {
  say("begin", epoch);
  while (!lost.aborted) {
    // The time is read before the question: a process that is stopped between the answer and its deed is the epoch's to refuse, not the lease's.
    const at = process.hrtime.bigint();
    if (holds()) say("work", epoch, at);
    await Promise.race([once(lost, "abort"), new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  say("end", epoch);
});
// The clock's timers keep no process alive.
setInterval(() => {}, 1_000);
