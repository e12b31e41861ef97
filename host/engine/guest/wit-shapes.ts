// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// How the values of every host function look in blocks; blocks.ts makes codecs of them.

import type { ApiVersion, WitFunction } from "../../core/wit.ts";

/** A record's fields are [name in wit/, name in the host, shape]; `_` is nothing. */
export type Shape =
  | "_"
  | "string"
  | "bytes"
  | "bool"
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "s32"
  | "s64"
  | "f64"
  | { readonly enum: readonly string[] }
  | { readonly list: Shape }
  | { readonly option: Shape }
  | { readonly record: readonly (readonly [wit: string, host: string, shape: Shape])[] };

const logLevel: Shape = { enum: ["debug", "info", "warning", "error"] };
const servicesCallerKind: Shape = { enum: ["plugin", "adapter", "host"] };
const servicesCaller: Shape = { record: [["kind", "kind", servicesCallerKind], ["name", "name", "string"]] };
const servicesSendOptions: Shape = { record: [["durable", "durable", "bool"], ["id", "id", { option: "string" }]] };
const extensionsAnswer: Shape = { record: [["plugin", "plugin", "string"], ["output", "output", "bytes"]] };
const httpHeader: Shape = { record: [["name", "name", "string"], ["value", "value", "string"]] };
const httpRequest: Shape = { record: [["method", "method", "string"], ["url", "url", "string"], ["headers", "headers", { list: httpHeader }]] };
const httpResponse: Shape = { record: [["status", "status", "u16"], ["headers", "headers", { list: httpHeader }], ["body", "body", "bytes"]] };
const httpFetchOptions: Shape = { record: [["timeout-ms", "timeoutMs", { option: "u32" }], ["body-from", "bodyFrom", { option: "string" }], ["answer-into", "answerInto", { option: "string" }]] };
const httpFetched: Shape = { record: [["status", "status", "u16"], ["headers", "headers", { list: httpHeader }], ["body", "body", "bytes"], ["stored", "stored", { option: "u64" }]] };
const stateVersioned: Shape = { record: [["value", "value", "bytes"], ["revision", "revision", "u64"], ["owner", "owner", "string"]] };
const stateWrite: Shape = { record: [["key", "key", "string"], ["value", "value", { option: "bytes" }], ["expected", "expected", { option: "u64" }], ["ttl-ms", "ttlMs", { option: "u64" }]] };
const storageChange: Shape = { record: [["key", "key", "string"], ["value", "value", { option: "bytes" }], ["ttl-ms", "ttlMs", { option: "u64" }]] };
const storageVersioned: Shape = { record: [["value", "value", "bytes"], ["version", "version", "u64"], ["expires-at", "expiresAt", { option: "u64" }]] };
const storageCheck: Shape = { record: [["key", "key", "string"], ["version", "version", "u64"]] };
const storageCommitOutcome: Shape = { record: [["committed", "committed", "bool"], ["version", "version", "u64"]] };
const storageEntry: Shape = { record: [["key", "key", "string"], ["value", "value", "bytes"], ["version", "version", "u64"]] };
const storagePage: Shape = { record: [["entries", "entries", { list: storageEntry }], ["next", "next", { option: "string" }]] };
const storageLogged: Shape = { record: [["seq", "seq", "u64"], ["key", "key", "string"], ["removed", "removed", "bool"], ["time", "time", "u64"], ["trace", "trace", { option: "string" }]] };
const blobsProperty: Shape = { record: [["name", "name", "string"], ["value", "value", "string"]] };
const blobsBlob: Shape = { record: [["name", "name", "string"], ["media-type", "mediaType", "string"], ["metadata", "metadata", { list: blobsProperty }], ["size", "size", "u64"], ["etag", "etag", "string"], ["modified", "modified", "u64"]] };
const schedulesMissed: Shape = { enum: ["skip", "once"] };
const schedulesSchedule: Shape = { record: [["name", "name", "string"], ["entry-point", "entryPoint", "string"], ["cron", "cron", { option: "string" }], ["every-ms", "everyMs", { option: "u64" }], ["at-ms", "atMs", { option: "u64" }], ["timezone", "timezone", { option: "string" }], ["missed", "missed", schedulesMissed]] };
const schedulesPlanned: Shape = { record: [["name", "name", "string"], ["next-ms", "nextMs", { option: "u64" }], ["by-manifest", "byManifest", "bool"]] };
const cryptoHashAlgorithm: Shape = { enum: ["sha256", "sha384", "sha512"] };
const cryptoSignatureAlgorithm: Shape = { enum: ["ed25519", "es256", "rs256", "ps256"] };
const cryptoKeyFormat: Shape = { enum: ["jwk", "raw"] };
const cryptoKeyAlgorithm: Shape = { enum: ["ed25519", "es256"] };

interface FunctionShape {
  readonly params: readonly Shape[];
  readonly result: Shape;
  /** Whether it answers a `result` in wit/. */
  readonly fails: boolean;
  readonly since: ApiVersion;
}

export const SHAPES: Readonly<Record<WitFunction, FunctionShape>> = {
  "log.write": { params: [logLevel, "string"], result: "_", fails: true, since: "0.1" },
  "events.publish": { params: ["string", "string", "bytes"], result: "string", fails: true, since: "0.1" },
  "services.call": { params: ["string", "bytes", { option: "u32" }], result: "bytes", fails: true, since: "0.1" },
  "services.send": { params: ["string", "bytes", servicesSendOptions], result: "string", fails: true, since: "0.2" },
  "services.current-caller": { params: [], result: servicesCaller, fails: false, since: "0.1" },
  "services.current-principal": { params: [], result: { option: "string" }, fails: false, since: "0.2" },
  "extensions.ask": { params: ["string", "bytes", { option: "u32" }], result: { list: extensionsAnswer }, fails: true, since: "0.2" },
  "http.fetch": { params: [httpRequest, "bytes"], result: httpResponse, fails: true, since: "0.1" },
  "http.fetch-with": { params: [httpRequest, "bytes", httpFetchOptions], result: httpFetched, fails: true, since: "0.2" },
  "state.get": { params: ["string"], result: { option: "bytes" }, fails: true, since: "0.1" },
  "state.set": { params: ["string", "bytes"], result: "_", fails: true, since: "0.1" },
  "state.delete": { params: ["string"], result: "bool", fails: true, since: "0.1" },
  "state.keys": { params: ["string"], result: { list: "string" }, fails: true, since: "0.1" },
  "state.get-versioned": { params: ["string"], result: { option: stateVersioned }, fails: true, since: "0.2" },
  "state.put": { params: [stateWrite], result: { option: "u64" }, fails: true, since: "0.2" },
  "state.list-keys": { params: ["string", { option: "string" }, "u32"], result: { list: "string" }, fails: true, since: "0.2" },
  "storage.get": { params: ["string"], result: { option: "bytes" }, fails: true, since: "0.1" },
  "storage.set": { params: ["string", "bytes"], result: "_", fails: true, since: "0.1" },
  "storage.delete": { params: ["string"], result: "bool", fails: true, since: "0.1" },
  "storage.get-many": { params: [{ list: "string" }], result: { list: { option: "bytes" } }, fails: true, since: "0.1" },
  "storage.apply": { params: [{ list: storageChange }], result: "_", fails: true, since: "0.1" },
  "storage.keys": { params: ["string", { option: "string" }, "u32"], result: { list: "string" }, fails: true, since: "0.1" },
  "storage.get-versioned": { params: ["string"], result: { option: storageVersioned }, fails: true, since: "0.2" },
  "storage.commit": { params: [{ list: storageCheck }, { list: storageChange }], result: storageCommitOutcome, fails: true, since: "0.2" },
  "storage.scan": { params: ["string", { option: "string" }, "u32", "bool"], result: storagePage, fails: true, since: "0.2" },
  "storage.changes": { params: ["u64", "u32"], result: { list: storageLogged }, fails: true, since: "0.2" },
  "blobs.create": { params: ["string", "string", { list: blobsProperty }], result: "u32", fails: true, since: "0.2" },
  "blobs.append": { params: ["u32", "bytes"], result: "_", fails: true, since: "0.2" },
  "blobs.finish": { params: ["u32"], result: blobsBlob, fails: true, since: "0.2" },
  "blobs.discard": { params: ["u32"], result: "bool", fails: true, since: "0.2" },
  "blobs.read": { params: ["string", "u64", "u32", { option: "string" }], result: "bytes", fails: true, since: "0.2" },
  "blobs.stat": { params: ["string"], result: { option: blobsBlob }, fails: true, since: "0.2" },
  "blobs.scan": { params: ["string", { option: "string" }, "u32"], result: { list: blobsBlob }, fails: true, since: "0.2" },
  "blobs.rename": { params: ["string", "string"], result: "bool", fails: true, since: "0.2" },
  "blobs.delete": { params: ["string"], result: "bool", fails: true, since: "0.2" },
  "schedules.set": { params: [schedulesSchedule], result: "u64", fails: true, since: "0.2" },
  "schedules.cancel": { params: ["string"], result: "bool", fails: true, since: "0.2" },
  "schedules.upcoming": { params: [], result: { list: schedulesPlanned }, fails: true, since: "0.2" },
  "config.get": { params: ["string"], result: { option: "string" }, fails: true, since: "0.1" },
  "clock.now": { params: [], result: "u64", fails: false, since: "0.1" },
  "clock.monotonic": { params: [], result: "u64", fails: false, since: "0.1" },
  "random.bytes": { params: ["u32"], result: "bytes", fails: true, since: "0.1" },
  "crypto.digest": { params: [cryptoHashAlgorithm, "bytes"], result: "bytes", fails: true, since: "0.2" },
  "crypto.hmac": { params: [cryptoHashAlgorithm, "bytes", "bytes"], result: "bytes", fails: true, since: "0.2" },
  "crypto.verify": { params: [cryptoSignatureAlgorithm, cryptoKeyFormat, "bytes", "bytes", "bytes"], result: "bool", fails: true, since: "0.2" },
  "crypto.equal": { params: ["bytes", "bytes"], result: "bool", fails: true, since: "0.2" },
  "crypto.password-hash": { params: ["string"], result: "string", fails: true, since: "0.2" },
  "crypto.password-verify": { params: ["string", "string"], result: "bool", fails: true, since: "0.2" },
  "crypto.sign": { params: ["string", { option: cryptoKeyAlgorithm }, "bytes"], result: "bytes", fails: true, since: "0.2" },
  "crypto.public-key": { params: ["string", { option: cryptoKeyAlgorithm }], result: "string", fails: true, since: "0.2" },
  "crypto.public-keys": { params: ["string"], result: { list: "string" }, fails: true, since: "0.2" },
};

/** What a failure is in each version. */
export const ERRORS: Readonly<Record<ApiVersion, Shape>> = {
  "0.1": { record: [["code", "code", { enum: ["invalid-message", "invalid-manifest", "admission-refused", "incompatible-api", "permission-denied", "no-such-service", "service-taken", "call-loop", "queue-full", "rate-limited", "deadline-exceeded", "cpu-exhausted", "memory-exhausted", "plugin-failed", "plugin-not-running", "quota-exceeded", "storage-failed", "http-failed", "conflict", "internal"] }], ["message", "message", "string"], ["detail", "detail", { option: "string" }]] },
  "0.2": { record: [["code", "code", { enum: ["invalid-message", "invalid-manifest", "admission-refused", "incompatible-api", "permission-denied", "no-such-service", "service-taken", "call-loop", "queue-full", "rate-limited", "deadline-exceeded", "cpu-exhausted", "memory-exhausted", "plugin-failed", "plugin-not-running", "quota-exceeded", "storage-failed", "http-failed", "conflict", "internal", "refused", "host-unreachable", "host-lost"] }], ["message", "message", "string"], ["detail", "detail", { option: "string" }], ["reason", "reason", { option: "string" }], ["retry-after-ms", "retryAfterMs", { option: "u32" }]] },
};
