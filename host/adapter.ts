// The public API `bulkhead/adapter`: the words of the seams, for adapters and drivers in repositories of their own, and the suites that test them.

// The host's own, so that schemas of options are of its version.
export { z } from "zod";
export { answerTo } from "./bounds/error-answers.ts";
export { shownJson } from "./bounds/shown-json.ts";
export { StoreUnavailable } from "./bounds/store-unavailable.ts";
export { type AdapterToTest, adapterContract } from "./contracts/adapter.ts";
export { clockContract } from "./contracts/clock.ts";
export type { ContractTest } from "./contracts/contract.ts";
export { type EventLogToOpen, eventLogContract, type OpenedEventLog } from "./contracts/event-log.ts";
export { type LeasesToOpen, leasesContract, type OpenedLeases } from "./contracts/leases.ts";
export { logSinkContract } from "./contracts/log-sink.ts";
export { type OpenedPeers, peersContract } from "./contracts/peers.ts";
export { type OpenedState, type StateToOpen, stateDriverContract } from "./contracts/state-driver.ts";
export { remoteStorageContract, storageDriverContract } from "./contracts/storage-driver.ts";
export { type StoreWithFaults, storageFaults } from "./contracts/storage-faults.ts";
export type { StorageToOpen, TestedStorage } from "./contracts/storage-words.ts";
export { encodeEvent } from "./core/cloud-event.ts";
export { type ErrorShape, HostError, type HostErrorCode } from "./core/errors.ts";
export { escapeControls } from "./core/names.ts";
export type { Clock } from "./core/ports/clock.ts";
export type {
  Consumer,
  ConsumerStatistics,
  Consumption,
  DeadLetter,
  DeadLetterRange,
  Delivery,
  EventLog,
  EventPage,
  EventRange,
  EventStatistics,
  RecordedEvent,
} from "./core/ports/events.ts";
export type { LoggedLine, LogLevel, LogLine, LogSink } from "./core/ports/log.ts";
export type { EndedCall, Guard, Observer } from "./core/ports/policy.ts";
export type { StateChange, StateDriver, StateEntry, StateWrite } from "./core/ports/state.ts";
export type {
  KeyRange,
  RemoteCommit,
  RemoteSet,
  RemoteStorage,
  RemoteStorageDriver,
  ScanRange,
  StorageCommit,
  StorageDriver,
} from "./core/ports/storage.ts";
export { startTrace } from "./core/trace.ts";
export type { Bytes, CloudEvent } from "./core/types.ts";
export type {
  Adapter,
  AdapterBlobs,
  AdapterCall,
  AdapterContext,
  BlobInfo,
  BlobSink,
  BlobSource,
  CalledFrom,
  Catalog,
  CatalogEvent,
  CatalogPlugin,
  CatalogPoint,
  CatalogService,
  Certificate,
  Contribution,
  Credentials,
  Driver,
  Health,
  Held,
  IncomingBlob,
  IssuerLogins,
  Leases,
  Logins,
  LogOutput,
  Opened,
  OpenedSession,
  Opening,
  PeerChannel,
  Peers,
  PeersOpening,
  Principal,
  Running,
  SecretOpening,
  SecretSource,
  StorageDriverOfHost,
  Tls,
  TokenIssuer,
  WrittenLog,
} from "./seams.ts";
