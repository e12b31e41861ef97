// What every host function takes and answers; what fails is thrown as HostError. Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
/** The versions of wit/ that are served, as manifests name them, the oldest first; each has all of the one before, as it was. */
export const API_VERSIONS = ["0.1", "0.2"] as const;
export type ApiVersion = (typeof API_VERSIONS)[number];
/** Every code a HostError can carry (docs/errors.md). */
export const HOST_ERROR_CODES = ["invalid-message", "invalid-manifest", "admission-refused", "incompatible-api", "permission-denied", "no-such-service", "service-taken", "call-loop", "queue-full", "rate-limited", "deadline-exceeded", "cpu-exhausted", "memory-exhausted", "plugin-failed", "plugin-not-running", "quota-exceeded", "storage-failed", "http-failed", "conflict", "internal"] as const;
export type LogLevel = "debug" | "info" | "warning" | "error";
export type ServicesCallerKind = "plugin" | "adapter" | "host";
export type ServicesCaller = { readonly kind: ServicesCallerKind; readonly name: string };
export type ExtensionsAnswer = { readonly plugin: string; readonly output: Uint8Array };
export type HttpHeader = { readonly name: string; readonly value: string };
export type HttpRequest = { readonly method: string; readonly url: string; readonly headers: readonly HttpHeader[] };
export type HttpResponse = { readonly status: number; readonly headers: readonly HttpHeader[]; readonly body: Uint8Array };
export type StateVersioned = { readonly value: Uint8Array; readonly revision: number; readonly owner: string };
export type StateWrite = { readonly key: string; readonly value: Uint8Array | undefined; readonly expected: number | undefined; readonly ttlMs: number | undefined };
export type StorageChange = { readonly key: string; readonly value: Uint8Array | undefined; readonly ttlMs: number | undefined };
export type SchedulesMissed = "skip" | "once";
export type SchedulesSchedule = { readonly name: string; readonly entryPoint: string; readonly cron: string | undefined; readonly everyMs: number | undefined; readonly atMs: number | undefined; readonly timezone: string | undefined; readonly missed: SchedulesMissed };
export type SchedulesPlanned = { readonly name: string; readonly nextMs: number | undefined; readonly byManifest: boolean };
export interface WitFunctions {
  "log.write": (level: LogLevel, message: string) => void;
  "events.publish": (eventType: string, contentType: string, data: Uint8Array) => string;
  "services.call": (service: string, payload: Uint8Array, deadlineMs: number | undefined) => Uint8Array;
  "services.current-caller": () => ServicesCaller;
  "extensions.ask": (point: string, input: Uint8Array, deadlineMs: number | undefined) => readonly ExtensionsAnswer[];
  "http.fetch": (request: HttpRequest, body: Uint8Array) => HttpResponse;
  "state.get": (key: string) => Uint8Array | undefined;
  "state.set": (key: string, value: Uint8Array) => void;
  "state.delete": (key: string) => boolean;
  "state.keys": (prefix: string) => readonly string[];
  "state.get-versioned": (key: string) => StateVersioned | undefined;
  "state.put": (write: StateWrite) => number | undefined;
  "state.list-keys": (prefix: string, after: string | undefined, limit: number) => readonly string[];
  "storage.get": (key: string) => Uint8Array | undefined;
  "storage.set": (key: string, value: Uint8Array) => void;
  "storage.delete": (key: string) => boolean;
  "storage.get-many": (keys: readonly string[]) => readonly (Uint8Array | undefined)[];
  "storage.apply": (changes: readonly StorageChange[]) => void;
  "storage.keys": (prefix: string, after: string | undefined, limit: number) => readonly string[];
  "schedules.set": (schedule: SchedulesSchedule) => number;
  "schedules.cancel": (name: string) => boolean;
  "schedules.upcoming": () => readonly SchedulesPlanned[];
  "config.get": (key: string) => string | undefined;
  "clock.now": () => number;
  "clock.monotonic": () => number;
  "random.bytes": (length: number) => Uint8Array;
}
export type WitFunction = keyof WitFunctions;
export type WitParams<F extends WitFunction> = Parameters<WitFunctions[F]>;
export type WitResult<F extends WitFunction> = ReturnType<WitFunctions[F]>;
