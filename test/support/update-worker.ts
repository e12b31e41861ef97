// A host whose plugin hears durably while it is updated, rolled back and updated in vain again and again; for a test that kills it. Writes down what was accepted.

import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openControl } from "../../host/cli/control.ts";
import { createHost, parseConfiguration } from "../../host/index.ts";
import { utf8 } from "./scripted-cell.ts";

const [folder = "", round = ""] = process.argv.slice(2);
const isDraining = round === "drain";
const descriptor = openSync(join(folder, "accepted"), "a");
const configuration = parseConfiguration(
  JSON.stringify({ adapters: { http: false }, hardening: { acceptVulnerableNode: true } }),
  join(folder, "bulkhead.json"),
);
const host = await createHost({ configuration, log: { write() {} } });
const control = await openControl(configuration);

interface Plan {
  readonly package: string;
  readonly source: string;
  readonly integrity: string;
  readonly wasmSha256: string;
}

async function update(version: number): Promise<void> {
  const {
    package: id,
    source,
    integrity,
    wasmSha256,
  } = await control.invoke<Plan>("plan", { spec: join(folder, `v${version}`, "keeper") });
  await control.invoke("update", { package: id, source, integrity, wasmSha256, grants: GRANTS, settings: {}, approved: true });
}

const GRANTS = ["events.subscribe", "events.durable"].map((permission) => ({ permission, resource: "x.**" }));
if (host.core.plugin("keeper") === undefined)
  await host.install(join(folder, "v1", "keeper"), { grant: GRANTS, settings: { isolation: "inline" } });
process.stdout.write("ready\n");

if (isDraining) {
  const waiting = (): number => host.events.statistics().consumers.reduce((sum, one) => sum + one.waiting, 0);
  while (waiting() > 0) await delay(20);
  process.stdout.write(`dead ${host.events.statistics().consumers.reduce((sum, one) => sum + one.deadLetters, 0)}\n`);
  await host.stop();
  process.exit(0);
}

void publish();
for (;;)
  for (const step of [() => update(2), () => control.invoke("rollback", { plugin: "keeper" }), () => update(3)]) {
    await step().catch(() => {});
    await delay(Math.random() * 20);
  }

async function publish(): Promise<void> {
  for (let i = 0; ; i += 1) {
    const data = `${round}-${i}`;
    const event = { type: "x.y", source: "/plugins/pub", contentType: "application/json", data: utf8(JSON.stringify(data)) };
    await host.core.publish({ ...event, traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01` }, { kind: "host", name: "test" });
    writeSync(descriptor, `${data}\n`);
    await delay(Math.random() * 4);
  }
}
