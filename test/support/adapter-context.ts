// What an adapter is given, for tests: the real door to a core, over manifests that the test changes.

import Database from "better-sqlite3";
import type { Operations } from "../../host/admin/operations.ts";
import { TOKENS_SCHEMA, TokenStore } from "../../host/admin/tokens.ts";
import { OwnListeners } from "../../host/bounds/own-listeners.ts";
import { RecentLines } from "../../host/bounds/recent-lines.ts";
import type { Host } from "../../host/core/host.ts";
import type { Clock } from "../../host/core/ports/clock.ts";
import type { LogSink } from "../../host/core/ports/log.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { Gate } from "../../host/gate/gate.ts";
import type { IssuerClient } from "../../host/gate/issuer-client.ts";
import { LoginDesk } from "../../host/gate/logins.ts";
import { adapterContext } from "../../host/lifecycle/adapter-context.ts";
import { type CatalogPorts, type ContributionParser, LiveCatalog } from "../../host/lifecycle/catalog.ts";
import { DeclaredEvents } from "../../host/lifecycle/declared-events.ts";
import { type AuthOptions, authSchema } from "../../host/manifest/auth.ts";
import { KnownManifests } from "../../host/manifest/known-manifests.ts";
import { type Manifest, parseManifest } from "../../host/manifest/manifest.ts";
import type { AdapterContext, BlobTransfers, CalledFrom, Telemetry, Tls } from "../../host/seams.ts";
import { accountsInMemory, type TestAccounts } from "./accounts.ts";
import { blobsInMemory } from "./blobs.ts";

export interface TestContext {
  readonly context: AdapterContext;
  readonly manifests: KnownManifests;
}

export interface TestContextOptions {
  readonly log: LogSink;
  /** The adapter's name. */
  readonly adapter: string;
  readonly parse?: ContributionParser;
  readonly problems?: () => readonly string[];
  readonly operations?: Pick<Operations, "invoke">;
  readonly blobs?: BlobTransfers;
  readonly auth?: AuthOptions;
  readonly tokens?: TokenStore;
  readonly accounts?: TestAccounts;
  readonly issuer?: IssuerClient;
  readonly tls?: Tls;
  readonly words?: CatalogPorts["words"];
  readonly telemetry?: Telemetry;
  readonly written?: AdapterContext["written"];
  readonly health?: AdapterContext["health"];
}

/** Nothing is counted. */
const UNSEEING: Telemetry = { metrics: () => [], spans: () => ({ spans: [], missed: 0, next: 0 }) };

/** Nothing is read. */
const UNREAD: CatalogPorts["words"] = { holds: () => false, onChange: () => () => {} };

const WELL: AdapterContext["health"] = { isAlive: () => true, unready: () => [] };

/** Where whoever calls is on this machine. */
export const HERE: CalledFrom = { address: "127.0.0.1", isPassedOn: false };

/** Tokens that last as long as the test. */
export function tokensInMemory(clock: Clock = systemClock): TokenStore {
  const connection = new Database(":memory:");
  connection.exec(TOKENS_SCHEMA);
  return new TokenStore(connection, clock);
}

/** A manifest that has nothing but this to say to an adapter. */
export function contributing(plugin: string, contributes: Readonly<Record<string, unknown>>): Manifest {
  return parseManifest(JSON.stringify({ name: plugin, version: "1.0.0", api: "0.1", wasm: "plugin.wasm", contributes }), "plugin.json");
}

export function testContext(
  core: Host,
  {
    log,
    adapter,
    parse,
    problems = () => [],
    operations,
    blobs = blobsInMemory(),
    auth,
    tokens,
    accounts = accountsInMemory(systemClock),
    issuer,
    tls,
    words = UNREAD,
    telemetry = UNSEEING,
    written = new RecentLines(systemClock),
    health = WELL,
  }: TestContextOptions,
): TestContext {
  const manifests = new KnownManifests();
  const parsers = new Map(parse === undefined ? [] : [[adapter, parse]]);
  const catalog = new LiveCatalog({ core, manifests, parsers, native: { services: [], events: [], points: [] }, log, words });
  const nobody: Pick<Operations, "invoke"> = { invoke: () => Promise.reject(new Error("this test has no operations")) };
  const { users, sessions, passwords } = accounts;
  const options = auth ?? authSchema.parse({});
  const gate = new Gate({
    ...{
      ...{ users, sessions, clock: systemClock },
      operator: "user:test",
      onDenial: () => {},
      tell: () => {},
      isReadOnly: (service: string) => catalog.isReadOnly(service),
    },
    auth: options,
    tokens: tokens ?? accounts.tokens,
  });
  const audit = {
    through: <T>(_cameBy: object, work: () => T): T => work(),
    append: (actor: string, action: string, subject: string, detail?: object) =>
      accounts.audited.push(`${actor} ${action} ${subject} ${JSON.stringify(detail ?? {})}`),
  };
  const onDenial = ({ plugin, permission, resource }: { plugin: string; permission: string; resource: string }) =>
    accounts.audited.push(`denied ${plugin} ${permission} ${resource}`);
  const logins = new LoginDesk({ issuer, users, sessions, passwords, audit, onDenial, auth: options, clock: systemClock });
  const context = adapterContext(adapter, {
    ...{ core, gate, logins, audit, operations: operations ?? nobody, catalog, clock: systemClock, log, problems, health, written },
    declared: new DeclaredEvents(manifests),
    blobs,
    listeners: new OwnListeners(),
    tls,
    issuers: (auth ?? authSchema.parse({})).jwt,
    telemetry,
    onAsked: () => {},
  });
  return { context, manifests };
}
