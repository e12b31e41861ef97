// What an event costs each language's counter, in a process of its own: it reads and writes its storage, publishes, calls a service of another plugin and logs.

import { join } from "node:path";
import type { Language } from "../../host/cli/toolchains/languages.ts";
import { startTrace } from "../../host/core/trace.ts";
import { createHost, parseConfiguration, type RunningHost } from "../../host/index.ts";
import { temporaryFolder, writePlugin } from "../support/plugin-folders.ts";
import { QUIET, text } from "./cells.ts";

const EVENTS = 300;
const ROUNDS = 5;
const GREETER = '(module (func (export "greet") (result i32) (i32.const 0)))';
const DATA = text.encode('{"sensor":"attic","value":21.5,"unit":"celsius"}');

interface Subject {
  readonly language: Language;
  readonly folder: string;
}

type InTurn<S> = (run: (subject: S) => Promise<number>, rounds: number) => Promise<ReadonlyMap<Language, number>>;

/** Microseconds an event. */
export async function countEvents<S extends Subject>(subjects: readonly S[], inTurn: InTurn<S>): Promise<ReadonlyMap<Language, number>> {
  const parent = temporaryFolder();
  const greeter = await writePlugin(parent.path, "greeter", GREETER, { services: { "greeter.greet": { entryPoint: "greet" } } });
  const hosts = new Map<Language, RunningHost>();
  for (const { language, folder } of subjects) {
    const limits = { logMiBPerMinute: 64, hostMsPerSecond: 1_000 };
    const plugins = { greeter: { path: greeter, isolation: "inline" }, counter: { path: folder, grants: "all", limits } };
    const configuration = { dataDir: language, adapters: { http: false }, plugins };
    const parsed = parseConfiguration(JSON.stringify(configuration), join(parent.path, "bulkhead.json"));
    hosts.set(language, await createHost({ configuration: parsed, log: QUIET }));
  }
  try {
    return await inTurn(({ language }) => perEvent(hosts.get(language)), ROUNDS);
  } finally {
    for (const host of hosts.values()) await host.stop();
    parent.remove();
  }
}

async function perEvent(host: RunningHost | undefined): Promise<number> {
  if (host === undefined) throw new Error("the language has no host");
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = EVENTS;
  const undo = host.core.observe({
    turn: ({ plugin, outcome }) => {
      if (plugin !== "counter") return;
      if (!outcome.ok) reject(new Error(outcome.error.message));
      left -= 1;
      if (left === 0) resolve();
    },
  });
  const started = performance.now();
  const event = { type: "sensors.measured", contentType: "application/json", source: "/bench", traceparent: startTrace(), data: DATA };
  for (let i = 0; i < EVENTS; i += 1) host.core.events.publish(host.core.stamp(event));
  await promise;
  undo();
  return ((performance.now() - started) * 1_000) / EVENTS;
}
