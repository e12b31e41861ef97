// What a plugin in TypeScript or JavaScript imports.

/// <reference path="./runtime.d.ts" />
/// <reference path="./host-modules.d.ts" />
/// <reference path="./wasi.d.ts" />

export { type BlobOptions, blobPieces, readBlob, writeBlob } from "./blob-content.ts";
export type { ErrorCode } from "./error-code.ts";
export { Failure, HostError, type Reason, Refusal } from "./host-error.ts";
export { decodeJson, encodeJson, type JsonOptions } from "./json.ts";
export { type Answer, type EntryPoints, type Event, type Handlers, plugin, Request } from "./plugin.ts";
export { type Config, type ConfigKind, readConfig } from "./read-config.ts";
export { formOf, type RouteAnswer, type RouteBlob, RouteRequest, rawRoute } from "./raw-route.ts";
export { type Transaction, transaction } from "./transaction.ts";
export * as blobs from "./blobs.ts";
export * as clock from "./clock.ts";
export * as config from "./config.ts";
export * as crypto from "./crypto.ts";
export * as events from "./events.ts";
export * as extensions from "./extensions.ts";
export * as http from "./http.ts";
export * as log from "./log.ts";
export * as random from "./random.ts";
export * as services from "./services.ts";
export * as state from "./state.ts";
export * as storage from "./storage.ts";
