// A log sink that keeps its lines.

import type { LogLine, LogSink } from "../../host/core/ports.ts";

export function memoryLog(): LogSink & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { lines, write: (line) => void lines.push(line) };
}
