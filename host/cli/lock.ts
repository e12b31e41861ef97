// `bulkhead lock | drift`: bulkhead.lock, and what differs from it.

import type { Command } from "commander";
import { escapeControls } from "../core/names.ts";
import { driftOf, type Lock, type LockedPlugin, lockFileOf, readLock, writeLock } from "../install/lock.ts";
import { type Control, openHost } from "./control.ts";
import { EXIT } from "./exit-codes.ts";
import { conclude, print } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";

export function addLock(program: Command): void {
  withDataOptions(program.command("lock").description("write bulkhead.lock: versions, hashes and permissions of what is there now"))
    .option("--json", "print JSON on standard output")
    .action(lock);
  withDataOptions(program.command("drift").description("show what differs from bulkhead.lock; exit code 1 when something does"))
    .option("--json", "print JSON on standard output")
    .action(drift);
}

/** What is there now, as a lock. */
export async function actualLock(host: Control): Promise<Lock> {
  return new Map(Object.entries(await host.invoke<Record<string, LockedPlugin>>("lock")));
}

/** Writes the lock anew; with `ifThere` only when there is one. */
export async function saveLock(
  host: Control,
  options: DataOptions,
  { ifThere = false }: { readonly ifThere?: boolean } = {},
): Promise<void> {
  const file = lockFileOf(options.config);
  if (ifThere && (await readLock(file)) === undefined) return;
  await writeLock(file, await actualLock(host));
}

async function lock(options: DataOptions & { readonly json?: boolean }): Promise<void> {
  await using host = await openHost(options);
  await saveLock(host, options);
  const file = lockFileOf(options.config);
  conclude(options.json, { file }, `${file} is written`);
}

async function drift(options: DataOptions & { readonly json?: boolean }): Promise<void> {
  await using host = await openHost(options);
  const locked = await readLock(lockFileOf(options.config));
  const found = locked === undefined ? ['there is no bulkhead.lock; "bulkhead lock" writes one'] : driftOf(locked, await actualLock(host));
  print(options.json, found, () => (found.length === 0 ? "all as it is locked" : found.map((line) => escapeControls(line)).join("\n")));
  if (found.length > 0) process.exitCode = EXIT.failed;
}
