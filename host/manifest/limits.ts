// What a plugin may use when neither its manifest nor the operator says otherwise.

import type { Limits } from "../core/types.ts";

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = Object.freeze({
  memoryBytes: 32 * MIB,
  stackBytes: 984 * 1024,
  tableElements: 100_000,
  moduleBytes: 24 * MIB,
  blockBytes: 16 * MIB,
  cpuMs: 1_000,
  deadlineMs: 5_000,
  mailboxLength: 1_024,
  payloadBytes: 4 * MIB,
  storageBytes: 64 * MIB,
  storageKeys: 100_000,
  varBytes: MIB,
  cpuMsPerSecond: 1_000,
  startMs: 5_000,
  hostCalls: 100_000,
  hostMsPerSecond: 200,
  publishesPerSecond: 10_000,
  logBytesPerMinute: MIB,
  mailboxBytes: 16 * MIB,
  callDepth: 16,
});
