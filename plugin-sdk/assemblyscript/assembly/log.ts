// Lines in the host's log. The host stamps plugin, trace and time; a plugin cannot set them.

import { nothingFrom } from "./answers";
import * as abi from "./imports";
import { textBlock } from "./memory";
import { Outcome } from "./result";

export function debug(message: string): Outcome {
  return write('"debug"', message);
}

export function info(message: string): Outcome {
  return write('"info"', message);
}

export function warning(message: string): Outcome {
  return write('"warning"', message);
}

export function error(message: string): Outcome {
  return write('"error"', message);
}

/** Control characters are escaped; a line above 8,192 characters is cut and says so. */
function write(level: string, message: string): Outcome {
  return nothingFrom(abi.log_write(textBlock(level), textBlock(message)));
}
