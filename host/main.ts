// Composition root of the host: the one file that knows everyone. What is chosen from tables is opened first, then the core, then its plugins, then the doors.

import { existsSync } from "node:fs";
import { AccountPasswords } from "./admin/account-passwords.ts";
import { Operations } from "./admin/operations.ts";
import type { PluginSummary } from "./admin/plugin-overview.ts";
import type { Reloaded } from "./admin/reload-operations.ts";
import { OwnListeners } from "./bounds/own-listeners.ts";
import { packageVersion } from "./bounds/package-version.ts";
import { blobFunctions } from "./capabilities/blobs/functions.ts";
import { HashingLine } from "./capabilities/crypto/hashing-line.ts";
import { scheduleFunctions } from "./capabilities/schedules/functions.ts";
import { sendFunctions } from "./capabilities/sends/functions.ts";
import { storageFunctions } from "./capabilities/storage/functions.ts";
import { RemoteTransactions } from "./capabilities/storage/remote-transactions.ts";
import { Transactions } from "./capabilities/transactions/transactions.ts";
import { Host } from "./core/host.ts";
import type { PermissionPorts } from "./core/permissions.ts";
import type { LogSink } from "./core/ports/log.ts";
import { watchState } from "./drivers/state/watches.ts";
import { systemClock } from "./drivers/system-clock.ts";
import { catalogOf, ProviderBinding } from "./embedding/binding.ts";
import {
  type CallOptions,
  callService,
  type InstallOptions,
  install,
  type Operate,
  type SendOptions,
  sendMessage,
} from "./embedding/embedded.ts";
import { answersOf, signaturesOf } from "./embedding/function-binding.ts";
import type { HostFunctions } from "./embedding/functions.ts";
import { type KeptEvents, keptEvents } from "./embedding/kept-events.ts";
import { partsOf } from "./embedding/provider.ts";
import { blockCodec } from "./engine/guest/blocks.ts";
import { isOwnImport, isReservedModule } from "./engine/guest/imports.ts";
import { callRates } from "./guards/call-rates.ts";
import type { Lock } from "./install/lock.ts";
import { adapterContext } from "./lifecycle/adapter-context.ts";
import { contributionParsers, openAdapters } from "./lifecycle/adapters.ts";
import { backupsOf } from "./lifecycle/backups.ts";
import { followTurns, openBlobs } from "./lifecycle/blobs.ts";
import { auditOf, bootFleet, hardeningOf, openHousehold, recordQuarantines } from "./lifecycle/boot.ts";
import { openCapabilities } from "./lifecycle/capabilities.ts";
import { LiveCatalog } from "./lifecycle/catalog.ts";
import { Cells } from "./lifecycle/cells.ts";
import { openCluster } from "./lifecycle/cluster.ts";
import { DeclaredEvents } from "./lifecycle/declared-events.ts";
import { watchDiskSpace } from "./lifecycle/disk-space.ts";
import { openEventLog, openLeases, openLog, openSendLog, openState, sendsFolder } from "./lifecycle/drivers.ts";
import { Ending } from "./lifecycle/ending.ts";
import { Deliveries } from "./lifecycle/events/deliveries.ts";
import { Keeping } from "./lifecycle/events/keeping.ts";
import { Replays } from "./lifecycle/events/replays.ts";
import { subscribedEvents } from "./lifecycle/events/subscribed.ts";
import { failureRecords } from "./lifecycle/failure-records.ts";
import { Fleet } from "./lifecycle/fleet.ts";
import { openGate } from "./lifecycle/gate.ts";
import { HostHealth } from "./lifecycle/health.ts";
import { openIssuer } from "./lifecycle/issuer.ts";
import { tellObservers } from "./lifecycle/observing.ts";
import { Profiler } from "./lifecycle/profiling.ts";
import { Reloader, type Reread } from "./lifecycle/reload.ts";
import { openRemotePlugins } from "./lifecycle/remote-plugins.ts";
import { openRemoteStores } from "./lifecycle/remote-stores.ts";
import { contendForSchedules, followPlugins, openScheduler } from "./lifecycle/schedules.ts";
import { Sends } from "./lifecycle/sends/sends.ts";
import { finishPurges, storedData } from "./lifecycle/stored-data.ts";
import { HostTelemetry } from "./lifecycle/telemetry.ts";
import { openTls } from "./lifecycle/tls.ts";
import { refreshTrust } from "./lifecycle/trust-refresh.ts";
import { tellOfWithdrawnTools } from "./lifecycle/withdrawn-tools.ts";
import { type Configuration, configurationOf } from "./manifest/configuration.ts";
import { compileResource } from "./manifest/resources.ts";

export interface HostOptions {
  /** What to run, as `parseConfiguration` reads it from a file; without it a host without plugins of its own, without HTTP, in `dataDir`. */
  readonly configuration?: Configuration | undefined;
  /** Where the host keeps what lasts, relative to the working directory; instead of the configuration's. */
  readonly dataDir?: string | undefined;
  /** Services, events and extension points of the program itself. */
  readonly providers?: readonly object[] | undefined;
  /** Functions of the program that Extism plugins import: module → name → what `defineFunction` made. */
  readonly functions?: HostFunctions | undefined;
  /** Where log lines go; as the configuration says by default, and JSON on standard error without one. */
  readonly log?: LogSink | undefined;
  /** Of bulkhead.lock: says which packages the configuration's sources are. What differs from it is logged. */
  readonly lock?: Lock | undefined;
  /** Where the configuration comes from when the host is to read it anew; without it `reload` is refused. Rejects with HostError for what is none. */
  readonly reread?: (() => Promise<Reread>) | undefined;
}

export interface RunningHost extends AsyncDisposable {
  readonly core: Host;
  /** Where the HTTP adapter listens; undefined when it is off. */
  readonly url: string | undefined;
  /** Where every adapter listens that tells, by its name. */
  readonly addresses: ReadonlyMap<string, string>;
  /** How its plugins are, also those that were left out. */
  list(): readonly PluginSummary[];
  /** The events that it keeps. */
  readonly events: KeptEvents;
  /** See host/embedding/embedded.ts. */
  install(spec: string, options?: InstallOptions): Promise<string>;
  call<T = unknown>(service: string, input?: unknown, options?: CallOptions): Promise<T>;
  /** Calls a service and does not wait for it; see host/embedding/embedded.ts. */
  send(service: string, input?: unknown, options?: SendOptions): Promise<string>;
  /** Opens the log's file anew, when somebody who rotates files has moved it away; nothing where lines go elsewhere. */
  reopenLog(): void;
  /**
   * Reads the configuration anew and puts it into force, as far as that takes no restart of the host; with `dryRun` only tells what is different. Rejects with
   * HostError for one that is wrong, and has changed nothing then.
   */
  reload(how?: { readonly dryRun?: boolean }): Promise<Reloaded>;
  /**
   * For what nothing of the host caught, such as `uncaughtException`: logs and audits it, and stops as far as it comes in two seconds. Never rejects. The process
   * should end then.
   */
  crash(cause: unknown): Promise<void>;
  /** Takes no more requests, gives queued turns `drainMs`, stops plugins in reverse order, closes storage. */
  stop(): Promise<void>;
}

/**
 * Boots a host. A plugin that cannot be installed or started is logged and left out; the others run. Rejects with HostError `invalid-message` for malformed
 * options, and with what else a step fails with; whatever was opened is closed then.
 */
export async function createHost(options: HostOptions): Promise<RunningHost> {
  const configuration = configurationOf(options);
  const clock = systemClock;
  const { dataDir, hostMsPerSecond } = configuration;
  await using booting = new AsyncDisposableStack();
  const log = await openLog(configuration, options.log, { clock, dataDir }, booting);
  const opening = { clock, log, dataDir };
  const tell = (message: string, cause?: unknown): void => log.write({ level: "error", plugin: "host", message, cause });
  const functions = options.functions ?? {};
  const signatures = signaturesOf(functions, (module, name) => isReservedModule(module) || isOwnImport(module, name));
  const household = await openHousehold({ configuration, lock: options.lock ?? new Map(), clock, functions: signatures, tell }, booting);
  const { stores, sources } = household;
  const hardening = await hardeningOf(configuration, log);
  const disk = booting.use(await watchDiskSpace(dataDir, opening));
  const ending = new Ending({ configuration: () => stores.configuration, log });
  const remote = booting.use(await openRemoteStores({ configuration, opening, secrets: stores.secrets, core: (): Host => core }));
  const blobs = openBlobs(opening);
  const listeners = new OwnListeners();
  const tls = configuration.tls && booting.use(await openTls(configuration.tls, opening));
  const remotePlugins = await openRemotePlugins({ configuration, clock, log });
  const issuer = await openIssuer(configuration, { clock, secrets: stores.secrets, tell });
  const hashing = booting.use(new HashingLine(clock));
  const capabilities = await openCapabilities(
    configuration,
    opening,
    { secrets: stores.secrets, blobs, keys: stores.keys, hashing, ownListeners: listeners },
    booting,
  );
  const adapters = await openAdapters(configuration, opening, booting);
  const state = await openState(configuration, opening, booting);
  const events = await openEventLog(configuration, opening, booting);
  const keeping = new Keeping((): Host => core, events, configuration.events.keep);
  const transactions = new Transactions({ core: (): Host => core, clock, log });
  const remoteTransactions = new RemoteTransactions({ core: (): Host => core, clock, stores: remote, transactions });
  const leases = await openLeases(configuration, opening, booting);
  const scheduler = openScheduler(opening, (): Host => core);
  booting.defer(() => scheduler.close());
  const telemetry = booting.use(
    new HostTelemetry({
      ...{ options: configuration.telemetry, clock, dataDir, version: packageVersion() },
      ...{ core: () => core, cells: () => cells, events: () => events },
    }),
  );
  sources.admission.onAdmitted = (tookMs) => telemetry.recorder?.admitted(tookMs);
  const onCheck: PermissionPorts["onCheck"] = (check) => {
    stores.usage.onCheck(check);
    telemetry.onCheck(check);
  };
  const permissions = { compile: compileResource, onCheck };
  const cluster = await openCluster(configuration, opening, { core: (): Host => core, permissions, services: () => catalog.own }, booting);
  const core = new Host({
    ...{ clock, log, hostMsPerSecond, permissions, state, blocks: blockCodec },
    elsewhere: cluster?.elsewhere,
    guards: [callRates(clock), ...adapters.guards],
    keep: keeping.keep,
    stage: transactions.stage,
    cellFunctions: new Map([...transactions.functions, ...remoteTransactions.functions]),
    capabilities: {
      ...capabilities,
      ...scheduleFunctions(scheduler, clock),
      ...sendFunctions({
        send: (message, isDurable) => sends.send(message, isDurable),
        rateOf: (name) => core.plugin(name)?.publishing,
      }),
      ...storageFunctions(remoteTransactions, clock),
      ...blobFunctions(blobs),
      ...adapters.functions,
      ...answersOf(functions, clock),
    },
  });
  booting.defer(telemetry.follow());
  for (const observer of adapters.observers) core.observe(observer);
  booting.defer(watchState(core, clock));
  booting.defer(followTurns(blobs, core, tell));
  const isKnown = (name: string): boolean =>
    Object.hasOwn(stores.configuration.plugins, name) || stores.installations.find(name) !== undefined;
  booting.use(contendForSchedules(scheduler, leases));
  booting.defer(followPlugins(scheduler, { core, manifests: stores.manifests, isKnown, tell }));
  const isAccepted = (name: string): boolean => stores.installations.find(name)?.onProbation !== true;
  booting.defer(core.observe({ plugins: () => keeping.forget() }));
  const isGranted = (name: string): boolean =>
    stores.grantsOf(name).some(({ permission, effect }) => permission === "events.durable" && effect !== "deny");
  const handling = subscribedEvents(clock, isGranted);
  const deliveries = new Deliveries({ core, events, clock, log, isKnown, isAccepted, handling });
  booting.defer(deliveries.follow());
  const sends = booting.adopt(
    new Sends({
      ...{ clock, log, isKnown, isAccepted },
      core: () => core,
      options: configuration.sends,
      openLog: () => openSendLog(configuration, opening),
    }),
    (all) => all.close(),
  );
  booting.defer(sends.follow());
  if (existsSync(sendsFolder(dataDir))) await sends.resume();
  booting.defer(transactions.follow());
  booting.defer(remoteTransactions.follow());
  const replays = new Replays({ core, events, clock, isAccepted });
  booting.defer(tellObservers({ core, clock, telemetry }));
  const providers = (options.providers ?? []).map(partsOf);
  for (const one of providers) booting.defer(new ProviderBinding(one, { core, clock, log, permissions }).attach());
  const { onRecorded } = booting.use(failureRecords({ core: () => core, stores, clock, log }));
  const cells = booting.adopt(
    new Cells({
      ...{ configuration, hardening, clock, log, onRecorded, peers: remotePlugins?.peers },
      readModule: (key) => sources.admission.read(key),
    }),
    (all) => all.close(),
  );
  // Closed when the plugins have stopped, who have something to say to their peers then.
  const remoteDoor = booting.use(new AsyncDisposableStack());
  const fleet = new Fleet({ core, cells, admission: sources.admission, stores, remote, keepers: [deliveries, sends], levels: log.levels });
  const reloader = new Reloader({ stores, core, fleet, sources, log, reread: options.reread });
  reloader.onChange((next) => log.reconfigure(next));
  reloader.onChange(({ events: { keep } }) => keeping.alwaysKeep(keep));
  const native = catalogOf(providers);
  const catalog = new LiveCatalog({
    ...{ core, manifests: stores.manifests, native, log, words: stores.toolWords, elsewhere: cluster },
    parsers: await contributionParsers(configuration),
  });
  const declared = new DeclaredEvents(stores.manifests);
  const isRunning = (name: string): boolean => core.plugin(name) !== undefined;
  const data = storedData({ stores, clock, remote, blobs, isRunning });
  await finishPurges(stores, data, tell);
  const passwords = new AccountPasswords(hashing, clock);
  const operations = new Operations({
    stores,
    clock,
    sources,
    data,
    blobs,
    passwords,
    backups: booting.use(backupsOf(() => stores.configuration)),
    live: {
      ...{ core, plugins: fleet, catalog, scheduler, events: replays, sends, telemetry, log, configuration: reloader },
      profiler: new Profiler(clock, cells),
    },
  });
  reloader.onChange(() => operations.trust.applyRevocations());
  const record = auditOf(stores, log);
  recordQuarantines(core, record);
  await bootFleet(
    { core, fleet, operations, household, clock, log, drainMs: () => ending.drainMs, isLocked: options.lock !== undefined },
    booting,
  );
  booting.defer(tellOfWithdrawnTools(stores, log));
  deliveries.keepForAbsent();
  sends.booted();
  if (cluster !== undefined) booting.use(cluster.start());
  record("start", "host", { plugins: core.plugins.length, host: stores.identity.id });
  const faults = (): string[] => [disk.problem()].filter((problem) => problem !== undefined);
  const problems = (): string[] => [...faults(), ...remote.problems(), ...log.problems()];
  const required = (): string[] => stores.required();
  const health = booting.use(
    new HostHealth({ stateOf: (name) => core.plugin(name)?.state, clock, faults, required, isStopping: () => ending.isStopping }),
  );
  const { gate, logins } = openGate({ core, catalog, clock, stores, issuer, passwords, reloader, onDenial: onCheck, tell }, booting);
  const remoteServer = await remotePlugins?.start({
    ...{ core, tls, listeners, tokens: stores.remoteTokens },
    startPlugin: (name) => fleet.start(name),
    isReady: () => health.unready().length === 0,
  });
  remoteDoor.use(remoteServer ?? null);
  const issuers = configuration.auth.jwt.map(({ issuer, audience }) => ({ issuer, audience }));
  const doors = await adapters.start(
    (name) =>
      adapterContext(name, {
        ...{ core, gate, logins, operations, catalog, clock, log, declared, problems, health, blobs, listeners, tls, issuers, telemetry },
        ...{ audit: stores.audit, written: log.recent },
        onAsked: (door, asked, failure) => telemetry.recorder?.door(door, asked, failure),
      }),
    listeners,
    booting,
  );
  const addresses = remoteServer === undefined ? doors : new Map([...doors, ["remotePlugins", remoteServer.url]]);
  const operate: Operate = async <T>(operation: string, input: unknown) => (await operations.invoke(operation, input, "host")) as T;
  booting.use(refreshTrust({ clock, log, options: () => stores.configuration.trust, refresh: () => operate("trust-refresh", {}) }));
  booting.defer(() => record("stop", "host"));
  const running = booting.move();
  const stop = (): Promise<void> => ending.stop(running);
  return {
    ...{ core, addresses, url: addresses.get("http") },
    list: () => operations.plugins.list(),
    events: keptEvents(events),
    install: (spec, how = {}) => install(operate, spec, how),
    call: (service, input, how = {}) => callService(core, service, input, how),
    send: (service, input, how = {}) => sendMessage((message, isDurable) => sends.send(message, isDurable), service, input, how),
    reopenLog: () => log.reopen(),
    reload: ({ dryRun = false } = {}) => operate("reload", { dryRun }),
    crash: (cause) => ending.crash(cause, running, record),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
