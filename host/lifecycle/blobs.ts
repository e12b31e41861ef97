// The blobs of a running host's plugins: where they are kept, and what of them ends with a turn.

import { blobsDirOf } from "../admin/data-folder.ts";
import { Blobs } from "../capabilities/blobs/blobs.ts";
import { toHostError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { fileBlobs } from "../drivers/blobs/files.ts";
import type { Opening } from "../seams.ts";

export const openBlobs = ({ dataDir, clock }: Pick<Opening, "dataDir" | "clock">): Blobs =>
  new Blobs(fileBlobs(blobsDirOf(dataDir)), clock);

/** Drops what a turn did not finish, and what an earlier host did not, before the plugin is asked anything. Returns its undo. */
export function followTurns(blobs: Blobs, core: Host, tell: (message: string, cause?: unknown) => void): () => void {
  return core.observe({
    turn: (turn) => blobs.endTurn(turn),
    state({ name, state }) {
      if (state !== "running") return;
      blobs.of(name).catch((thrown) => tell(`the blobs of ${name} cannot be opened: ${toHostError(thrown).message}`, thrown));
    },
  });
}
