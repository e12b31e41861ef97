// Write Bulkhead plugins that are processes of their own: functions by the names of entry points, and the host's functions to call in them.

export * as blobs from "./blobs.ts";
export * as clock from "./clock.ts";
export * as config from "./config.ts";
export { type ConnectOptions, connect, type RemotePlugin } from "./connect.ts";
export * as crypto from "./crypto.ts";
export type { ErrorCode } from "./error-code.ts";
export * as events from "./events.ts";
export * as extensions from "./extensions.ts";
export { type Answer, type Event, type Handlers, Request } from "./handlers.ts";
export { Failure, HostError, type Reason, Refusal } from "./host-error.ts";
export * as http from "./http.ts";
export * as log from "./log.ts";
export * as random from "./random.ts";
export * as schedules from "./schedules.ts";
export * as services from "./services.ts";
export * as state from "./state.ts";
export * as storage from "./storage.ts";
export { currentTurn, type Turn } from "./turn.ts";
