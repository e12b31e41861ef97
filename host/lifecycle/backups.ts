// Backups of the host that is here: which of its drivers keep what a backup can hold, and what it is told of the others.

import { resolve } from "node:path";
import type { Backups } from "../admin/backup-operations.ts";
import { Seal } from "../admin/seal.ts";
import { BackupProcess, requireFree } from "../backup/creating.ts";
import { requirePassphrase } from "../backup/sealed-key.ts";
import { packageVersion } from "../bounds/package-version.ts";
import { lockFileOf } from "../install/lock.ts";
import type { Configuration } from "../manifest/configuration.ts";
import { chosenDriver, sectionOf } from "./sections.ts";

const HELD = "sqlite";
/** Drivers that keep something where a backup finds it, if they are SQLite, and what that is. */
const KEPT = { events: "events that are kept", sends: "durable sends", state: "the state that plugins share" } as const;

/** Of what is in force when one is made. */
export function backupsOf(inForce: () => Configuration): Backups & AsyncDisposable {
  const { dataDir } = inForce();
  const making = new BackupProcess();
  return {
    check({ file, passphrase }) {
      requireFree(file);
      if (passphrase !== undefined) requirePassphrase(passphrase);
    },
    async make({ file, configuration: configured, passphrase }) {
      const found = new Seal(dataDir).key();
      const key = found && passphrase !== undefined ? { base64: found.toString("base64"), passphrase } : undefined;
      const secrets = found === undefined ? "none" : key === undefined ? "not included" : "included";
      const besides = configured === undefined ? undefined : { configuration: resolve(configured), lock: lockFileOf(configured) };
      const notIncluded = notIncludedOf(inForce(), secrets);
      return making.make({ dataDir: resolve(dataDir), file, besides, key, secrets, notIncluded, bulkhead: packageVersion() });
    },
    [Symbol.asyncDispose]: () => making[Symbol.asyncDispose](),
  };
}

function notIncludedOf(configuration: Configuration, secrets: string): string[] {
  const drivers = Object.entries(KEPT).flatMap(([name, what]) => {
    const driver = chosenDriver(sectionOf(configuration, "drivers", name), HELD).name;
    return driver === HELD ? [] : [`${what}: they are with the driver ${driver}`];
  });
  const folders = Object.entries(configuration.plugins).flatMap(([name, { path }]) =>
    path === undefined ? [] : [`the plugin ${name}: it is the configuration's own, in ${path}`],
  );
  const sleeps = Object.values(configuration.plugins).some(({ activation }) => activation === "hibernate");
  const asleep = sleeps ? ["what hibernating plugins hold in memory: they begin anew"] : [];
  const key =
    secrets === "not included" ? ["secret.key, without which secrets and signing keys cannot be opened: --with-secrets includes it"] : [];
  return ["sessions: whoever was logged in logs in again", ...key, ...drivers, ...folders, ...asleep];
}
