// Times and sizes as people read them.

const MIB = 1_048_576;

/** Of seconds; nothing where there are none. */
export function shownSeconds(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  if (seconds < 0.001) return `${Math.round(seconds * 1_000_000)} µs`;
  return seconds < 1 ? `${(seconds * 1_000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

export const shownMib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
