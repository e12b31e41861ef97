// What a driver says when the store behind it cannot be reached, or does not answer in time: the same may succeed a moment later.

import { HostError } from "../core/errors.ts";

export class StoreUnavailable extends HostError {
  constructor(message: string, cause?: unknown) {
    super("storage-failed", message, { cause });
  }
}
