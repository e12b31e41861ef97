// A host made to be attacked: plugins from test/hostile in one isolation, beside a polite neighbour that is called all the while.

import { isUtf8 } from "node:buffer";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { toHostError } from "../../core/errors.ts";
import { startTrace } from "../../core/trace.ts";
import type { CloudEvent } from "../../core/types.ts";
import { createHost, type RunningHost } from "../../main.ts";
import { parseConfiguration } from "../../manifest/configuration.ts";

export type Isolation = "inline" | "thread" | "process";

export interface AttackResult {
  readonly attack: string;
  readonly isolation: Isolation | "admission";
  /** What must stop it. */
  readonly limit: string;
  /** What came of it: an error code, an answer, a reason. */
  readonly outcome: string;
  readonly ms: number;
  /** The longest that the neighbour waited for an answer meanwhile; -1 when it got none or a wrong one. */
  readonly neighbourMs: number;
  /** The longest that the host's event loop stood still meanwhile. */
  readonly hostMs: number;
  /** The attack was stopped by what must stop it, and host and neighbour kept serving. */
  readonly held: boolean;
  /** False when the machine lacks what the attack takes; then `outcome` says what, and `held` says nothing. */
  readonly tried: boolean;
}

export const notTried = (attack: string, isolation: AttackResult["isolation"], why: string): AttackResult => ({
  ...{ attack, isolation, limit: "", outcome: why, ms: 0, neighbourMs: 0, hostMs: 0 },
  ...{ held: false, tried: false },
});

/** A plugin of test/hostile as the suite runs it. */
export interface Hostile {
  readonly name: string;
  /** The module's file without `.wasm`; by default the plugin's name. */
  readonly module?: string;
  /** Service name to entry point. */
  readonly services?: Readonly<Record<string, string>>;
  readonly subscriptions?: readonly { readonly type: string; readonly entryPoint: string }[];
  readonly grants?: readonly { readonly permission: string; readonly resource: string }[];
  readonly limits?: object;
  readonly config?: Readonly<Record<string, string>>;
}

export interface World {
  readonly host: RunningHost;
  /** What plugins logged, and the events that there were, since they were last cleared. */
  readonly logged: string[];
  readonly events: CloudEvent[];
  close(): Promise<void>;
}

// Both beside host/ in the checkout and beside dist/ in the package.
export const SUITE: URL = new URL("../../../test/hostile/", import.meta.url);
/** What nobody may make host or neighbour wait. The machine may be busy with other things; an attack that works makes them wait for ever. */
export const PATIENCE_MS = 2_000;
const PROBE_INTERVAL_MS = 10;
// No turn of the suite may take as long, so what has not ended by then never will.
const GIVE_UP_MS = 30_000;
const MAX_KEPT = 10_000;
const MAX_OUTCOME_LENGTH = 60;
const EVERYTHING = ["services.call", "state.read", "state.write"].map((permission) => ({ permission, resource: "**" }));
// A host function's result begins with a byte that says whether it is an error (docs/abi.md).
const RESULT_TAG = /^[^ -~]+/;

export const hasControls = (text: string): boolean => /[\p{Cc}\u2028\u2029\u202a-\u202e]/u.test(text);

/** Boots a host with these plugins and the neighbour; `close` removes all of it. */
export async function openWorld(isolation: Isolation, plugins: readonly Hostile[], containment: object = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-selftest-"));
  const polite: Hostile = { name: "polite", services: { "polite.echo": "echo", "polite.who": "who" } };
  const all = [polite, ...plugins];
  for (const plugin of all) await writePlugin(folder, plugin);
  const configured = all.map(({ name, grants = [], limits = {}, config = {} }) => [
    name,
    { path: name, isolation, grants, limits, config },
  ]);
  const configuration = { adapters: { http: false }, drainMs: 200, containment, plugins: Object.fromEntries(configured) };
  const logged: string[] = [];
  const host = await createHost({
    configuration: parseConfiguration(JSON.stringify(configuration), join(folder, "bulkhead.json")),
    log: {
      write: ({ plugin, message }) =>
        void ((plugin !== "host" || message.includes("were dropped")) && logged.length < MAX_KEPT && logged.push(message)),
    },
  });
  const events: CloudEvent[] = [];
  host.core.events.subscribe("**", (event) => void (events.length < MAX_KEPT && events.push(event)));
  const close = async (): Promise<void> => {
    await within(GIVE_UP_MS, host.stop(), undefined);
    await rm(folder, { recursive: true, force: true });
  };
  return { host, logged, events, close };
}

async function writePlugin(folder: string, plugin: Hostile): Promise<void> {
  const { name, module = name, services = {}, subscriptions = [], grants = [] } = plugin;
  await mkdir(join(folder, name));
  await copyFile(new URL(`${module}.wasm`, SUITE), join(folder, name, "plugin.wasm"));
  const provided = Object.entries(services).map(([service, entryPoint]) => [service, { entryPoint }]);
  // It asks for everything, so that what it may not do is the grants' doing.
  const permissions = [...grants, ...EVERYTHING].map((grant) => ({ ...grant, reason: "to attack" }));
  const manifest = {
    name,
    version: "1.0.0",
    api: "0.2",
    wasm: "plugin.wasm",
    services: Object.fromEntries(provided),
    subscriptions,
    permissions,
  };
  await writeFile(join(folder, name, "plugin.json"), JSON.stringify(manifest));
}

/** The output of a service as text, or in hexadecimal when it is none; or the code of its error. */
export function call({ host }: Pick<World, "host">, service: string, text = "", traceparent: string = startTrace()): Promise<string> {
  const payload = new TextEncoder().encode(text);
  const caller = { kind: "host", name: "selftest" } as const;
  return host.core.services.call({ service, payload, caller, traceparent }).then(
    (output) =>
      isUtf8(output) ? new TextDecoder().decode(output).replace(RESULT_TAG, "") : `bytes ${Buffer.from(output).toString("hex")}`,
    (thrown) => toHostError(thrown).code,
  );
}

export interface Strike {
  readonly attack: string;
  readonly isolation: AttackResult["isolation"];
  readonly limit: string;
  readonly expected: RegExp;
  /** Does it and tells what came of it. */
  readonly strike: () => Promise<string>;
  readonly proof?: () => boolean;
}

/** Strikes, with an eye on the neighbour and on the host's event loop. Never rejects. */
export async function measure(
  world: Pick<World, "host">,
  { attack, isolation, limit, expected, strike, proof }: Strike,
): Promise<AttackResult> {
  const stalled = await watchEventLoop();
  const start = performance.now();
  let striking = true;
  const struck = within(GIVE_UP_MS, strike(), "it never ended")
    .catch((thrown) => `it threw ${toHostError(thrown).message}`)
    .finally(() => {
      striking = false;
    });
  let neighbourMs = 0;
  do {
    neighbourMs = Math.max(neighbourMs, await probe(world));
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS));
  } while (striking && Number.isFinite(neighbourMs));
  const outcome = await struck;
  const ms = performance.now() - start;
  // Once more: what an attack leaves behind must not hurt either.
  neighbourMs = Math.max(neighbourMs, await probe(world));
  const hostMs = stalled();
  const proven = expected.test(outcome) && (proof?.() ?? true) && isUnpolluted();
  return {
    attack,
    isolation,
    limit,
    outcome: outcome.slice(0, MAX_OUTCOME_LENGTH),
    ms,
    neighbourMs: Number.isFinite(neighbourMs) ? neighbourMs : -1,
    hostMs,
    held: proven && neighbourMs < PATIENCE_MS && hostMs < PATIENCE_MS,
    tried: true,
  };
}

/** Begins to watch; the answer ends it and tells the longest time, in milliseconds, that the event loop stood still. */
export async function watchEventLoop(): Promise<() => number> {
  const delay = monitorEventLoopDelay({ resolution: PROBE_INTERVAL_MS });
  delay.enable();
  // It measures from its first tick on.
  await new Promise((resolve) => setTimeout(resolve, 2 * PROBE_INTERVAL_MS));
  return () => {
    delay.disable();
    return delay.max / 1e6;
  };
}

const isUnpolluted = (): boolean => !("polluted" in {}) && Object.keys(Object.prototype).length === 0;

// With a timer of its own: the host's do not keep a process alive, and a suite that just ends tells nothing.
async function within<T>(limitMs: number, promise: Promise<T>, otherwise: T): Promise<T> {
  const { promise: late, resolve } = Promise.withResolvers<T>();
  const timer = setTimeout(resolve, limitMs, otherwise);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds until the neighbour has answered; infinite when it has not, or wrongly. */
async function probe(world: Pick<World, "host">): Promise<number> {
  const start = performance.now();
  const answer = await within(GIVE_UP_MS, call(world, "polite.echo", "still there?"), "none");
  return answer === "still there?" ? performance.now() - start : Number.POSITIVE_INFINITY;
}
