// What a log says of a version: which plugin, which statement about it was signed and by whom, as one line of JSON that can be written in one way only.

import semver from "semver";
import { z } from "zod";
import { HostError } from "../../core/errors.ts";
import { isPluginName } from "../../core/names.ts";
import { MAX_ENTRY_BYTES } from "./tiles.ts";

export interface LogEntry {
  readonly plugin: string;
  readonly version: string;
  /** SHA-256 of the signed statement (the payload of its envelope), in hexadecimal digits. */
  readonly statement: string;
  /** Of the key that signed it. */
  readonly keyid: string;
}

const HASH = /^[0-9a-f]{64}$/;
const entrySchema: z.ZodType<LogEntry> = z.strictObject({
  plugin: z.string().refine(isPluginName),
  version: z
    .string()
    .max(256)
    .refine((text) => semver.valid(text) !== null),
  statement: z.string().regex(HASH),
  keyid: z.string().regex(HASH),
});

/** Throws HostError `invalid-message` for what says something else. */
export function encodeEntry(entry: LogEntry): Buffer {
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success)
    throw new HostError("invalid-message", `an entry of a log cannot have this ${parsed.error.issues[0]?.path.join(".") || "key"}`, {
      cause: parsed.error,
    });
  const { plugin, version, statement, keyid } = parsed.data;
  return Buffer.from(JSON.stringify({ plugin, version, statement, keyid }));
}

/** Undefined for what is no entry, or could be written in another way. */
export function decodeEntry(bytes: Uint8Array): LogEntry | undefined {
  if (bytes.length > MAX_ENTRY_BYTES) return undefined;
  try {
    const entry = entrySchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return encodeEntry(entry).equals(bytes) ? entry : undefined;
  } catch {
    return undefined;
  }
}
