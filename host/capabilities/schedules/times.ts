// When a schedule comes due: what may be written, and the next time after another. A cron expression is a stranger's: its characters and its length are
// counted before croner sees it, and one that never comes is found out when it is planned (croner looks through all years for it, which takes 25 ms).

import { Cron } from "croner";
import { HostError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";

/** One of them. Milliseconds since 1970, and between two times. */
export type Times = { readonly cron: string; readonly timezone: string } | { readonly everyMs: number } | { readonly atMs: number };

const MIN_EVERY_MS = 1_000;
const MAX_EVERY_MS = 366 * 86_400_000;
const MAX_CRON_LENGTH = 64;
const CRON = /^[0-9A-Za-z*/,?#L -]+$/;
const FIELDS: ReadonlySet<number> = new Set([5, 6]);
const MAX_MS = 8.64e15;

/** Throws HostError `invalid-message` with what to write instead. */
export function checkTimes(times: Times): Times {
  if ("everyMs" in times) {
    const { everyMs } = times;
    if (!Number.isInteger(everyMs) || everyMs < MIN_EVERY_MS || everyMs > MAX_EVERY_MS)
      throw wrong(`every is ${everyMs} ms; write 1 s to 366 days`);
    return times;
  }
  if ("atMs" in times) {
    if (!Number.isInteger(times.atMs) || times.atMs < 0 || times.atMs > MAX_MS) throw wrong(`at is no moment: ${times.atMs}`);
    return times;
  }
  const { cron, timezone } = times;
  if (cron.length > MAX_CRON_LENGTH || !CRON.test(cron) || !FIELDS.has(cron.trim().split(/ +/).length))
    throw wrong(`"${printable(cron)}" is no cron expression; write five fields such as 30 7 * * MON-FRI, or six with seconds first`);
  if (!isTimezone(timezone)) throw wrong(`"${printable(timezone)}" is no time zone; write one such as Europe/Berlin`);
  return times;
}

function isTimezone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The first time after `afterMs`; undefined when none comes. `anchorMs` is what `every` counts from. In the hour that daylight saving takes away, a cron time comes an hour
 * later; in the one that it doubles, once. Throws HostError `invalid-message` for a cron expression that is none.
 */
export function nextAfter(times: Times, afterMs: number, anchorMs: number): number | undefined {
  if ("atMs" in times) return times.atMs > afterMs ? times.atMs : undefined;
  if ("everyMs" in times) {
    const { everyMs } = times;
    return afterMs < anchorMs ? anchorMs : anchorMs + (Math.floor((afterMs - anchorMs) / everyMs) + 1) * everyMs;
  }
  const { cron, timezone } = times;
  try {
    return new Cron(cron, { timezone, paused: true }).nextRun(new Date(afterMs))?.getTime();
  } catch (cause) {
    throw wrong(`"${printable(cron)}" is no cron expression: ${cause instanceof Error ? printable(cause.message) : ""}`, cause);
  }
}

/** As an operator reads it. */
export function describeTimes(times: Times): string {
  if ("everyMs" in times) return `every ${times.everyMs / 1_000} s`;
  if ("atMs" in times) return `at ${new Date(times.atMs).toISOString()}`;
  return `${times.cron} (${times.timezone})`;
}

const wrong = (message: string, cause?: unknown): HostError =>
  new HostError("invalid-message", message, cause === undefined ? {} : { cause });
