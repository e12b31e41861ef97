// What `bulkhead/testing` gives to plugin authors. plugin-sdk/testing/README.md shows how it is used.

export { type Reason, refusal } from "../bounds/refusals.ts";
export type { Replayed } from "../cell/replay/replaying.ts";
export { HostError, type HostErrorCode } from "../core/errors.ts";
export type { LogLevel, LogLine } from "../core/ports/log.ts";
export type { Caller, Grant, Permission } from "../core/types.ts";
export type { LimitsInput } from "../manifest/limits.ts";
export type { FakedHttp, FakedRequest, FakedResponse } from "./fake-http.ts";
export type { FakedPoints, FakedService, FakedServices } from "./fake-plugins.ts";
export { type LoadOptions, loadPlugin } from "./load-plugin.ts";
export type { Answer, Content, Payload } from "./payload.ts";
export type { KeptEvent, PublishOptions } from "./publishing.ts";
export type { CalledService, LastTurn, LoggedLine, PublishedEvent, SentMessage } from "./recording.ts";
export { type ReplayOptions, replayRecord } from "./replay-record.ts";
export type { CallOptions, TestPlugin } from "./test-plugin.ts";
export type { Values } from "./values.ts";
