// Sets one key again and again, and says each number once the driver has taken it; for a test that kills it.

import { writeSync } from "node:fs";
import { sqlite } from "../../host/drivers/state/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";

const [dataDir = "", round = ""] = process.argv.slice(2);
const driver = await sqlite.open({ clock: systemClock, log: { write() {} }, dataDir }, { maxMiB: 1, maxKeys: 100 });
const write = { owner: "test", expected: undefined, ttlMs: undefined, maxBytes: 1_000_000, maxKeys: 100 };
for (let i = 0; ; i += 1) {
  await driver.set(`round.${round}`, new TextEncoder().encode(String(i)), write);
  writeSync(1, `${i}\n`);
}
