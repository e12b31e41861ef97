// Composition root of the test kit: the real admission, core, cell and storage around one plugin; clock, other plugins and the web are fakes.

import { RESERVED } from "../bounds/turn-writes.ts";
import { Blobs } from "../capabilities/blobs/blobs.ts";
import { blobFunctions } from "../capabilities/blobs/functions.ts";
import { cryptoFunctions } from "../capabilities/crypto/capability.ts";
import { HashingLine } from "../capabilities/crypto/hashing-line.ts";
import { memoryKeys } from "../capabilities/crypto/memory-keys.ts";
import { cryptoOptions } from "../capabilities/crypto/options.ts";
import { scheduleFunctions } from "../capabilities/schedules/functions.ts";
import { Scheduler } from "../capabilities/schedules/scheduler.ts";
import { memorySchedules } from "../capabilities/schedules/store.ts";
import { Transactions } from "../capabilities/transactions/transactions.ts";
import { PluginStorage } from "../cell/inside/plugin-storage.ts";
import { createInlineCell } from "../cell/outside/inline-cell.ts";
import { HostError } from "../core/errors.ts";
import { Host } from "../core/host.ts";
import { isStateKey, printable } from "../core/names.ts";
import type { Plugin } from "../core/plugin.ts";
import type { StorageDriver } from "../core/ports/storage.ts";
import type { ExtensionPoint, Grant } from "../core/types.ts";
import { memoryBlobs } from "../drivers/blobs/memory.ts";
import { memoryState } from "../drivers/state/memory.ts";
import type { StateTable } from "../drivers/state/table.ts";
import { watchState } from "../drivers/state/watches.ts";
import { openPluginStorage } from "../drivers/storage-sqlite/storage-sqlite.ts";
import { blockCodec } from "../engine/guest/blocks.ts";
import { callRates } from "../guards/call-rates.ts";
import { definePlugin, effectiveLimits, readModuleFolder } from "../install/plugin-folder.ts";
import { pluginSettings } from "../manifest/configuration.ts";
import type { LimitsInput } from "../manifest/limits.ts";
import { compileResource } from "../manifest/resources.ts";
import { admissionCache } from "./admission.ts";
import { BlobValues } from "./blob-values.ts";
import { type FakedHttp, fakedHttp } from "./fake-http.ts";
import { FakeCell, type FakedPoints, type FakedServices, fakedPlugins } from "./fake-plugins.ts";
import { fakedSends } from "./fake-sends.ts";
import { pathOf } from "./folder-path.ts";
import type { Content } from "./payload.ts";
import { Recording } from "./recording.ts";
import { seededRandom } from "./seeded-random.ts";
import { TestClock } from "./test-clock.ts";
import { TestGrants } from "./test-grants.ts";
import { ownerOf, TestPlugin } from "./test-plugin.ts";
import { type Store, Values } from "./values.ts";

export interface LoadOptions {
  /** What the operator gives: all that the manifest asks for (the default), nothing, or exactly this. */
  readonly grants?: "all" | "none" | readonly Grant[] | undefined;
  /** The plugin's configuration, as an operator writes it. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** Ceilings, with the keys of the operator's configuration. */
  readonly limits?: LimitsInput | undefined;
  /** Services of other plugins by their names, as functions. */
  readonly services?: FakedServices | undefined;
  /** Extension points, and what other plugins answer to them by their names. */
  readonly extensionPoints?: FakedPoints | undefined;
  /** What answers `http.fetch`; without it each request fails with `http-failed`. */
  readonly http?: FakedHttp | undefined;
  /** Secrets by their names; each may go to every URL. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** The shared state that it finds. */
  readonly state?: Readonly<Record<string, Content>> | undefined;
  /** The storage that it finds. */
  readonly stored?: Readonly<Record<string, Content>> | undefined;
  /** Where the clock stands, a Date or milliseconds since 1970; 2026-01-01T00:00:00Z by default. */
  readonly now?: Date | number | undefined;
  /** What is random to the plugin is the same each time it draws in the same order: `Math.random`, `random.bytes` and whatever its language has. Without it nothing is the same. */
  readonly seed?: number | undefined;
}

const NEW_YEAR = Date.UTC(2026, 0, 1);

/**
 * Loads the plugin in `folder`, which has plugin.json and the built module, and starts it: `on_load` and `on_start` have run. Rejects with HostError
 * like a host that cannot install or start it: `invalid-manifest`, `incompatible-api`, `admission-refused`, or what ended its start; and with
 * `invalid-message` for malformed options.
 */
export async function loadPlugin(folder: string | URL, options: LoadOptions = {}): Promise<TestPlugin> {
  const { grants = "all", config = {}, limits = {}, services = {}, extensionPoints = {}, secrets = {}, now = NEW_YEAR } = options;
  const { manifest, wasm } = await readModuleFolder(pathOf(folder));
  const settings = pluginSettings({ isolation: "inline", grants: grants === "none" ? [] : grants, config, limits });
  const given = new TestGrants(manifest, settings.grants);
  const faked = { services, points: extensionPoints };
  const others = fakedPlugins(faked, manifest.name, Object.keys(manifest.dependencies));
  const clock = new TestClock(now);
  const admitted = await (await admissionCache()).admit(wasm, effectiveLimits(manifest, settings));
  const definition = definePlugin(manifest, admitted, settings, given.all);

  const recording = new Recording();
  const state = memoryState(clock);
  const blobs = new Blobs(memoryBlobs(), clock);
  const scheduler = new Scheduler({
    clock,
    log: recording.hostLog,
    store: memorySchedules(),
    plugin: (name): Plugin | undefined => core.plugin(name),
  });
  scheduler.heldBy(() => true);
  const hashing = new HashingLine(clock);
  const hashesAndKeys = cryptoFunctions({ hashing, keys: memoryKeys(), options: cryptoOptions.parse({}) });
  const transactions = new Transactions({ core: () => core, clock, log: recording.hostLog });
  const core: Host = new Host({
    clock,
    log: recording.hostLog,
    stage: transactions.stage,
    cellFunctions: transactions.functions,
    capabilities: {
      ...fakedHttp(options.http, secrets, clock, blobs),
      ...scheduleFunctions(scheduler, clock),
      ...fakedSends(() => core, recording.hostLog),
      ...blobFunctions(blobs),
      ...hashesAndKeys,
    },
    blocks: blockCodec,
    guards: [callRates(clock)],
    permissions: { compile: compileResource, onCheck: () => {} },
    hostMsPerSecond: 1_000,
    state,
  });
  const unwatch = watchState(core, clock);
  core.observe({
    state: ({ name, state }) => (name === manifest.name && state === "running" ? scheduler.declare(name, manifest.schedules) : undefined),
  });
  core.observe({ turn: (turn) => blobs.endTurn(turn) });
  core.events.subscribe("**", (event) => recording.addEvent(event));
  core.observe({ turn: (turn) => (turn.plugin === manifest.name ? recording.addTurn(turn) : undefined) });
  const fakes = new FakeCell(faked, clock);
  for (const other of others) core.add(other, fakes);
  // Its own are declared with it.
  const foreign = new Set([...Object.keys(extensionPoints), ...Object.keys(manifest.extends)]);
  for (const name of Object.keys(manifest.extensionPoints)) foreign.delete(name);
  for (const name of foreign) core.extensions.declare(pointOf(name));

  const fillRandom = options.seed === undefined ? undefined : seededRandom(options.seed);
  const driver = openPluginStorage(undefined, definition, clock);
  const cell = createInlineCell({ clock, log: recording.log, fillRandom, openStorage: () => keptOpen(driver) });
  const plugin = new TestPlugin({
    core,
    plugin: core.add(definition, recording.watch(cell)),
    cell,
    clock,
    grants: given,
    recording,
    stored: new Values(asStore(driver)),
    state: new Values(stateOf(state)),
    blobs: new BlobValues(() => blobs.of(manifest.name), definition.limits),
    close() {
      unwatch();
      scheduler.close();
      hashing[Symbol.dispose]();
      driver.close();
    },
  });
  try {
    for (const [key, value] of Object.entries(options.state ?? {})) plugin.state.set(key, value);
    for (const [key, value] of Object.entries(options.stored ?? {})) plugin.stored.set(key, value);
    for (const { name } of others) await core.start(name);
    await plugin.restart();
    return plugin;
  } catch (thrown) {
    await plugin[Symbol.asyncDispose]();
    throw thrown;
  }
}

// Whatever is asked and answered is fine; what a point takes is its owner's affair.
const pointOf = (name: string): ExtensionPoint => ({ name, owner: ownerOf(name), checkInput: () => {}, checkAnswer: () => {} });

/** The same storage for each instance; the test closes it. */
function keptOpen(driver: StorageDriver): StorageDriver {
  return {
    get: (key) => driver.get(key),
    getVersioned: (key) => driver.getVersioned(key),
    set: (key, value, trace) => driver.set(key, value, trace),
    commit: (commit) => driver.commit(commit),
    keys: (range) => driver.keys(range),
    scan: (range) => driver.scan(range),
    changes: (after, limit) => driver.changes(after, limit),
    close: () => {},
  };
}

// By the rules that the plugin meets, but that all keys come at once.
function asStore(driver: StorageDriver): Store {
  const storage = new PluginStorage(driver);
  return {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value),
    delete: (key) => storage.delete(key),
    keys: (prefix) => driver.keys({ prefix, after: undefined, limit: Number.POSITIVE_INFINITY }).filter((key) => !key.startsWith(RESERVED)),
  };
}

// What the test sets counts for nobody's quota.
function stateOf(state: StateTable): Store {
  const unbounded = { maxBytes: Number.POSITIVE_INFINITY, maxKeys: Number.POSITIVE_INFINITY };
  return {
    get: (key) => state.get(key)?.value,
    set(key, value) {
      if (!isStateKey(key)) throw new HostError("invalid-message", `"${printable(key)}" is no state key`);
      state.set(key, value, { owner: "test", expected: undefined, ttlMs: undefined, ...unbounded });
    },
    delete: (key) => state.delete(key, undefined) !== undefined,
    keys: (prefix) => state.all(prefix),
  };
}
