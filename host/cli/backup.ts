// `bulkhead backup create | restore | verify`: all that lasts of a host in one file, and a host that is made of one.

import { resolve } from "node:path";
import { multiselect } from "@clack/prompts";
import type { Command } from "commander";
import { localActor } from "../admin/audit.ts";
import type { MadeBackup } from "../backup/creating.ts";
import { type Restored, restoreBackup, verifyBackup } from "../backup/restoring.ts";
import type { Returning } from "../backup/returning.ts";
import { requirePassphrase } from "../backup/sealed-key.ts";
import { readPlainFile } from "../bounds/files.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { openHost } from "./control.ts";
import { readHidden, readNewPassword } from "./hidden-value.ts";
import { conclude, print, table } from "./report.ts";
import { type DataOptions, withDataOptions } from "./serve.ts";
import { say } from "./terminal.ts";

interface SecretOptions {
  readonly withSecrets?: boolean;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

interface RestoreOptions extends SecretOptions {
  readonly data: string;
  readonly since?: string;
  readonly yesTo?: readonly string[];
}

const MIB = 1_024 * 1_024;
const PASSPHRASE_VARIABLE = "BULKHEAD_BACKUP_PASSPHRASE";
const MAX_PASSPHRASE_FILE = 4_096;
const PASSPHRASE = [
  "--passphrase-file <file>",
  `read the passphrase from a file, instead of from ${PASSPHRASE_VARIABLE} or the terminal`,
] as const;
const JSON_OPTION = ["--json", "print JSON on standard output"] as const;

export function addBackup(program: Command): void {
  const backup = program
    .command("backup")
    .description("put all that lasts of a host into one file, while it runs or not, and bring it back");
  withDataOptions(backup.command("create").description("make a backup; what is there is never replaced"))
    .argument("<file>", "where it is to be; the running host's user writes it")
    .option("--with-secrets", "also the key that opens secrets and signing keys, closed with a passphrase")
    .option(...PASSPHRASE)
    .option(...JSON_OPTION)
    .action(create);
  backup
    .command("verify")
    .description("check all that is in a backup, and show what it would bring back")
    .argument("<file>", "the backup")
    .option("--with-secrets", "also whether the passphrase opens the key in it")
    .option(...PASSPHRASE)
    .option(...JSON_OPTION)
    .action(verify);
  backup
    .command("restore")
    .description("make another host of a backup, in a folder that is empty or not there")
    .argument("<file>", "the backup")
    .requiredOption("-d, --data <folder>", "the data folder that it is to have")
    .option("--since <state>", "what the host knew later: its former data folder, or another backup")
    .option("--yes-to <item...>", "what is to come back although it may have been revoked since, such as token:ci or 'plugin:*'")
    .option("--with-secrets", "also the key that opens secrets and signing keys")
    .option(...PASSPHRASE)
    .option(...JSON_OPTION)
    .action(restore);
}

async function create(file: string, options: DataOptions & SecretOptions): Promise<void> {
  const passphrase = options.withSecrets === true ? await passphraseOf(options, () => readNewPassword("the backup")) : undefined;
  await using host = await openHost(options);
  const made = await host.invoke<MadeBackup>("create-backup", {
    file: resolve(file),
    configuration: resolve(options.config),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  conclude(options.json, made, `${file} has ${made.files} files of ${(made.bytes / MIB).toFixed(1)} MiB of the host ${made.host}`);
  if (options.json !== true) for (const one of made.notIncluded) say(`not in it: ${escapeControls(one)}`);
}

async function verify(file: string, options: SecretOptions): Promise<void> {
  const passphrase = options.withSecrets === true ? await passphraseOf(options, () => readHidden("The passphrase:")) : undefined;
  const { manifest, returning } = await verifyBackup(file, passphrase);
  const { files, ...told } = manifest;
  if (options.json === true) return print(true, { ...told, files: files.length, returning }, () => "");
  say(`${file} is whole: the host ${told.host} at ${told.at}, by bulkhead ${told.bulkhead}, ${files.length} files`);
  for (const one of told.notIncluded) say(`not in it: ${escapeControls(one)}`);
  if (returning.length === 0) return;
  say("it may bring these back, which takes a later state that has them still, or your yes:");
  print(false, returning, () => shown(returning));
}

async function restore(file: string, options: RestoreOptions): Promise<void> {
  const passphrase = options.withSecrets === true ? await passphraseOf(options, () => readHidden("The passphrase:")) : undefined;
  const restored = await restoreBackup({
    ...{ file, dataDir: options.data, since: options.since, passphrase, actor: localActor() },
    choose: async (items) => (options.yesTo === undefined ? ask(items) : listed(items, options.yesTo)),
  });
  if (options.json === true)
    print(true, { ...restored, manifest: { ...restored.manifest, files: restored.manifest.files.length } }, () => "");
  else tell(options.data, restored);
}

function tell(data: string, { manifest, host, withheld, hasKey }: Restored): void {
  const isKnown = manifest.files.some(({ name }) => name.startsWith("configuration/"));
  say(`${data} is the host of ${manifest.at}, and is called ${host} from now on`);
  if (isKnown) say(`its configuration and lock are in ${data}/configuration, and not in force: put them where they belong`);
  if (!hasKey && manifest.secrets !== "none") say("without secret.key: secrets and signing keys cannot be opened until you bring it back");
  for (const one of manifest.notIncluded) say(`not in it: ${escapeControls(one)}`);
  if (withheld.length === 0) return;
  say("not brought back, since it may have been revoked, removed or replaced since; plugins are there and stopped:");
  print(false, withheld, () => shown(withheld));
}

const shown = (items: readonly Returning[]): string =>
  table(
    ["item", "what it is"],
    items.map(({ item, what }) => [item, what]),
  );

/** Nobody at the terminal says yes to nothing. */
async function ask(items: readonly Returning[]): Promise<ReadonlySet<string>> {
  if (items.length === 0 || !process.stdin.isTTY) return new Set();
  const answer = await multiselect({
    message: "These may have been revoked, removed or replaced since. Which are to come back?",
    options: items.map(({ item, what }) => ({ value: item, label: escapeControls(item), hint: escapeControls(what) })),
    required: false,
  });
  if (typeof answer === "symbol") throw new HostError("invalid-message", "cancelled; nothing was changed");
  return new Set(answer);
}

/** Throws HostError `invalid-message` for what is none of them. */
function listed(items: readonly Returning[], yes: readonly string[]): ReadonlySet<string> {
  const meant = (one: string): string[] => {
    const found = items.filter(({ item }) => item === one || (one.endsWith(":*") && item.startsWith(one.slice(0, -1))));
    if (found.length > 0 || one.endsWith(":*")) return found.map(({ item }) => item);
    const known = items.map(({ item }) => item).join("\n") || "nothing needs a yes";
    throw new HostError("invalid-message", `--yes-to ${escapeControls(one)} is nothing that would come back`, { detail: known });
  };
  return new Set(yes.flatMap(meant));
}

/** Never from the command line, which other users of the machine can see. */
async function passphraseOf({ passphraseFile }: SecretOptions, read: () => Promise<string>): Promise<string> {
  const passphrase =
    passphraseFile === undefined ? (process.env[PASSPHRASE_VARIABLE] ?? (await read())) : await passphraseIn(passphraseFile);
  requirePassphrase(passphrase);
  return passphrase;
}

async function passphraseIn(file: string): Promise<string> {
  const rules = { maxBytes: MAX_PASSPHRASE_FILE, code: "invalid-message", remedy: "name a file with the passphrase in it" } as const;
  return (await readPlainFile(file, rules)).toString("utf8").replace(/\r?\n$/, "");
}
