// The one way into the log: every line whose text or rate a plugin decides is cut, counted and, where there are too many, dropped and told of.

import { describeCause } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { LogLevel, LogLine, LogSink } from "../core/ports/log.ts";
import { RateLimit } from "../core/rate-limit.ts";
import { LogLevels } from "./log-levels.ts";

const SECOND_MS = 1_000;
/** Lines of one level about one plugin, and about nobody in particular: so many at once, and as many again in a minute. */
const LINES_A_MINUTE = { plugin: 60, host: 1_000 } as const;
const MINUTE_MS = 60_000;
// What a plugin writes itself its cell cuts, a little above this, and counts by bytes.
const MAX_MESSAGE_LENGTH = 4 * 1_024;
const MAX_CAUSE_LENGTH = 16 * 1_024;
// Names are configured, so there are few; this only keeps the map from growing with those that were removed.
const MAX_KNOWN = 4_096;

interface Lines {
  readonly name: string;
  readonly rate: RateLimit;
  dropped: number;
}

/** Hands lines that are of the level to `sinks`; of those dropped in a second one line is written for each plugin. */
export function boundedLog(sinks: readonly LogSink[], clock: Clock, levels: LogLevels = new LogLevels()): LogSink {
  const hand = (line: LogLine): void => {
    for (const sink of sinks) sink.write(line);
  };
  const known = new Map<string, Lines>();
  let isTelling = false;
  // By level, so that a plugin's own failures cannot hide that it was quarantined, or that its cell died.
  const linesAbout = (name: string, level: LogLevel): Lines => {
    const key = `${level} ${name}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= MAX_KNOWN) known.clear();
    const amount = name === "host" ? LINES_A_MINUTE.host : LINES_A_MINUTE.plugin;
    const made = { name, rate: new RateLimit(clock, amount, MINUTE_MS), dropped: 0 };
    known.set(key, made);
    return made;
  };
  const tell = (): void => {
    isTelling = false;
    for (const lines of known.values()) {
      const { name } = lines;
      if (lines.dropped === 0) continue;
      const message = `${lines.dropped} more lines about ${name} were dropped; the host writes ${name === "host" ? LINES_A_MINUTE.host : LINES_A_MINUTE.plugin} a minute`;
      lines.dropped = 0;
      hand({ level: "warning", plugin: "host", message });
    }
  };
  return {
    write(line) {
      if (!levels.passes(line)) return;
      // Counted by bytes, in its cell and at the cell's door.
      if (line.by === "guest") return hand(line);
      const lines = linesAbout(line.about ?? line.plugin, line.level);
      if (lines.rate.take(1)) return hand(shortened(line));
      lines.dropped += 1;
      if (isTelling) return;
      isTelling = true;
      clock.after(SECOND_MS, tell);
    },
  };
}

function shortened({ message, cause, ...line }: LogLine): LogLine {
  return {
    ...line,
    message: cut(message, MAX_MESSAGE_LENGTH),
    ...(cause === undefined ? {} : { cause: cut(describeCause(cause), MAX_CAUSE_LENGTH) }),
  };
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length)}… (cut, it had ${text.length} characters)`;
