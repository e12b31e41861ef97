// What an operator can do with the blobs of plugins. To look at them is written down as well as to remove one: they are the plugin's own, and may be private.

import { z } from "zod";
import { HostError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import type { BlobsBlob } from "../core/wit.ts";
import type { Actor, AuditLog } from "./audit.ts";
import { checked, type Operation } from "./checked.ts";

const SHOWN = 1_000;
const MAX_PIECE_BYTES = 1_048_576;

/** What a plugin has, beside the plugin. */
export interface OperatorsBlobs {
  scan(range: { readonly prefix: string; readonly after: string | undefined; readonly limit: number }): readonly BlobsBlob[];
  stat(name: string): BlobsBlob | undefined;
  /** Rejects with HostError. */
  read(name: string, offset: number, length: number, etag: string | undefined): Promise<Uint8Array>;
  delete(name: string): Promise<boolean>;
  /** Of all of them. */
  readonly usage: { readonly blobs: number; readonly bytes: number };
}

export interface ShownBlobs {
  readonly blobs: readonly BlobsBlob[];
  readonly usage: OperatorsBlobs["usage"];
}

const plugin = z.string();
const name = z.string().min(1).max(512);
const listSchema: z.ZodType<{ readonly plugin: string; readonly prefix: string; readonly after?: string | undefined }> = z.strictObject({
  plugin,
  prefix: z.string().max(512).default(""),
  after: name.optional(),
});
const namedSchema: z.ZodType<{ readonly plugin: string; readonly name: string }> = z.strictObject({ plugin, name });
const readSchema: z.ZodType<{ readonly plugin: string; readonly name: string; readonly offset: number; readonly etag: string }> =
  z.strictObject({ plugin, name, offset: z.int().nonnegative(), etag: z.string() });

export interface BlobOperationsPorts {
  /** Rejects with HostError, `invalid-message` for a plugin that nobody knows. */
  of(plugin: string): Promise<OperatorsBlobs>;
  readonly audit: Pick<AuditLog, "append">;
}

export function blobOperations({ of, audit }: BlobOperationsPorts): readonly (readonly [string, Operation])[] {
  const note = (actor: Actor, action: string, subject: string, detail: Readonly<Record<string, unknown>>): void =>
    audit.append(actor, action, subject, detail);
  return [
    [
      "blobs-list",
      checked(listSchema, async (input, actor): Promise<ShownBlobs> => {
        const blobs = await of(input.plugin);
        note(actor, "blobs-list", input.plugin, { prefix: input.prefix });
        return { blobs: blobs.scan({ prefix: input.prefix, after: input.after, limit: SHOWN }), usage: blobs.usage };
      }),
    ],
    [
      // What is known of it; its content comes in pieces.
      "blobs-get",
      checked(namedSchema, async (input, actor): Promise<BlobsBlob> => {
        const found = (await of(input.plugin)).stat(input.name);
        if (found === undefined) throw unknownBlob(input);
        note(actor, "blobs-get", input.plugin, { name: input.name, etag: found.etag });
        return found;
      }),
    ],
    [
      "blobs-read",
      checked(readSchema, async ({ plugin, name, offset, etag }): Promise<string> => {
        const piece = await (await of(plugin)).read(name, offset, MAX_PIECE_BYTES, etag);
        return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("base64");
      }),
    ],
    [
      "blobs-delete",
      checked(namedSchema, async (input, actor): Promise<string> => {
        if (!(await (await of(input.plugin)).delete(input.name))) throw unknownBlob(input);
        note(actor, "blobs-delete", input.plugin, { name: input.name });
        return input.name;
      }),
    ],
  ];
}

const unknownBlob = ({ plugin, name }: { readonly plugin: string; readonly name: string }): HostError =>
  new HostError("invalid-message", `${printable(plugin)} has no blob "${printable(name)}"`);
