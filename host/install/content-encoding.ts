// Unpacks what a registry has sent, no larger than allowed.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { HostError } from "../core/errors.ts";

const unzip = promisify(gunzip);

export interface UnpackRules {
  readonly maxBytes: number;
  readonly tooLarge: () => HostError;
  readonly unusable: (cause: unknown) => HostError;
}

/** Rejects with what the rules say: for too much, and for what is not packed as `encoding` says. */
export async function unpacked(
  { body, encoding }: { readonly body: Uint8Array; readonly encoding: string },
  { maxBytes, tooLarge, unusable }: UnpackRules,
): Promise<Uint8Array> {
  if (encoding === "identity") return body;
  if (encoding !== "gzip") throw unusable(encoding);
  try {
    return await unzip(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw cause instanceof RangeError ? tooLarge() : unusable(cause);
  }
}
