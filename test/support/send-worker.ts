// A host of its own in which plugins send durably to another, for a test that kills it. Writes down, before anything else can happen, what was taken and handled.

import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sendFunctions } from "../../host/capabilities/sends/functions.ts";
import { sendOptions } from "../../host/capabilities/sends/options.ts";
import { HostError } from "../../host/core/errors.ts";
import { Host } from "../../host/core/host.ts";
import type { Turn } from "../../host/core/ports/cell.ts";
import { eventLogOptions } from "../../host/drivers/events/options.ts";
import { sqlite } from "../../host/drivers/events/sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Sends } from "../../host/lifecycle/sends/sends.ts";
import { hostPorts } from "./host-ports.ts";
import { definition, scriptedCell, textOf, utf8 } from "./scripted-cell.ts";

const [dataDir = "", round = ""] = process.argv.slice(2);
const SENDERS = ["a", "b", "c"];
const AT_ONCE = 4;
const isDraining = round === "drain";

const file = (name: string): ((line: string) => void) => {
  const descriptor = openSync(join(dataDir, name), "a");
  return (line) => void writeSync(descriptor, `${line}\n`);
};
const [accepted, handled] = [file("accepted"), file("handled")];

const clock = systemClock;
const log = { write(): void {} };
const host: Host = new Host(
  hostPorts({
    ...{ clock, log },
    capabilities: sendFunctions({
      send: (message, isDurable) => sends.send(message, isDurable),
      rateOf: (name) => host.plugin(name)?.publishing,
    }),
  }),
);
const sends = new Sends({
  ...{ clock, log, core: () => host, isKnown: () => true, isAccepted: () => true },
  options: sendOptions.parse({ maxAttempts: 50 }),
  openLog: async () => sqlite.open({ clock, log, dataDir }, eventLogOptions.parse({})),
});
sends.follow();

const keep = async (input: Uint8Array): Promise<undefined> => {
  const data = textOf(input);
  if (Math.random() < 0.3) await delay(Math.random() * 3);
  // One sender whose messages fail now and then.
  if (/^c \d*0 3$/.test(data) && Math.random() < 0.5) throw new HostError("plugin-failed", "not yet");
  handled(`${round} ${data}`);
};
const act = async (input: Uint8Array, turn: Turn): Promise<undefined> => {
  const from = Number(textOf(input));
  for (let i = from; i < from + AT_ONCE; i += 1) {
    const data = `${turn.plugin} ${round} ${i}`;
    await turn.answer("services.send", [utf8("sink.keep"), utf8(data), utf8('{"durable":true}')]);
    accepted(data);
  }
};
const grants = ["services.call", "services.durable"].map((permission) => ({ permission, resource: "**", reason: "test" }));
const cell = scriptedCell({ sink: { keep }, ...Object.fromEntries(SENDERS.map((name) => [name, { act }])) });
// Senders first: what is kept of them is handed out as soon as its provider runs.
for (const name of SENDERS)
  host.add(definition(name, { act }, { services: [{ name: `${name}.act`, entryPoint: "act" }], permissions: grants, grants }), cell);
host.add(definition("sink", { keep }, { services: [{ name: "sink.keep", entryPoint: "keep" }] }), cell);
await sends.resume();
for (const name of [...SENDERS, "sink"]) await host.start(name);
process.stdout.write("ready\n");

if (isDraining) {
  while ((sends.statistics().services[0]?.waiting ?? 0) > 0) await delay(20);
  await sends.close();
  process.exit(0);
}

for (const name of SENDERS) void sendFrom(name);

async function sendFrom(name: string): Promise<void> {
  for (let i = 0; ; i += AT_ONCE) {
    const call = { service: `${name}.act`, payload: utf8(String(i)), caller: { kind: "host", name: "test" } as const };
    await host.services.call({ ...call, traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01` });
    await delay(Math.random() * 4);
  }
}
