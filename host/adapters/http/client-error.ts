// What is refused here and not by the host: a status that no code of the host has by itself.

import type { HostErrorCode } from "../../core/errors.ts";

/** A client's own fault. */
export const clientError = (statusCode: number, message = "", code: HostErrorCode = "invalid-message"): Error =>
  Object.assign(new Error(message), { statusCode, hostCode: code });
