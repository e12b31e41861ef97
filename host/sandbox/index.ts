// The public API of `bulkhead/sandbox`: runs a stranger's JavaScript or TypeScript, metered, without manifest or installation.

export type { HostErrorCode } from "../core/errors.ts";
export type { LogSink } from "../core/ports/log.ts";
export type { Schema } from "../embedding/schema.ts";
export { type Context, createSandbox, type EvaluateOptions, type Sandbox, type SandboxOptions } from "./create-sandbox.ts";
export { SandboxError } from "./errors.ts";
export { hostFunction, type SandboxFunction, type SandboxFunctionContext } from "./functions.ts";
