// Lines in the host's log, a function a level. The host stamps plugin, trace and time; a plugin cannot set them.

import { write } from "./host/log";
import { Outcome } from "./result";

export function debug(message: string): Outcome {
  return write("debug", message);
}

export function info(message: string): Outcome {
  return write("info", message);
}

export function warning(message: string): Outcome {
  return write("warning", message);
}

export function error(message: string): Outcome {
  return write("error", message);
}
