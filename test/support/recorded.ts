// Turns that are recorded in real cells, and run again.

import { parseTape } from "../../host/bounds/parse-tape.ts";
import { factsOf, type TurnRecord } from "../../host/bounds/turn-record.ts";
import type { Tape } from "../../host/bounds/turn-tape.ts";
import { createInlineCell } from "../../host/cell/outside/inline-cell.ts";
import { createProcessCell } from "../../host/cell/outside/process-cell.ts";
import { createThreadCell } from "../../host/cell/outside/thread-cell.ts";
import { type Replayed, replay } from "../../host/cell/replay/replaying.ts";
import type { Cell, RecordedTurn } from "../../host/core/ports/cell.ts";
import type { LogSink } from "../../host/core/ports/log.ts";
import type { PluginImage } from "../../host/core/types.ts";
import { openPluginStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import type { CellKind } from "./cells.ts";
import { memoryLog } from "./memory-log.ts";

export interface RecordingCell extends AsyncDisposable {
  readonly cell: Cell;
  readonly turns: RecordedTurn[];
}

export function recordingCell(kind: CellKind, log: LogSink = memoryLog()): RecordingCell {
  const turns: RecordedTurn[] = [];
  // What is told is a view on what came with it.
  const onRecorded = (turn: RecordedTurn): void => void turns.push({ ...turn, tape: turn.tape.slice() });
  const ports = { clock: systemClock, log, onRecorded };
  const cell = {
    inline: () => createInlineCell({ ...ports, openStorage: (image) => openPluginStorage(undefined, image, systemClock) }),
    thread: () => createThreadCell({ ...ports, storageDir: undefined }),
    process: () => createProcessCell({ ...ports, storageDir: undefined, plugins: undefined }),
  }[kind]();
  return { cell, turns, [Symbol.asyncDispose]: () => cell[Symbol.asyncDispose]() };
}

export function recordOf(turn: RecordedTurn, image: PluginImage, change: Partial<Tape> = {}): TurnRecord {
  const facts = factsOf({ turn, id: "0123456789ab", atMs: 0, bulkhead: "1.0.0", image: { ...image, version: "1.0.0" } });
  return { ...facts, tape: { ...parseTape(turn.tape), ...change } };
}

export function replayed(
  record: TurnRecord,
  { module, compileBytes, entryPoints }: PluginImage,
  answers?: Readonly<Record<string, Uint8Array>>,
): Promise<Replayed> {
  return replay(
    { record, build: { module, compileBytes, entryPoints }, answers },
    {
      clock: systemClock,
      makeCell: (ports) => createProcessCell({ ...ports, clock: systemClock, storageDir: undefined, plugins: [record.plugin] }),
    },
  );
}
