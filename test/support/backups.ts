// Hosts that do not run, with something of all that lasts, and backups of them.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AuditLog } from "../../host/admin/audit.ts";
import { AuditAnchor } from "../../host/admin/audit-anchor.ts";
import { openHostDatabase } from "../../host/admin/database.ts";
import { GrantStore } from "../../host/admin/grants.ts";
import { Installations } from "../../host/admin/installations.ts";
import { LogCheckpoints } from "../../host/admin/log-checkpoints.ts";
import { QuarantineStore } from "../../host/admin/quarantine.ts";
import { Seal } from "../../host/admin/seal.ts";
import { SecretStore } from "../../host/admin/secrets.ts";
import { SessionStore } from "../../host/admin/sessions.ts";
import { SigningKeyStore } from "../../host/admin/signing-keys.ts";
import { TokenStore } from "../../host/admin/tokens.ts";
import { ToolWordsStore } from "../../host/admin/tool-words.ts";
import { TrustStore } from "../../host/admin/trust-store.ts";
import { UserStore } from "../../host/admin/users.ts";
import { BackupProcess, type MadeBackup } from "../../host/backup/creating.ts";
import { fileBlobs } from "../../host/drivers/blobs/files.ts";
import { openSqliteStorage } from "../../host/drivers/storage-sqlite/storage-sqlite.ts";
import { systemClock } from "../../host/drivers/system-clock.ts";
import { PackageStore } from "../../host/install/package-store.ts";

export const PASSPHRASE = "a horse that staples batteries";

export interface TestHost {
  readonly audit: AuditLog;
  readonly tokens: TokenStore;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly grants: GrantStore;
  readonly installations: Installations;
  readonly quarantine: QuarantineStore;
  readonly secrets: SecretStore;
  readonly keys: SigningKeyStore;
  readonly words: ToolWordsStore;
  readonly trust: TrustStore;
  readonly logs: LogCheckpoints;
}

/** What a host's folder knows, for as long as the work takes. */
export async function inFolder<T>(dataDir: string, work: (host: TestHost) => T | Promise<T>): Promise<T> {
  const database = openHostDatabase(dataDir);
  const { connection } = database;
  const audit = new AuditLog(connection, systemClock, new AuditAnchor(dataDir));
  const users = new UserStore(connection, systemClock);
  const sessions = new SessionStore(connection, systemClock);
  try {
    return await work({
      ...{ audit, users, sessions },
      tokens: new TokenStore(connection, systemClock, users),
      grants: new GrantStore(connection, systemClock),
      installations: new Installations(connection, systemClock),
      quarantine: new QuarantineStore(connection),
      secrets: new SecretStore(connection, systemClock, dataDir),
      keys: new SigningKeyStore({ connection, clock: systemClock, dataDir, audit }),
      words: new ToolWordsStore(connection, systemClock),
      trust: new TrustStore(connection, systemClock),
      logs: new LogCheckpoints(connection, systemClock),
    });
  } finally {
    sessions.close();
    audit.close();
    database.close();
  }
}

const installedAs = (dataDir: string, plugin: string, version: string): Parameters<Installations["add"]>[1] => {
  const manifestText = JSON.stringify({ name: plugin, version, api: "0.1", wasm: "plugin.wasm" });
  const id = new PackageStore(dataDir).put({ manifestText, wasm: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) });
  return { version, package: id, source: `npm:${plugin}@${version}`, integrity: "", wasmSha256: "" };
};

/** Something of each kind that lets somebody in or do something, and some data. */
export async function fillFolder(dataDir: string): Promise<void> {
  await inFolder(dataDir, ({ audit, tokens, users, sessions, grants, installations, secrets, keys, words }) => {
    audit.append("user:test", "begin", "host");
    users.add({ name: "ada", roles: ["operator"], hash: "of ada" });
    sessions.open("account:ada");
    for (const name of ["ci", "old"]) tokens.create({ name, roles: ["viewer"], scopes: [], owner: "user:test", expiresAt: undefined });
    tokens.create({ name: "over", roles: ["viewer"], scopes: [], owner: "user:test", expiresAt: 1 });
    const grant = { plugin: "lamp", permission: "services.call", by: "user:test" } as const;
    grants.allow({ ...grant, resource: "a.a" });
    grants.allow({ ...grant, resource: "b.b" });
    grants.allow({ ...grant, resource: "soon.over", untilRestart: true });
    for (const plugin of ["lamp", "door"]) installations.add(plugin, installedAs(dataDir, plugin, "1.0.0"), {});
    secrets.set("KEY", "a secret value", ["https://example.com"]);
    keys.current("lamp", "main", undefined);
    words.allow("lamp", {}, "user:test");
  });
  const storage = openSqliteStorage({ dir: join(dataDir, "storage"), plugin: "lamp", maxBytes: 1e6, maxKeys: 100, clock: systemClock });
  storage.set("is", new TextEncoder().encode("on"));
  storage.close();
  const blobs = fileBlobs(join(dataDir, "blobs"));
  const content = await blobs.create("lamp");
  await content.write(new TextEncoder().encode("a picture"));
  await content.seal();
  await blobs.put("lamp", { name: "picture", mediaType: "image/png", metadata: [], size: 9, id: content.id, modified: 1 }, undefined);
}

/** Another version of a plugin that is installed. */
export const updateIn = (dataDir: string, plugin: string, version: string): Promise<void> =>
  inFolder(dataDir, ({ installations }) => {
    installations.exchange(plugin, installedAs(dataDir, plugin, version), []);
    installations.accept(plugin);
  });

export async function backUp(dataDir: string, file: string, passphrase?: string): Promise<MadeBackup> {
  const configuration = join(dataDir, "..", "bulkhead.json");
  mkdirSync(join(dataDir, ".."), { recursive: true });
  writeFileSync(configuration, "{}");
  await using making = new BackupProcess();
  const key = new Seal(dataDir).key();
  return await making.make({
    ...{ dataDir, file, notIncluded: [], bulkhead: "0.2.0" },
    secrets: passphrase === undefined ? "not included" : "included",
    besides: { configuration, lock: join(dataDir, "..", "bulkhead.lock") },
    key: passphrase === undefined || key === undefined ? undefined : { base64: key.toString("base64"), passphrase },
  });
}
