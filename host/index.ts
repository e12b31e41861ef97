// The public API of the package `bulkhead`: boot a host from a configuration and use its core.

export { type Reason, refusal } from "./bounds/refusals.ts";
export { type ErrorShape, HOST_ERROR_CODES, HostError, type HostErrorCode } from "./core/errors.ts";
export type { Host } from "./core/host.ts";
export type { Plugin } from "./core/plugin.ts";
export type { LogLevel, LogLine, LogSink } from "./core/ports/log.ts";
export type { EndedTurn } from "./core/turn.ts";
export type { CloudEvent, Limits, PluginState, TurnOutcome, Usage } from "./core/types.ts";
export type { CallOptions, InstallOptions } from "./embedding/embedded.ts";
export {
  type Block,
  type DeclaredFunction,
  defineFunction,
  type FunctionContext,
  type FunctionDeclaration,
  type HostFunctions,
  type NumberType,
} from "./embedding/functions.ts";
export type { HistoryRange, KeptEvents } from "./embedding/kept-events.ts";
export {
  type AskOptions,
  type CallContext,
  defineProvider,
  type EventHandle,
  type ExtensionPointDeclaration,
  type PointHandle,
  type Provider,
  type ProviderDeclaration,
  type ServiceDeclaration,
} from "./embedding/provider.ts";
export type { Schema } from "./embedding/schema.ts";
export { type Lock, type LockedPlugin, readLock } from "./install/lock.ts";
export { createHost, type HostOptions, type RunningHost } from "./main.ts";
export { type Configuration, parseConfiguration } from "./manifest/configuration.ts";
