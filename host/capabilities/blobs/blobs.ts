// The blobs of all plugins of a host: opened when a plugin is first asked for its own, and what the host itself brings into and out of them.

import { HostError } from "../../core/errors.ts";
import type { BlobDriver } from "../../core/ports/blobs.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { BlobLimits, BlobSink, BlobSource, BlobTransfers, NewBlob } from "../../seams.ts";
import { PluginBlobs } from "./plugin-blobs.ts";
import { isMediaType, requireOwnName } from "./rules.ts";
import { TurnWriters } from "./turn-writers.ts";

/** Of one plugin, at a time, beside those of its own turns. */
const MAX_TRANSFERS = 8;
const BYTES = "application/octet-stream";

interface Own {
  readonly blobs: Promise<PluginBlobs>;
  readonly writers: TurnWriters;
  transfers: number;
}

export class Blobs implements BlobTransfers {
  readonly #driver: BlobDriver;
  readonly #clock: Pick<Clock, "now">;
  readonly #plugins = new Map<string, Own>();

  constructor(driver: BlobDriver, clock: Pick<Clock, "now">) {
    this.#driver = driver;
    this.#clock = clock;
  }

  /** Rejects with HostError `storage-failed`; whoever asks next tries again. */
  of(plugin: string): Promise<PluginBlobs> {
    return this.#own(plugin).blobs;
  }

  writersOf(plugin: string): TurnWriters {
    return this.#own(plugin).writers;
  }

  /** Drops what a turn did not finish; `traceparent` is the turn's own. */
  endTurn({ plugin, traceparent }: { readonly plugin: string; readonly traceparent: string }): void {
    void this.#plugins.get(plugin)?.writers.end(traceparent);
  }

  async room(plugin: string, name: string, limits: BlobLimits): Promise<number> {
    requireOwnName(name);
    return (await this.of(plugin)).room(name, limits);
  }

  /** A media type that is none, as a client or server may say it, becomes that of bytes. */
  async begin(plugin: string, blob: NewBlob, limits: BlobLimits): Promise<BlobSink> {
    const own = this.#own(plugin);
    if (own.transfers >= MAX_TRANSFERS)
      throw new HostError("rate-limited", `${own.transfers} bodies are on their way into blobs of ${plugin}, which is the limit`);
    own.transfers += 1;
    let isUnderWay = true;
    const leave = (): void => {
      if (isUnderWay) own.transfers -= 1;
      isUnderWay = false;
    };
    try {
      const mediaType = isMediaType(blob.mediaType) ? blob.mediaType : BYTES;
      const sink = await (await own.blobs).begin({ ...blob, mediaType }, limits);
      return {
        ...sink,
        finish: () => sink.finish().finally(leave),
        discard: () => sink.discard().finally(leave),
      };
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }

  async source(plugin: string, name: string): Promise<BlobSource> {
    return (await this.of(plugin)).source(name);
  }

  async deleteIf(plugin: string, name: string, etag: string): Promise<boolean> {
    return (await this.of(plugin)).delete(name, etag);
  }

  /** Removes all that a plugin has, which nobody uses any more. */
  async purge(plugin: string): Promise<void> {
    this.#plugins.delete(plugin);
    await this.#driver.purge(plugin);
  }

  #own(plugin: string): Own {
    const found = this.#plugins.get(plugin);
    if (found !== undefined) return found;
    const blobs = PluginBlobs.open({ plugin, driver: this.#driver, clock: this.#clock });
    const own = { blobs, writers: new TurnWriters(), transfers: 0 };
    this.#plugins.set(plugin, own);
    blobs.catch(() => {
      if (this.#plugins.get(plugin) === own) this.#plugins.delete(plugin);
    });
    return own;
  }
}
