// A host with a plugin that hibernates, for a test that kills it: `node sleep-worker.ts <configuration> <service> asleep|awake`. Says so once the plugin has been called and is
// so, and waits.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { eventually } from "./eventually.ts";

const [file = "", service = "", how = ""] = process.argv.slice(2);
const [plugin = ""] = service.split(".");
const isAsleep = (): boolean => existsSync(join(dirname(file), "data", "asleep", `${plugin}.state`));

const host = await createHost({ configuration: parseConfiguration(readFileSync(file, "utf8"), file), log: { write: () => {} } });
await host.call(service);
await eventually("it is asleep", () => isAsleep() || undefined);
if (how === "awake") await host.call(service);
process.stdout.write(`${how}\n`);
// Until it is killed; nothing of it happens before that, such as falling asleep once more.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
