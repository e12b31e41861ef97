// Bodies that go past the guest: out of a blob and into one, in pieces, with as many in memory as the disk is behind.

import { isCutTooFine, tooFine } from "../../bounds/bytes.ts";
import { HostError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Bytes } from "../../core/types.ts";
import type { BlobSink, BlobSource } from "../../seams.ts";
import type { Veil } from "./secrets.ts";

/** What is sent: bytes, or a blob, which can be read again when a redirect leads on. */
export type Body = Bytes | BlobSource | undefined;

/** Where the body of an answer goes. */
export interface BodyTarget {
  /** How many bytes may come. */
  readonly room: number;
  /** Rejects with HostError. */
  open(mediaType: string): Promise<BlobSink>;
}

/** Takes a body as it comes. */
export interface BodyReceiver {
  /** Resolves when the piece has gone on; the next one should not come before. Rejects with HostError. */
  add(piece: Bytes): Promise<void>;
  /** The body has ended. */
  end(): Promise<void>;
}

const isBlob = (body: Body): body is BlobSource => body !== undefined && "pieces" in body;

/** As undici sends it, with the header that it needs for that. */
export function sent(body: Body): { readonly body: Bytes | AsyncIterable<Bytes> | null; readonly headers: readonly string[] } {
  if (!isBlob(body)) return { body: body ?? null, headers: [] };
  return { body: body.pieces(), headers: ["content-length", String(body.blob.size)] };
}

export interface BlobReceiverPorts {
  readonly target: BodyTarget;
  /** As the server says it. */
  readonly mediaType: string;
  /** Hides what the blob must not show. */
  readonly veil: Veil;
  /** Who sends. */
  readonly host: string;
  readonly clock: Clock;
  /** Billed to whoever asked. */
  spend(ms: number): void;
}

/** Whoever made it calls `finish` or `discard` in the end. */
export class BlobReceiver implements BodyReceiver {
  readonly #ports: BlobReceiverPorts;
  readonly #sink: Promise<BlobSink>;
  #pieces = 0;
  #bytes = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: BlobReceiverPorts) {
    this.#ports = ports;
    this.#sink = ports.target.open(ports.mediaType);
    this.#sink.catch(() => {});
  }

  async add(piece: Bytes): Promise<void> {
    this.#pieces += 1;
    this.#bytes += piece.length;
    if (isCutTooFine(this.#pieces, this.#bytes)) throw tooFine(this.#ports.host, this.#pieces, this.#bytes);
    await this.#next((veil) => veil.add(piece));
  }

  async end(): Promise<void> {
    await this.#next((veil) => veil.end());
  }

  /** How many bytes the blob has, which is there now. Rejects with HostError. */
  async finish(): Promise<number> {
    const { size } = await (await this.#sink).finish();
    return size;
  }

  async discard(): Promise<void> {
    const sink = await this.#sink.catch(() => undefined);
    await sink?.discard();
  }

  /** One after the other: a server that closes has undici 8 hand over what it has, whether it was paused or not. */
  #next(veiled: (veil: Veil) => Bytes): Promise<void> {
    const next = this.#last.then(() => this.#write(veiled));
    this.#last = next.catch(() => {});
    return next;
  }

  async #write(veiled: (veil: Veil) => Bytes): Promise<void> {
    const sink = await this.#sink;
    const { clock, veil, spend } = this.#ports;
    const began = clock.monotonicMs();
    const piece = veiled(veil);
    const written = piece.length === 0 ? undefined : sink.write(piece);
    spend(clock.monotonicMs() - began);
    await written;
  }
}

/** Throws HostError `invalid-message`. */
export function requireOneBody(body: Bytes, from: string | undefined): void {
  if (from !== undefined && body.length > 0)
    throw new HostError("invalid-message", "the request has a body and names a blob to be sent (body-from); leave one of them out");
}
