// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.

declare module "bulkhead:plugin/log@0.2.0" {
  export function write(level: import("./log.ts").Level, message: string): void;
}

declare module "bulkhead:plugin/events@0.2.0" {
  export function publish(eventType: string, contentType: string, data: Uint8Array): string;
}

declare module "bulkhead:plugin/services@0.2.0" {
  export function call(service: string, payload: Uint8Array, deadlineMs: number | undefined): Uint8Array;
  export function send(service: string, payload: Uint8Array, options: import("./services.ts").SendOptions): string;
  export function currentCaller(): import("./services.ts").Caller;
  export function currentPrincipal(): string | null;
}

declare module "bulkhead:plugin/extensions@0.2.0" {
  export function ask(point: string, input: Uint8Array, deadlineMs: number | undefined): import("./extensions.ts").Answer[];
}

declare module "bulkhead:plugin/http@0.2.0" {
  export function fetch(request: import("./http.ts").Request, body: Uint8Array): import("./http.ts").Response;
  export function fetchWith(request: import("./http.ts").Request, body: Uint8Array, options: import("./http.ts").FetchOptions): import("./http.ts").Fetched;
}

declare module "bulkhead:plugin/state@0.2.0" {
  export function get(key: string): Uint8Array | null;
  export function set(key: string, value: Uint8Array): void;
  function _delete(key: string): boolean;
  export { _delete as delete };
  export function keys(prefix: string): string[];
  export function getVersioned(key: string): import("./state.ts").Versioned | null;
  export function put(write: import("./state.ts").Write): number | null;
  export function listKeys(prefix: string, after: string | undefined, limit: number): string[];
}

declare module "bulkhead:plugin/storage@0.2.0" {
  export function get(key: string): Uint8Array | null;
  export function set(key: string, value: Uint8Array): void;
  function _delete(key: string): boolean;
  export { _delete as delete };
  export function getMany(keys: readonly string[]): (Uint8Array | null)[];
  export function apply(changes: readonly import("./storage.ts").Change[]): void;
  export function keys(prefix: string, after: string | undefined, limit: number): string[];
  export function getVersioned(key: string): import("./storage.ts").Versioned | null;
  export function commit(checks: readonly import("./storage.ts").Check[], changes: readonly import("./storage.ts").Change[]): import("./storage.ts").CommitOutcome;
  export function scan(prefix: string, after: string | undefined, limit: number, reverse: boolean): import("./storage.ts").Page;
  export function changes(after: number, limit: number): import("./storage.ts").Logged[];
}

declare module "bulkhead:plugin/blobs@0.2.0" {
  export function create(name: string, mediaType: string, metadata: readonly import("./blobs.ts").Property[]): number;
  export function append(writer: number, bytes: Uint8Array): void;
  export function finish(writer: number): import("./blobs.ts").Blob;
  export function discard(writer: number): boolean;
  export function read(name: string, offset: number, length: number, etag: string | undefined): Uint8Array;
  export function stat(name: string): import("./blobs.ts").Blob | null;
  export function scan(prefix: string, after: string | undefined, limit: number): import("./blobs.ts").Blob[];
  export function rename(name: string, to: string): boolean;
  function _delete(name: string): boolean;
  export { _delete as delete };
}

declare module "bulkhead:plugin/schedules@0.2.0" {
  export function set(schedule: import("./schedules.ts").Schedule): number;
  export function cancel(name: string): boolean;
  export function upcoming(): import("./schedules.ts").Planned[];
}

declare module "bulkhead:plugin/config@0.2.0" {
  export function get(key: string): string | null;
}

declare module "bulkhead:plugin/clock@0.2.0" {
  export function now(): number;
  export function monotonic(): number;
}

declare module "bulkhead:plugin/random@0.2.0" {
  export function bytes(length: number): Uint8Array;
}

declare module "bulkhead:plugin/crypto@0.2.0" {
  export function digest(algorithm: import("./crypto.ts").HashAlgorithm, message: Uint8Array): Uint8Array;
  export function hmac(algorithm: import("./crypto.ts").HashAlgorithm, key: Uint8Array, message: Uint8Array): Uint8Array;
  export function verify(algorithm: import("./crypto.ts").SignatureAlgorithm, format: import("./crypto.ts").KeyFormat, key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  export function equal(one: Uint8Array, other: Uint8Array): boolean;
  export function passwordHash(password: string): string;
  export function passwordVerify(password: string, phc: string): boolean;
  export function sign(key: string, algorithm: import("./crypto.ts").KeyAlgorithm | undefined, message: Uint8Array): Uint8Array;
  export function publicKey(key: string, algorithm: import("./crypto.ts").KeyAlgorithm | undefined): string;
  export function publicKeys(key: string): string[];
}
