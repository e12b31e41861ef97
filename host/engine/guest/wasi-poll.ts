// The subscriptions and events of WASI's poll_oneoff, by the layouts of `wasi_snapshot_preview1.witx`. A source is ready after a delay or at once.

import { ERRNO, type Errno, isStandard } from "./wasi-errno.ts";

export interface PollSource {
  readonly userdata: bigint;
  readonly type: number;
  readonly errno: Errno;
  readonly delayMs: number;
}

export const EVENT_BYTES = 32;
const SUBSCRIPTION_BYTES = 48;
const MAX_SUBSCRIPTIONS = 64;
const TYPE_CLOCK = 0;
const ABSOLUTE = 1;
const CLOCK_MONOTONIC = 1;
const NS_PER_MS = 1_000_000;

/** Undefined for none, for too many and for a clock or a type that there is not. */
export function pollSources(
  count: number,
  viewOf: (bytes: number) => DataView,
  nowNs: (clock: number) => bigint,
): readonly PollSource[] | undefined {
  if (count === 0 || count > MAX_SUBSCRIPTIONS) return undefined;
  const view = viewOf(count * SUBSCRIPTION_BYTES);
  const sources: PollSource[] = [];
  for (let at = 0; at < view.byteLength; at += SUBSCRIPTION_BYTES) {
    const userdata = view.getBigUint64(at, true);
    const type = view.getUint8(at + 8);
    const subject = view.getUint32(at + 16, true);
    if (type > 2 || (type === TYPE_CLOCK && subject > CLOCK_MONOTONIC)) return undefined;
    if (type !== TYPE_CLOCK) {
      sources.push({ userdata, type, errno: isStandard(subject) ? ERRNO.success : ERRNO.badf, delayMs: 0 });
      continue;
    }
    const timeout = view.getBigUint64(at + 24, true);
    const delay = (view.getUint16(at + 40, true) & ABSOLUTE) === 0 ? timeout : timeout - nowNs(subject);
    sources.push({ userdata, type, errno: ERRNO.success, delayMs: Math.max(0, Number(delay) / NS_PER_MS) });
  }
  return sources;
}

export function writeEvents(ready: readonly PollSource[], view: DataView): void {
  for (const [i, { userdata, type, errno }] of ready.entries()) {
    const at = i * EVENT_BYTES;
    view.setBigUint64(at, userdata, true);
    view.setUint16(at + 8, errno, true);
    view.setUint8(at + 10, type);
    view.setBigUint64(at + 16, 0n, true);
    view.setBigUint64(at + 24, 0n, true);
  }
}
