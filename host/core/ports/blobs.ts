// Where the host keeps the blobs of plugins: contents under ids of its own making, and one entry for each name, which says what lies under it. What a plugin
// may have, and which writers it has open, is others' affair.

import type { Bytes } from "../types.ts";
import type { BlobsProperty } from "../wit.ts";

export interface BlobEntry {
  /** The plugin's own word, which no path is made of. */
  readonly name: string;
  readonly mediaType: string;
  readonly metadata: readonly BlobsProperty[];
  /** In bytes. */
  readonly size: number;
  /** Of its content; never used twice. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** A content that is being written, one piece after the other. Whatever it has of the system is given back by `seal` and `discard`. */
export interface BlobContent {
  readonly id: string;
  /** Keeps nothing of `piece` once it resolves. Rejects with HostError `storage-failed`. */
  write(piece: Bytes): Promise<void>;
  /** Durable once this resolves, but nobody's as long as no entry names it. Rejects with HostError `storage-failed`. */
  seal(): Promise<void>;
  /** Removes it. Never rejects: what remains is removed when the plugin's blobs are opened next. */
  discard(): Promise<void>;
}

/** Blobs of all plugins. Each step on entries is durable once it resolves, and made whole or not at all; of one plugin one is made at a time. All reject with HostError `storage-failed`. */
export interface BlobDriver {
  /** All entries of a plugin, once nothing is left of what was not finished. Called before anything else is done with them. */
  open(plugin: string): Promise<readonly BlobEntry[]>;
  create(plugin: string): Promise<BlobContent>;
  /** Sets the entry of its name, in place of `former`, whose content is removed. */
  put(plugin: string, entry: BlobEntry, former: BlobEntry | undefined): Promise<void>;
  /** The entry gets another name, in place of `former`. */
  rename(plugin: string, entry: BlobEntry, to: string, former: BlobEntry | undefined): Promise<void>;
  remove(plugin: string, entry: BlobEntry): Promise<void>;
  /** What a content has from `offset` on, at most `length` bytes; undefined when it was removed. */
  read(plugin: string, entry: BlobEntry, offset: number, length: number): Promise<Bytes | undefined>;
  /** Removes all that a plugin has. */
  purge(plugin: string): Promise<void>;
}
