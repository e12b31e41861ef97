// A blob that is being written: one step after the other, its bytes counted before they are written and given back once, however it ends.

import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import type { BlobContent, BlobEntry } from "../../core/ports/blobs.ts";
import type { BlobInfo, BlobSink, NewBlob } from "../../seams.ts";
import { infoOf, overheadOf } from "./rules.ts";

export interface WriterPorts {
  /** Its overhead is reserved already. */
  readonly blob: NewBlob;
  readonly content: BlobContent;
  room(): number;
  /** Throws HostError `quota-exceeded`, and nothing is reserved then. */
  reserve(bytes: number): void;
  release(bytes: number): void;
  /** Makes an entry of what is sealed. What was reserved for it is the entry's when this resolves. */
  put(entry: BlobEntry): Promise<void>;
  now(): number;
}

export function blobWriter({ blob, content, room, reserve, release, put, now }: WriterPorts): BlobSink {
  let isOpen = true;
  let isDropped = false;
  let size = 0;
  let last: Promise<unknown> = Promise.resolve();
  const closed = (): HostError => new HostError("invalid-message", `the writer of the blob "${printable(blob.name)}" is closed`);
  const drop = async (): Promise<void> => {
    isOpen = false;
    if (isDropped) return;
    isDropped = true;
    await content.discard();
    release(overheadOf(blob) + size);
  };
  const inOrder = <T>(step: () => Promise<T>): Promise<T> => {
    const done = last.then(step);
    last = done.catch(() => {});
    return done;
  };
  const orDrop = <T>(step: () => Promise<T>): Promise<T> =>
    inOrder(async () => {
      if (isDropped) throw closed();
      try {
        return await step();
      } catch (thrown) {
        await drop();
        throw thrown;
      }
    });
  const seal = async (): Promise<BlobInfo> => {
    await content.seal();
    const entry = { ...blob, size, id: content.id, modified: Math.floor(now()) };
    await put(entry);
    return infoOf(entry);
  };
  return {
    room,
    async write(piece) {
      if (!isOpen) throw closed();
      reserve(piece.length);
      size += piece.length;
      await orDrop(() => content.write(piece));
    },
    async finish() {
      if (!isOpen) throw closed();
      isOpen = false;
      return orDrop(seal);
    },
    async discard() {
      // What is being finished will be.
      if (!isOpen) return;
      isOpen = false;
      await inOrder(drop);
    },
  };
}
