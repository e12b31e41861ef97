// The five seams by which everything enters that the core does not do itself: drivers, adapters, guards, observers and capabilities. Words only. Guards and
// observers are the core's own words (core/ports/policy.ts); each of the others is a row of a table, whose code is loaded when the configuration asks for it.

import type { z } from "zod";
import type { ErrorShape } from "./core/errors.ts";
import type { Matcher } from "./core/names.ts";
import type { CapabilityFunctions } from "./core/ports/capability.ts";
import type { Clock } from "./core/ports/clock.ts";
import type { LoggedLine, LogLevel, LogSink } from "./core/ports/log.ts";
import type { Guard, Observer } from "./core/ports/policy.ts";
import type { RemoteStorageDriver, StorageDriver } from "./core/ports/storage.ts";
import type {
  Bytes,
  CloudEvent,
  Effect,
  Grant,
  Limits,
  Permission,
  PermissionRequest,
  PluginState,
  ServiceRates,
  StoredPlugin,
  UnstampedEvent,
} from "./core/types.ts";
import type { BlobsBlob, BlobsProperty, CryptoKeyAlgorithm, WitFunction } from "./core/wit.ts";

/** What there is before anything else. */
export interface Opening {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly dataDir: string;
}

interface Extension<O> {
  readonly name: string;
  /** What the operator can set. */
  readonly options: z.ZodType<O>;
  /** Optional packages that it imports, by name, with the range of their versions. */
  readonly packages?: Readonly<Record<string, string>> | undefined;
}

/** Remembers or carries something behind a port; opened before the core. */
export interface Driver<Port, O = unknown, Given extends Opening = Opening> extends Extension<O> {
  /** Rejects with HostError. What is opened is disposed of when the host stops, or does not start after all. */
  open(opening: Given, options: O): Promise<Port & AsyncDisposable>;
}

/** Where a driver takes lines to. All that it is given is to be written. */
export interface LogOutput extends LogSink {
  /** Below it nothing is handed over, unless the operator says otherwise of a plugin; everything when it is undefined. */
  readonly level?: LogLevel | undefined;
  /** Opens anew what it writes to: somebody has moved that away. Never throws. */
  reopen?(): void;
  /** In words, why lines are lost; undefined while they are not. */
  problem?(): string | undefined;
}

/** The log as it is written, whoever brought its lines about: for who may do the operation `logs`, and for adapters that carry it elsewhere. */
export interface WrittenLog {
  /** The last lines, oldest first, as far as they are kept in memory. */
  recent(): readonly LoggedLine[];
  /** Tells of each line that is written from now on; returns its undo. Whoever throws is told of none any more. */
  follow(listener: (line: LoggedLine) => void): () => void;
}

/** A name that one contender, and no other, holds. */
export interface Held {
  /** Greater than whenever the name was held before: what has seen one can refuse what still comes of an earlier one. */
  readonly epoch: number;
  /** Aborts before another can hold the name, unless the process was stopped over that moment. */
  readonly lost: AbortSignal;
  /** The same, looked up now: true for no one whose time is over, even if the process was stopped meanwhile. */
  holds(): boolean;
}

/** Which of several hosts does what only one of them may do. */
export interface Leases {
  /**
   * Contends for `name` until disposed of, and works with it whenever it is held; when the work settles, the name is given up and contended for anew. Work that rejects is told and nothing more. Disposal
   * waits for the work. Throws HostError `invalid-message` for a malformed name.
   */
  contend(name: string, work: (held: Held) => Promise<void>): AsyncDisposable;
}

/** `beats`: who is there; `events`: what plugins publish. */
export type PeerChannel = "beats" | "events";

/** Carries bytes to the other hosts of a cluster and back, and says truly from whom they are; what they mean, and who of them lives, is not its affair. */
export interface Peers {
  /** The name of this host. */
  readonly host: string;
  /** Of one message, request or answer. */
  readonly maxBytes: number;
  /**
   * Tells all other hosts that are there, in the order of the calls; each hears it at most once, and maybe never. What is too large or cannot be sent is dropped
   * and told in the log.
   */
  broadcast(channel: PeerChannel, message: Bytes): void;
  /** Tells of what others broadcast; returns its undo. */
  hear(channel: PeerChannel, listener: (from: string, message: Bytes) => void): () => void;
  /**
   * Asks one host, and waits for its answer until `signal` aborts. Rejects with `host-unreachable` only where that host cannot have been given the request,
   * and `quota-exceeded` for one that is too large; `host-lost` where it was given and no answer comes any more, as far as that is known; `deadline-exceeded`
   * when the signal aborts: the other host is told of it then.
   */
  ask(host: string, request: Bytes, signal: AbortSignal): Promise<Bytes>;
  /**
   * Answers what others ask; one at a time, and nobody is given a request while there is none. `signal` aborts when nobody waits for the answer any more. An
   * answer that rejects or is too large is none, and the asker is told `host-lost`. Returns its undo.
   */
  answer(give: (from: string, request: Bytes, signal: AbortSignal) => Promise<Bytes>): () => void;
}

export interface PeersOpening extends Opening {
  /** The name that this host is to have; 1 to 63 lower-case letters, digits and hyphens. */
  readonly host: string;
}

/** Keeps on the host's side what plugins keep for themselves. One that opens may still be away: it is asked again whenever a plugin asks it. */
export type StorageDriverOfHost<O = unknown> = Driver<RemoteStorageDriver, O, SecretOpening>;

/** Opens what one plugin keeps for itself, in the cell where it runs: at once, and with nothing but what it is given. */
export interface StorageDriverModule {
  /** Whether it needs the plugin's files in `dir`, which the host makes and gives to the cell. */
  readonly keepsFiles: boolean;
  /** `dir` is undefined where nothing is to outlive the cell. Throws HostError `storage-failed`. */
  open(place: { readonly dir: string | undefined; readonly clock: Pick<Clock, "now"> }, plugin: StoredPlugin): StorageDriver;
}

/** A kind of permission that a capability brings. */
export interface PermissionKind {
  /** A denial may match when in doubt, a grant only when certain. Throws HostError `invalid-message` for a malformed resource. */
  compile(resource: string, effect: Effect): Matcher;
  /** Names of a pattern that only an equal or wider pattern matches; as for dotted names by default. */
  namesUnder?(pattern: string): readonly string[];
  /** What granting it means beyond its name, in words that follow the plugin's name. */
  meaning?(resource: string): string;
}

export interface SecretSource {
  /** Throws HostError for one that is not to be filled in. */
  find(name: string): { readonly value: string; mayGoTo(resource: string): boolean } | undefined;
}

export interface SecretOpening extends Opening {
  readonly secrets: SecretSource;
}

/** A blob that is to be. */
export interface NewBlob {
  readonly name: string;
  readonly mediaType: string;
  readonly metadata: readonly BlobsProperty[];
}

/** What is known of a blob, as wit/ has it. */
export type BlobInfo = BlobsBlob;

/** How much of blobs a plugin may have. */
export type BlobLimits = Pick<Limits, "blobBytes" | "blobs">;

/** Takes the content of one blob, piece by piece, whoever sends it. Whoever opened it calls `finish` or `discard` in the end. */
export interface BlobSink {
  /** How many bytes may still come. */
  room(): number;
  /** Resolves when the piece is written. Rejects with HostError `quota-exceeded`, and takes smaller ones then; `storage-failed`, and is closed then. */
  write(piece: Bytes): Promise<void>;
  /** The blob is visible and durable once it resolves. Rejects with HostError `quota-exceeded` or `storage-failed`, and nothing is left then. */
  finish(): Promise<BlobInfo>;
  /** Leaves nothing of what was not finished. Never rejects. */
  discard(): Promise<void>;
}

export interface BlobSource {
  readonly blob: BlobInfo;
  /** From `start` on, before `end`. Throws HostError `conflict` when the blob was replaced or removed meanwhile, `storage-failed`. */
  pieces(start?: number, end?: number): AsyncGenerator<Bytes>;
}

/** What others of the host bring into blobs of plugins and out of them. */
export interface BlobTransfers {
  /** How many bytes a blob of this name may have. Rejects with HostError `invalid-message`, `quota-exceeded` when there may be none. */
  room(plugin: string, name: string, limits: BlobLimits): Promise<number>;
  /** Rejects with HostError `invalid-message`, `quota-exceeded`, `rate-limited` (too many for the plugin at a time), `storage-failed`. */
  begin(plugin: string, blob: NewBlob, limits: BlobLimits): Promise<BlobSink>;
  /** Rejects with HostError `invalid-message` when there is none of the name. */
  source(plugin: string, name: string): Promise<BlobSource>;
  /** Removes the blob if it is still the one with this etag. */
  deleteIf(plugin: string, name: string, etag: string): Promise<boolean>;
}

/** A key of one plugin. Its private half stays in it. */
export interface SigningKey {
  readonly algorithm: CryptoKeyAlgorithm;
  /** Its thumbprint (RFC 7638). */
  readonly kid: string;
  /** Its public half, as JSON text. */
  readonly jwk: string;
  /** 64 bytes, as JSON Web Signatures have them. */
  sign(message: Bytes): Bytes;
}

/** The keys that plugins sign with, each of one plugin and one name of that plugin's. Throw HostError `storage-failed`. */
export interface SigningKeys {
  /** Makes it at its first use, of ed25519 when no algorithm is named. Throws HostError `conflict` when it is of another one. */
  current(plugin: string, name: string, algorithm: CryptoKeyAlgorithm | undefined): SigningKey;
  /** Public halves as JSON texts, the current one first, then those that it took the place of. */
  list(plugin: string, name: string): readonly string[];
}

/** Where whoever has a password hashed waits for his turn, so that few are hashed at once in the whole host. */
export interface HashingQueue {
  /**
   * Does the work when its turn comes, and tells `spend` what it took. `deadline` is on the monotonic clock. Settles as the work does. Rejects with HostError
   * `rate-limited` when too many of `who` wait, `deadline-exceeded` when its time is over before its turn comes.
   */
  run<T>(who: string, bounds: { readonly deadline: number; spend(ms: number): void }, work: () => Promise<T>): Promise<T>;
}

export interface CapabilityOpening extends SecretOpening {
  readonly hashing: HashingQueue;
  readonly blobs: BlobTransfers;
  /** Whether a connection there would come in by a door of this very host. */
  readonly ownListeners: { has(address: string, port: number): boolean };
  readonly keys: SigningKeys;
}

/** Answers functions of wit/ that the core does not know. */
export interface Capability<O = unknown> extends Extension<O> {
  open(opening: CapabilityOpening, options: O): Promise<{ readonly functions: CapabilityFunctions } & AsyncDisposable>;
}

/** What is known of a capability without loading it. */
export interface CapabilityRow {
  readonly permissions: Readonly<Record<Permission, PermissionKind>>;
  /** Its functions, with what each needs; undefined for what touches the plugin's own things only. */
  readonly needs: { readonly [F in WitFunction]?: Permission | undefined };
  load(): Promise<Capability>;
}

/** Who asks: a person, a program, another host. Only the gate makes one; a door holds it and hands it back. */
export interface Principal {
  /** Such as `user:ada`, `token:ci` or `anonymous`. */
  readonly name: string;
  allows(permission: Permission, resource: string): boolean;
}

/** Where somebody calls from. */
export interface CalledFrom {
  /** Of the connection, as the system says, or as a proxy says that the operator trusts. */
  readonly address: string | undefined;
  /** Whether it says of itself that somebody passed it on, such as a proxy. */
  readonly isPassedOn: boolean;
}

/** In PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Whose certificates clients may show to be known by. */
  readonly clientCa: Buffer | undefined;
}

/** With what a door speaks TLS. */
export interface Tls {
  current(): Certificate;
  /** Tells of a new one; returns its undo. */
  onChange(listener: (certificate: Certificate) => void): () => void;
}

/** What somebody shows to be known by. */
export type Credentials =
  /** `service` is what he is about to call, where that is known already: some are open to everybody. */
  | { readonly kind: "none"; readonly from: CalledFrom; readonly service?: string | undefined }
  | { readonly kind: "bearer"; readonly token: string; readonly from: CalledFrom }
  /** The common name of a client's certificate that `Tls.clientCa` has signed, and the door has checked. */
  | { readonly kind: "certificate"; readonly name: string; readonly from: CalledFrom }
  /** The secret of a session that `Logins` has opened. Whoever a browser shows it for must have been asked by a page of the door's own. */
  | { readonly kind: "session"; readonly secret: string; readonly from: CalledFrom }
  /** He has opened what only the user can open who runs the host; as a viewer he has no more than that role, for programs that he starts. */
  | { readonly kind: "operator" | "viewer" };

/** A session that begins. */
export interface OpenedSession {
  /** Nobody can see it again: 43 letters, digits, `-` and `_`. */
  readonly secret: string;
  /** Such as `account:ada`. */
  readonly principal: string;
  /** Milliseconds since 1970; it ends sooner when nobody uses it for an hour. */
  readonly expiresAt: number;
}

/** Logging in at an issuer, by way of a browser. */
export interface IssuerLogins {
  /**
   * Begins. The browser goes to `location`, comes back to `redirectUri`, and has to show `binding` again then. Rejects with HostError `rate-limited` when too many
   * have begun and not come back, `plugin-not-running` when the issuer cannot be reached.
   */
  begin(given: {
    readonly redirectUri: string;
    readonly from: CalledFrom;
  }): Promise<{ readonly location: string; readonly binding: string }>;
  /**
   * Ends, with the query of the address that the browser came back to. Rejects with HostError `permission-denied`, with the reason `unauthenticated` for what did
   * not begin here, is over or used, or what the issuer does not stand for; `plugin-not-running` when that cannot be reached.
   */
  finish(given: { readonly query: string; readonly binding: string | undefined; readonly from: CalledFrom }): Promise<OpenedSession>;
}

/** For doors by which people log in, and are known by a session then. */
export interface Logins {
  /**
   * Rejects with HostError `permission-denied` and the reason `unauthenticated` for a name or password that is wrong, `rate-limited` for an account or an address
   * that has failed too often, and when too many passwords wait to be checked.
   */
  byPassword(given: { readonly name: string; readonly password: string; readonly from: CalledFrom }): Promise<OpenedSession>;
  /** Undefined where the operator has named none (`auth.oidc`). */
  readonly issuer: IssuerLogins | undefined;
  /** Ends a session, and whatever goes on with it; nothing for what is none. */
  end(secret: string, from: CalledFrom): void;
}

export interface AdapterCall {
  readonly service: string;
  readonly payload: Bytes;
  /** As it came: what is no W3C trace context counts as none. */
  readonly traceparent?: string | undefined;
  /** Told of the call's own step in the trace before it is made, for the answer to name. */
  readonly onTrace?: ((traceparent: string) => void) | undefined;
  /** The provider's own limit holds when it is shorter. */
  readonly timeoutMs?: number | undefined;
  /** Aborts when nobody waits for the answer any more; the turn then ends. */
  readonly signal?: AbortSignal | undefined;
}

export interface CatalogPlugin {
  readonly name: string;
  readonly version: string;
  readonly description: string | undefined;
  readonly state: PluginState;
  readonly failure: ErrorShape | undefined;
  /** Turns waiting or running. */
  readonly queued: number;
  readonly permissions: readonly PermissionRequest[];
  readonly grants: readonly Grant[];
  readonly limits: Limits;
}

export interface CatalogService {
  readonly name: string;
  /** The plugin, or the host's own code, that answers it. */
  readonly provider: string;
  /** The hosts of the cluster that it is on; undefined for what this one provides itself. */
  readonly hosts?: readonly string[] | undefined;
  readonly description: string | undefined;
  /** JSON Schemas of payload and answer, as they were declared. */
  readonly input: unknown;
  readonly output: unknown;
  /** The reasons of its refusals, as they were declared, with what they mean. */
  readonly errors: Readonly<Record<string, string>>;
  /** How often it may be called. */
  readonly rates: ServiceRates;
  /** A call changes nothing, or does when it is made twice what one does; what only reads is idempotent unless it says otherwise. */
  readonly readOnly: boolean;
  readonly idempotent: boolean;
  readonly deprecated: boolean;
  /** Whether doors show it; whoever may call it can all the same. */
  readonly public: boolean;
  /**
   * Whether the operator has read what is said of the service, word for word, and lets it be told to those who take words for instructions, such as language
   * models. What the host's own program says counts as read.
   */
  readonly isRead: boolean;
  /** Media types of payload and answer that are no JSON, and opaque bytes. */
  readonly consumes: string | undefined;
  readonly produces: string | undefined;
}

export interface CatalogEvent {
  /** An event type, or a pattern of such. */
  readonly type: string;
  /** Those who may publish it as far as they ask for it, and those who listen. */
  readonly publishers: readonly string[];
  readonly subscribers: readonly string[];
  /** What was declared of it: in words, and as a JSON Schema of the data. */
  readonly description: string | undefined;
  readonly data: unknown;
}

/** A question that plugins answer. */
export interface CatalogPoint {
  readonly name: string;
  readonly provider: string;
  readonly description: string | undefined;
  /** JSON Schemas of question and answer, as they were declared. */
  readonly input: unknown;
  readonly output: unknown;
  /** The plugins that extend it. */
  readonly answeredBy: readonly string[];
}

/** What a plugin says to an adapter in its manifest. */
export interface Contribution {
  readonly plugin: string;
  /** As the adapter's `parseContribution` read it. */
  readonly section: unknown;
}

/** What there is, for every door to project from. Each reading is of that moment. */
export interface Catalog {
  /** Grows with every change but that of `queued`. */
  readonly version: number;
  readonly plugins: readonly CatalogPlugin[];
  readonly services: readonly CatalogService[];
  readonly events: readonly CatalogEvent[];
  readonly points: readonly CatalogPoint[];
  contributions(adapter: string): readonly Contribution[];
  /** Returns its undo. */
  onChange(listener: () => void): () => void;
  /** The same as far as somebody may call and hear of it. */
  for(principal: Principal): Catalog;
}

/** A body on its way into a blob of a plugin. */
export interface IncomingBlob extends BlobSink {
  /** Removes it after it was finished, unless the plugin has renamed or replaced it. Never rejects. */
  release(): Promise<void>;
}

/** Bodies that an adapter brings to plugins, and has from them, in blobs. Both need `services.call` on the service, and reject with HostError. */
export interface AdapterBlobs {
  /** Into a blob of the plugin that provides the service, under a name of the host's own. Whoever has it calls `release` in the end, or `discard`. */
  receive(principal: Principal, service: string, mediaType: string): Promise<IncomingBlob>;
  /** Out of a blob of that plugin. Rejects with `invalid-message` when there is none of the name. */
  source(principal: Principal, service: string, name: string): Promise<BlobSource>;
}

/** Somebody outside who makes tokens. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly audience: string;
}

/** How often something took how long, in seconds. */
export interface MetricHistogram {
  /** Upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[];
  /** So many in each bucket, and above all bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | MetricHistogram;
}

/** Something that the host counts about itself. Labels are names of what is installed and of closed lists, and never what a guest or a client has said. */
export interface Metric {
  /** With its unit, and without what a format adds, such as `_total`. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly unit: "seconds" | "bytes" | undefined;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

/** `call`: of a service, by a door or the host's own code; `turn`: of a plugin; `host-call`: what it asks of the host; `event`: one that is published. */
export type SpanKind = "call" | "turn" | "host-call" | "event";

/** One step of a trace that has ended. */
export interface Span {
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Whether whoever began the trace wants it kept. */
  readonly isSampled: boolean;
  /** The plugin that took the step, the door by which it came, or the source of an event. */
  readonly owner: string;
  /** The entry point or the host function. */
  readonly name: string;
  /** The service, the point or the type of events that it is about; cut. */
  readonly subject: string | undefined;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  /** How much of that it waited for its turn, and how much CPU it took. */
  readonly queuedMs: number;
  readonly cpuMs: number;
  /** `ok`, or the code of its error. */
  readonly code: string;
}

export interface ReadSpans {
  readonly spans: readonly Span[];
  /** How many were there and are not any more. */
  readonly missed: number;
  /** Where to read on. */
  readonly next: number;
}

/** What the host tells of itself: names, codes, counts and times, and nothing of what was said. */
export interface Telemetry {
  /** As of now. */
  metrics(): readonly Metric[];
  /** The latest steps, from a position on; 0 is the first. */
  spans(from: number): ReadSpans;
}

/** Whether the host lives and is ready, for whoever watches it. */
export interface Health {
  /** Whether its loop of events turned within the last two seconds. */
  isAlive(): boolean;
  /** In words, why nobody should send anything here: it is stopping, cannot write, or lacks a plugin that is required. Nothing when it is ready. */
  unready(): readonly string[];
}

/** All that an adapter sees of the host. Whatever it does it does for a principal. */
export interface AdapterContext {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly written: WrittenLog;
  readonly catalog: Catalog;
  /** Whose JSON Web Tokens let people in, if they are made out to this audience. */
  readonly issuers: readonly TokenIssuer[];
  /** What a door that listens speaks TLS with; undefined where the operator has given nothing. */
  readonly tls: Tls | undefined;
  readonly telemetry: Telemetry;
  /** In words, what is wrong with the host itself, also where only those fail who need it. */
  problems(): readonly string[];
  readonly health: Health;
  /**
   * Whether a door may listen on this address or name: beyond this machine none that lets everybody in. To be asked before it does, so that no plugin comes in
   * there; a port that the system chooses stands in `Running.address`. Throws HostError `invalid-message`.
   */
  requireListenable(host: string, port: number): void;
  /**
   * Rejects with HostError `permission-denied` and the reason `unauthenticated` for what nobody knows, `rate-limited` for an address that has shown such too
   * often.
   */
  authenticate(credentials: Credentials): Promise<Principal>;
  readonly logins: Logins;
  /**
   * Needs `services.call` on the service, or `services.read` where that only reads. Rejects with HostError like every call, and with `rate-limited` for a
   * principal that calls too often or too much at once.
   */
  call(principal: Principal, call: AdapterCall): Promise<Bytes>;
  /**
   * Needs `events.publish` on the type. Resolves with the event's id. Rejects with HostError `invalid-message` for what is no type or no media type, for what
   * is no JSON and says that it is, and for data that is not what the plugin with that name declares for the type.
   */
  publish(
    principal: Principal,
    event: Pick<UnstampedEvent, "type" | "contentType" | "data"> & { readonly traceparent?: string | undefined },
  ): Promise<string>;
  /**
   * Events of the types that match, as far as `events.subscribe` is granted when they come; returns its undo. One of the principal's streams, until it is
   * undone or, which `onEnd` tells, the principal is revoked or expires. Throws HostError `invalid-message`, `rate-limited`.
   */
  follow(principal: Principal, types: string, deliver: (event: CloudEvent) => void, onEnd?: () => void): () => void;
  /**
   * Counts as one of the principal's streams, for a door that hands over by itself what it hears of by `observe`: it asks `Principal.allows` with
   * `events.subscribe` for each event. Until it is undone or, which `onEnd` tells, the principal is revoked or expires. Throws HostError `rate-limited`.
   */
  openStream(principal: Principal, onEnd: () => void): () => void;
  readonly blobs: AdapterBlobs;
  /**
   * Does the work as one of the calls that the principal has under way, for a door whose answers cost something and call nobody. Rejects with HostError
   * `rate-limited` before it begins, `permission-denied` when the principal is revoked meanwhile, and as the work does.
   */
  within<T>(principal: Principal, work: () => Promise<T>): Promise<T>;
  /**
   * Does an operation of host/admin/operations.ts. Needs `host.operate` on `admin.<operation>`. Rejects like `call`. The audit log has the door beside what
   * was done, and where it came `from` if that is said.
   */
  operate(principal: Principal, operation: string, input: unknown, from?: CalledFrom): Promise<unknown>;
  /** Tells of everything, whoever brought it about. */
  observe(observer: Observer): () => void;
}

/** An adapter that runs. */
export interface Running extends AsyncDisposable {
  /** Where it can be reached, such as `http://127.0.0.1:7420`. */
  readonly address?: string | undefined;
}

/** What an adapter has opened before the core exists, and may offer to it. */
export interface Opened extends AsyncDisposable {
  readonly functions?: CapabilityFunctions | undefined;
  readonly guard?: Guard | undefined;
  readonly observer?: Observer | undefined;
}

/** Shows the core to the world, or the world to the core; started when the plugins run. */
export interface Adapter<O = unknown, Object extends Opened = Opened> extends Extension<O> {
  /** The manifest's `contributes.<name>` as the adapter reads it. Throws HostError `invalid-manifest`, which refuses the plugin when it is installed. */
  parseContribution?(plugin: string, section: unknown): unknown;
  /** Opens what several seams share. */
  open?(opening: Opening, options: O): Promise<Object>;
  start(context: AdapterContext, options: O, opened: Object | undefined): Promise<Running>;
}
