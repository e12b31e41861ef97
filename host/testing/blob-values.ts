// The blobs of a plugin as a test wants to see them.

import type { PluginBlobs } from "../capabilities/blobs/plugin-blobs.ts";
import type { BlobLimits } from "../seams.ts";
import { bytesOf, type Content, Payload } from "./payload.ts";

/** A blob with its content. */
export interface FoundBlob extends Payload {
  readonly name: string;
  readonly mediaType: string;
  readonly metadata: readonly { readonly name: string; readonly value: string }[];
  readonly etag: string;
}

export interface BlobToSet {
  /** `application/octet-stream` by default. */
  readonly mediaType?: string | undefined;
  readonly metadata?: FoundBlob["metadata"] | undefined;
}

const MOST = 1_000;

/** Rejects as the host functions fail: `invalid-message` for a bad name, `quota-exceeded` for what is too much. */
export class BlobValues {
  readonly #blobs: () => Promise<PluginBlobs>;
  readonly #limits: BlobLimits;

  constructor(blobs: () => Promise<PluginBlobs>, limits: BlobLimits) {
    this.#blobs = blobs;
    this.#limits = limits;
  }

  async get(name: string): Promise<FoundBlob | undefined> {
    const blobs = await this.#blobs();
    const found = blobs.stat(name);
    if (found === undefined) return undefined;
    const { mediaType, metadata, etag, size } = found;
    return Object.assign(new Payload(await blobs.read(name, 0, size, etag)), { name, mediaType, metadata, etag });
  }

  /** In the order of their bytes, at most 1,000. */
  async names(prefix: string = ""): Promise<string[]> {
    return (await this.#blobs()).scan({ prefix, after: undefined, limit: MOST }).map(({ name }) => name);
  }

  async set(name: string, content: Content, { mediaType = "application/octet-stream", metadata = [] }: BlobToSet = {}): Promise<void> {
    const sink = await (await this.#blobs()).begin({ name, mediaType, metadata }, this.#limits);
    try {
      await sink.write(bytesOf(content));
    } catch (thrown) {
      await sink.discard();
      throw thrown;
    }
    await sink.finish();
  }

  /** Whether there was one. */
  async delete(name: string): Promise<boolean> {
    return (await this.#blobs()).delete(name);
  }
}
