// What a process cell runs: the executor on the pipe that the host left open as descriptor 3.

import { Socket } from "node:net";
import { systemClock } from "../../drivers/system-clock.ts";
import { readToCell, writeFromCell } from "../wire/codec.ts";
import { pipeChannel } from "../wire/pipe-channel.ts";
import { engineOf } from "./engines.ts";
import { Executor } from "./executor.ts";
import { Resting } from "./resting.ts";
import { type StoragePlace, storageOpener } from "./storage.ts";

export interface ProcessCellData {
  readonly storage: StoragePlace;
  /** The plugins that will be loaded; once all are, file access is dropped. */
  readonly plugins: readonly string[] | undefined;
}

const CHANNEL_DESCRIPTOR = 3;
// Modules travel whole; the host is trusted, so this only guards against a broken stream.
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

async function main(): Promise<void> {
  const { storage, plugins } = JSON.parse(process.argv[2] ?? "") as ProcessCellData;
  const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true });
  // Without its host a cell has nothing to do, and nobody would end it.
  socket.on("close", () => process.exit(0));
  socket.on("error", () => process.exit(1));
  const waiting = new Set(plugins);
  const resting = new Resting();
  const openStorage = await storageOpener(storage, systemClock);
  new Executor({
    channel: pipeChannel({
      socket,
      write(writer, message) {
        if (message.kind === "ended") resting.worked();
        writeFromCell(writer, message);
      },
      read: readToCell,
      plan: setImmediate,
      maxFrameBytes: () => MAX_FRAME_BYTES,
      onMalformed: (cause) => {
        throw cause;
      },
    }),
    engine(image) {
      resting.worked();
      return engineOf(image);
    },
    clock: systemClock,
    openStorage: (image) => {
      const opened = openStorage(image);
      if (waiting.delete(image.name) && waiting.size === 0) dropFileAccess();
      return opened;
    },
    onClose: () => process.exit(0),
  });
}

// Open files stay open. Node 24 has no way to drop a permission; there the files that it may open are all it keeps.
function dropFileAccess(): void {
  const { permission } = process as unknown as { permission: { drop?(scope: string): void } };
  for (const scope of ["fs.write", "fs.read", "addon"]) permission.drop?.(scope);
}

void main();
