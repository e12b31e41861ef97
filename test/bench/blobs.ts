// Blobs beside plain files of Node: the same bytes in the same pieces, durable at the end.

import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Blobs } from "../../host/capabilities/blobs/blobs.ts";
import { fileBlobs } from "../../host/drivers/blobs/files.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { measureBoth, type Row, slower } from "./measure.ts";

const MIB = 1_048_576;
const SIZE = 32 * MIB;
const PIECE = new Uint8Array(randomBytes(65_536));
const LIMITS = { blobBytes: 10 * SIZE, blobs: 1_000 };
const PLUGIN = "bench";

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function writeBlob(blobs: Blobs): Promise<void> {
  const sink = await blobs.begin(PLUGIN, { name: "a", mediaType: "text/csv", metadata: [] }, LIMITS);
  for (let at = 0; at < SIZE; at += PIECE.length) await sink.write(PIECE);
  await sink.finish();
}

async function readBlob(blobs: Blobs): Promise<void> {
  const own = await blobs.of(PLUGIN);
  for (let at = 0; at < SIZE; at += PIECE.length) await own.read("a", at, PIECE.length, undefined);
}

async function writeFile(folder: string): Promise<void> {
  await using file = await open(join(folder, "file"), "w");
  for (let at = 0; at < SIZE; at += PIECE.length) await file.write(PIECE, 0, PIECE.length, at);
  await file.sync();
}

async function readFile(folder: string): Promise<void> {
  await using file = await open(join(folder, "file"), "r");
  for (let at = 0; at < SIZE; at += PIECE.length) await file.read(new Uint8Array(PIECE.length), 0, PIECE.length, at);
}

export async function benchBlobs(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "bulkhead-bench-"));
  const blobs = new Blobs(fileBlobs(join(folder, randomUUID())), systemClock);
  const written = await measureBoth({ runOurs: () => timed(() => writeBlob(blobs)), runTheirs: () => timed(() => writeFile(folder)) });
  const read = await measureBoth({ runOurs: () => timed(() => readBlob(blobs)), runTheirs: () => timed(() => readFile(folder)) });
  await rm(folder, { recursive: true });
  return [
    slower("blob of 32 MiB written in pieces of 64 KiB, until it is on the disk; vs a file of Node with one fsync", written, 1.5, "ms"),
    slower("the same read; vs the file that is kept open", read, 2.5, "ms"),
  ];
}
