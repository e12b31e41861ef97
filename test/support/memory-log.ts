// A log sink that keeps its lines.

import type { LogLine, LogSink } from "../../host/core/ports/log.ts";

export type MemoryLog = LogSink & { readonly lines: LogLine[] };

export function memoryLog(): MemoryLog {
  const lines: LogLine[] = [];
  return { lines, write: (line) => void lines.push(line) };
}
