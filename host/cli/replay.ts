// `bulkhead replay`: runs a turn that failed again, offline and without effects, in a process of its own, and says whether it ends as it did.

import { readFile, stat } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { readPlainFile } from "../bounds/files.ts";
import { keepsStateOf, MAX_RECORD_BYTES, parseTurnRecord, type TurnRecord } from "../bounds/turn-record.ts";
import { admitInProcess } from "../cell/admission/admission-process.ts";
import { anyCellUser, resolveHardening } from "../cell/outside/hardening.ts";
import { createProcessCell } from "../cell/outside/process-cell.ts";
import { type Replayed, replay } from "../cell/replay/replaying.ts";
import { HostError } from "../core/errors.ts";
import { escapeControls } from "../core/names.ts";
import { systemClock } from "../drivers/system-clock.ts";
import { lockFileOf, readLock } from "../install/lock.ts";
import { PackageStore } from "../install/package-store.ts";
import { buildOf, type PluginFolder, readModuleFolder } from "../install/plugin-folder.ts";
import { readOneConfigured } from "../lifecycle/sources.ts";
import { knownLimits } from "../manifest/limits.ts";
import { openHost } from "./control.ts";
import { EXIT } from "./exit-codes.ts";
import { readRecord } from "./records.ts";
import { print } from "./report.ts";
import { type DataOptions, readConfigurationOf, withDataOptions, withOverrides } from "./serve.ts";

interface ReplayOptions extends DataOptions {
  readonly plugin?: string;
  readonly answer: Readonly<Record<string, string>>;
  readonly json?: boolean;
}

const ID = /^[0-9a-f]{12}$/;

export function addReplay(program: Command): void {
  withDataOptions(
    program
      .command("replay")
      .description("run a turn that failed again, without effects, told what it was told; exit code 1 unless it ends as it did"),
  )
    .argument("<record>", 'an id, as "bulkhead records list" shows it, or a file of "bulkhead records export"')
    .option("--plugin <folder>", "another build of the plugin; by default the one that is installed or configured")
    .option("--answer <function=file>", "an answer that is never recorded: bytes, or the JSON of it; may be given often", collectAnswer, {})
    .option("--json", "print JSON on standard output")
    .action(replayOne);
}

async function replayOne(which: string, { plugin, answer, json, ...options }: ReplayOptions): Promise<void> {
  const isFile = !ID.test(which) && (await stat(which).catch(() => undefined)) !== undefined;
  const record = isFile ? await readExported(which) : await readRecord(which, options);
  const folder = plugin === undefined ? await placeOf(record.plugin, options) : await readModuleFolder(plugin);
  const answers = Object.fromEntries(
    await Promise.all(Object.entries(answer).map(async ([name, file]) => [name, await answerIn(name, file)] as const)),
  );
  const replayed = await replayIn(record, folder, answers);
  print(json, replayed, () => shownReplay(record, replayed));
  process.exitCode = replayed.verdict === "same" ? EXIT.ok : EXIT.failed;
}

async function readExported(file: string): Promise<TurnRecord> {
  const rules = { maxBytes: MAX_RECORD_BYTES * 2, code: "invalid-message", remedy: '"bulkhead records export" writes one' } as const;
  return parseTurnRecord(await readPlainFile(file, rules));
}

async function answerIn(name: string, file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause) => {
    throw new HostError("invalid-message", `the answer of ${name} cannot be read from ${file}`, { cause });
  });
}

/** The plugin as the host has it now. */
async function placeOf(plugin: string, options: DataOptions): Promise<PluginFolder> {
  const configuration = withOverrides(await readConfigurationOf(options), options);
  const packages = new PackageStore(configuration.dataDir);
  const configured = configuration.plugins[plugin];
  if (configured !== undefined)
    return readOneConfigured(plugin, configured, { packages, lock: (await readLock(lockFileOf(options.config))) ?? new Map() });
  await using host = await openHost(options);
  const installed = await host.invoke<readonly { readonly plugin: string; readonly package: string }[]>("installations");
  const found = installed.find((one) => one.plugin === plugin);
  if (found !== undefined) return packages.read(found.package);
  throw new HostError("invalid-message", `${plugin} is not here any more; name its folder with --plugin`);
}

async function replayIn(record: TurnRecord, folder: PluginFolder, answers: Readonly<Record<string, Uint8Array>>): Promise<Replayed> {
  const { plugin } = record;
  const image = { ...record.image, limits: knownLimits(record.image.limits) };
  if (folder.manifest.name !== plugin)
    throw new HostError(
      "invalid-message",
      `the record is of ${plugin}, and the folder of ${folder.manifest.name}; name another with --plugin`,
    );
  const hardening = await resolveHardening();
  const user = hardening.users && anyCellUser(hardening.users);
  const admitted = await admitInProcess(folder.wasm, image.limits, { storage: image.storage, keepsState: keepsStateOf(record) });
  return replay(
    { record: { ...record, image }, build: buildOf(folder.manifest, admitted), answers },
    {
      clock: systemClock,
      makeCell: (ports) => createProcessCell({ ...ports, clock: systemClock, storageDir: undefined, plugins: [plugin], hardening, user }),
    },
  );
}

function shownReplay({ plugin, version, entryPoint, at, tape }: TurnRecord, replayed: Replayed): string {
  const { verdict, why, recorded, fuel, calls, build, before, notes, lines } = replayed;
  const refused = tape.turn.refused === undefined ? [] : ["  the guest itself had ended well; the host did not commit what it did"];
  return [
    `${plugin} ${version} ${entryPoint} of ${at}, ${build === "same" ? "the same build" : "another build"}: ${verdict}`,
    `  ${why}`,
    ...(verdict === "same" ? [] : [`  it had ended with ${recorded.code}: ${recorded.message}`]),
    ...refused,
    `  fuel ${fuel.replayed} of ${fuel.recorded}, calls ${calls.replayed} of ${calls.recorded}, turns before it ${before}`,
    ...notes.map((note) => `  note: ${note}`),
    ...lines.map(({ level, message }) => `  ${level.toUpperCase()} ${message}`),
  ]
    .map((line) => escapeControls(line))
    .join("\n");
}

function collectAnswer(pair: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = pair.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("write FUNCTION=FILE, such as crypto.sign=signature.bin");
  return { ...before, [pair.slice(0, at)]: pair.slice(at + 1) };
}
