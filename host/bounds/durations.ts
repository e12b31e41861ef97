// Spans of time as operators write them, such as 12h or 30d.

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** In milliseconds; undefined for what is not a number from 1 to 99999 and m, h, d or w. */
export function durationMs(text: string): number | undefined {
  const [, count = "", unit = ""] = /^([1-9][0-9]{0,4})([mhdw])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}

/** The largest unit of which there is one at least, such as `3 days`. */
export function shownDuration(ms: number): string {
  const units = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
  ] as const;
  const [name, unitMs] = units.find((unit) => ms >= unit[1]) ?? ["minute", 60_000];
  const count = Math.floor(ms / unitMs);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
