// Generated from wit/ by plugin-sdk/codegen (npm run build:bindings); edits here are lost.
// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.

export * from "../log";
import * as abi from "../imports";
import { nothingFrom } from "../answers";
import { jsonBlock } from "../json";
import { textBlock } from "../memory";
import { Outcome } from "../result";

export abstract class Level {
  static readonly debug: string = "debug";
  static readonly info: string = "info";
  static readonly warning: string = "warning";
  static readonly error: string = "error";
}

/** Writes one line. Control characters are escaped; a line above 8,192 characters is cut and says so. */
export function write(level: string, message: string): Outcome {
  return nothingFrom(abi.log_write(jsonBlock<string>(level), textBlock(message)));
}
