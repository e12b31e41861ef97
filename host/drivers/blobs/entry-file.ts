// What a file of an entry is called and says. The name that the plugin gave stands in it; the file is called by a hash of that.

import { createHash } from "node:crypto";
import { z } from "zod";
import type { BlobEntry } from "../../core/ports/blobs.ts";

export const CONTENT = ".blob";
export const ENTRY = ".json";

export interface StoredEntry extends BlobEntry {
  /** What it was called before it was renamed; that entry may still be there when the host was ended meanwhile. */
  readonly from?: string | undefined;
}

const FORMAT = 1;
const entrySchema = z.strictObject({
  format: z.literal(FORMAT),
  name: z.string(),
  mediaType: z.string(),
  metadata: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  size: z.int().nonnegative(),
  // A path is made of it.
  id: z.uuid(),
  modified: z.int().nonnegative(),
  from: z.string().optional(),
});

export const entryFile = (name: string): string => createHash("sha256").update(name, "utf8").digest("hex") + ENTRY;

export const entryText = (entry: StoredEntry): string => JSON.stringify({ format: FORMAT, ...entry });

/** Undefined for what is no entry. */
export function parseEntry(text: string): StoredEntry | undefined {
  try {
    const { format: _, ...entry } = entrySchema.parse(JSON.parse(text));
    return entry;
  } catch {
    return undefined;
  }
}
