// Brings a host back from a backup, as another host: beside the folder that it is to have, and under its name once all of it is checked and settled. Whatever ends
// it before, there is nothing; what it had begun is removed by whoever tries next.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { Database as Connection } from "better-sqlite3";
import { type Actor, AuditLog } from "../admin/audit.ts";
import { AuditAnchor } from "../admin/audit-anchor.ts";
import { checkDataFolder } from "../admin/data-folder.ts";
import { LOCK_FILE, lockFolder, openUnlocked } from "../admin/database.ts";
import { identityOf, renewIdentity } from "../admin/identity.ts";
import { KEY_FILE } from "../admin/seal.ts";
import { asStorageError } from "../bounds/storage-error.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls, printable } from "../core/names.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { checkStore, checkUnpacked } from "./checking.ts";
import { HOST, type Manifest, SEALED_KEY } from "./contents.ts";
import { Pinned } from "./pinned.ts";
import { unpackBackup } from "./reading.ts";
import { type Returning, returningIn, withhold } from "./returning.ts";
import { MAX_SEALED_BYTES, openKey } from "./sealed-key.ts";

export interface Restoring {
  readonly file: string;
  /** The folder that the host is to have. */
  readonly dataDir: string;
  /** A later state of the same host: its data folder, or another backup. */
  readonly since: string | undefined;
  /** Of the sealed key; undefined where that is not to be opened. */
  readonly passphrase: string | undefined;
  readonly actor: Actor;
  /** Those to which the operator says yes. */
  choose(items: readonly Returning[]): Promise<ReadonlySet<string>>;
}

export interface Restored {
  readonly manifest: Manifest;
  /** How the host is called now. */
  readonly host: string;
  readonly returned: readonly string[];
  readonly withheld: readonly Returning[];
  readonly hasKey: boolean;
}

const RESTORING = ".restoring";
const LATER = ".later";
const PRIVATE = 0o600;

/** Rejects with HostError: then nothing is there that was not there before. */
export async function restoreBackup(asked: Restoring): Promise<Restored> {
  const target = resolve(asked.dataDir);
  requireFree(target);
  const folder = target + RESTORING;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(folder);
  try {
    for (const name of readdirSync(folder)) if (!name.startsWith(LOCK_FILE)) rmSync(join(folder, name), { recursive: true, force: true });
    const restored = await restoreInto(folder, asked);
    requireFree(target);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (entry.isDirectory()) sync(join(entry.parentPath, entry.name));
    sync(folder);
    renameSync(folder, target);
    sync(dirname(target));
    return restored;
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true });
    throw asStorageError(folder, thrown);
  } finally {
    lock.close();
  }
}

/** Checks everything, and puts nothing anywhere. Rejects with HostError. */
export async function verifyBackup(file: string, passphrase: string | undefined): Promise<{ manifest: Manifest; returning: Returning[] }> {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-verify-"));
  try {
    const manifest = await unpackBackup(file, folder);
    checkUnpacked(folder, manifest, escapeControls(file));
    if (passphrase !== undefined) await keyIn(folder, passphrase);
    const connection = openUnlocked(folder);
    try {
      return { manifest, returning: returningIn(connection, undefined, Date.now()) };
    } finally {
      connection.close();
    }
  } catch (thrown) {
    throw asStorageError(folder, thrown);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function restoreInto(folder: string, asked: Restoring): Promise<Restored> {
  const { file, since, passphrase } = asked;
  const manifest = await unpackBackup(file, folder);
  checkUnpacked(folder, manifest, escapeControls(file));
  const key = passphrase === undefined ? undefined : await keyIn(folder, passphrase);
  rmSync(join(folder, SEALED_KEY), { force: true });
  if (key !== undefined) writeSynced(join(folder, KEY_FILE), key);
  const laterFolder = since === undefined ? undefined : await laterState(since, join(folder, LATER), manifest);
  const connection = openUnlocked(folder);
  try {
    const later = laterFolder === undefined ? undefined : openUnlocked(laterFolder);
    const items = returningIn(connection, later, Date.now());
    later?.close();
    const yes = await asked.choose(items);
    const withheld = items.filter(({ item }) => !yes.has(item));
    const returned = items.filter(({ item }) => yes.has(item)).map(({ item }) => item);
    withhold(connection, withheld, laterFolder && join(laterFolder, HOST), Date.now());
    rmSync(join(folder, LATER), { recursive: true, force: true });
    const host = becomeAnother(connection, folder, asked, { manifest, returned, withheld });
    return { manifest, host, returned, withheld, hasKey: key !== undefined };
  } finally {
    connection.close();
  }
}

interface Settled {
  readonly manifest: Manifest;
  readonly returned: readonly string[];
  readonly withheld: readonly Returning[];
}

/** And writes down of which host it was, and what came back to it. */
function becomeAnother(
  connection: Connection,
  folder: string,
  { since, actor }: Restoring,
  { manifest, returned, withheld }: Settled,
): string {
  const audit = new AuditLog(connection, systemClock, new AuditAnchor(folder));
  const { id: before } = identityOf(connection);
  return connection.transaction(() => {
    const { id } = renewIdentity(connection);
    const detail = { host: id, of: before, at: manifest.at, since: since ?? null, returned, withheld: withheld.map(({ item }) => item) };
    audit.append(actor, "restore-backup", "host", detail);
    audit.close();
    return id;
  })();
}

/** Whether it is open or not makes no difference to the key: it is a file of the backup, and was checked as one. */
async function keyIn(folder: string, passphrase: string): Promise<Buffer> {
  const file = join(folder, SEALED_KEY);
  if (!existsSync(file)) throw new HostError("invalid-message", "the backup holds no secret.key; it was made without --with-secrets");
  if (statSync(file).size > MAX_SEALED_BYTES) throw new HostError("invalid-message", "the sealed key in the backup is malformed");
  return openKey(readFileSync(file, "utf8"), passphrase);
}

/** Puts its database into a folder of its own. It must go on where the backup ends, or it knows nothing of what came later. */
async function laterState(since: string, folder: string, manifest: Manifest): Promise<string> {
  mkdirSync(folder, { mode: 0o700 });
  if (statSync(since, { throwIfNoEntry: false })?.isDirectory() === true) {
    checkDataFolder(since);
    using pinned = Pinned.open(join(since, HOST));
    if (pinned === undefined)
      throw new HostError("invalid-message", `${escapeControls(since)} holds no host, so it says nothing of what came later`);
    await pinned.copyTo(join(folder, HOST));
  } else await unpackBackup(since, folder, (name) => name === HOST);
  checkStore(folder, HOST, escapeControls(since));
  const connection = openUnlocked(folder);
  try {
    const { entries, hash } = manifest.audit;
    const found = connection.prepare<[number], string>("SELECT hash FROM audit WHERE seq = ?").pluck().get(entries);
    if (entries > 0 && found !== hash)
      throw new HostError(
        "invalid-message",
        `${escapeControls(since)} is no later state of the host in the backup: its audit log is another one, or shorter`,
      );
  } finally {
    connection.close();
  }
  return folder;
}

/** There must be nothing, or an empty folder that can be exchanged. */
function requireFree(dataDir: string): void {
  const parent = dirname(dataDir);
  const shown = escapeControls(dataDir);
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new HostError("invalid-message", `there is no folder ${escapeControls(parent)}; make it first`);
  checkDataFolder(dataDir);
  const found = statSync(dataDir, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (readdirSync(dataDir).length > 0)
    throw new HostError("conflict", `${shown} is not empty; move it away, and name it with --since, or name another folder with --data`);
  if (found.dev !== statSync(parent).dev)
    throw new HostError(
      "invalid-message",
      `${shown} is a mount point, which cannot be exchanged as a whole; name a folder in it, such as ${join(shown, printable(basename(dataDir)))}`,
    );
}

function writeSynced(path: string, bytes: Buffer): void {
  writeFileSync(path, bytes, { mode: PRIVATE, flag: "wx", flush: true });
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
